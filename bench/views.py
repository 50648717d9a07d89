#!/usr/bin/env python3
"""How long a start takes until every group can be asked, when committed offsets have a long log: with views of it in RocksDB and without, by
turns, on the same log. What the figures mean: docs/benchmarks.md.

Usage: bench/views.py [NAME]      writes bench/results/NAME.md and NAME.json (views)
  STARTS=7                        each way
  COMMIT_SECONDS=120              of 25,000 commits a second by 1,000 groups, in PARTITIONS=4 of __consumer_offsets
  BUILD_DIR, TIDELOG, BENCH_DATA, PORT: see bench/peers.sh"""
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import peer_process
from peer_process import Settings, Trouble, setting

INTERVAL_MS = 40


def log_bytes(peer):
    sizes = []
    for folder in peer.folders_of("__consumer_offsets"):
        sizes.append(sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder) if name.endswith(".log")))
    return sum(sizes)


def can_be_asked(peer, settings):
    """Needs each coordinator there is."""
    command = [settings.tidelog, "group", "list", "-b", f"127.0.0.1:{peer.port}"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def start_until_asked(peer, settings):
    begun = time.monotonic()
    peer_process.start(peer)
    while not can_be_asked(peer, settings):
        if time.monotonic() > begun + 120:
            raise Trouble("groups cannot be asked")
    return (time.monotonic() - begun) * 1000


def measure(peer, settings):
    # Nothing is compacted meanwhile: what is measured is the part of a log that never is.
    same = {"offsets.topic.num.partitions": setting("PARTITIONS", 4), "max.connections.per.ip": 5000, "log.cleaner.enable": "false"}
    ways = {"views": same, "no views": {**same, "group.view.bytes": 0}}
    peer.options = ways["views"]
    peer.prepare()
    peer_process.start(peer)
    while not can_be_asked(peer, settings):
        pass
    storm = [os.path.join(peer_process.ROOT, settings.build_dir, "bench", "tidelog-groups"), "commits", "--port", str(peer.port), "--interval-ms", str(INTERVAL_MS),
             "--seconds", str(setting("COMMIT_SECONDS", 120))]
    done = json.loads(subprocess.run(storm, stdout=subprocess.PIPE, text=True, check=True).stdout)
    peer.stop()
    took = {name: [] for name in ways}
    for _ in range(setting("STARTS", 7)):
        for name, options in ways.items():
            peer.options = options
            took[name].append(start_until_asked(peer, settings))
            peer.stop()
            print(f"  {name:10} {took[name][-1]:,.0f} ms", file=sys.stderr, flush=True)
    return {"commits": done["commits"], "partitions": same["offsets.topic.num.partitions"], "log_bytes": log_bytes(peer), "ms": took}


def report(name, figures):
    views, whole = (figures["ms"][key] for key in ("views", "no views"))
    ratios = [a / b for a, b in zip(views, whole)]
    row = lambda times: f"{statistics.median(times):,.0f} ({min(times):,.0f}–{max(times):,.0f})"
    text = f"""# Measured: {name}

Made by `bench/views.py {name}`; how to read it: `docs/benchmarks.md`. {figures["commits"]:,} commits of 1,000 groups in {figures["partitions"]} partitions of
`__consumer_offsets`, {figures["log_bytes"] / 1e6:,.0f} MB of log, none of it compacted. From the start of the process until every group can be asked, warm, in ms:
the median of {len(views)} starts each way, and the range.

| with views | without | with / without |
|---|---|---|
| {row(views)} | {row(whole)} | {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |
"""
    for ending, content in (("md", text), ("json", json.dumps(figures, indent=1) + "\n")):
        with open(f"bench/results/{name}.{ending}", "w", encoding="utf-8") as out:
            out.write(content)


def main():
    os.chdir(peer_process.ROOT)
    name = sys.argv[1] if len(sys.argv) > 1 else "views"
    settings = Settings()
    os.makedirs(settings.data_dir, exist_ok=True)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    peer = settings.make("tidelog")
    try:
        report(name, measure(peer, settings))
    finally:
        peer.remove()


if __name__ == "__main__":
    sys.exit(peer_process.run(main))
