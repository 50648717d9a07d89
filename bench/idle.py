#!/usr/bin/env python3
"""What partitions cost that nobody uses: resident memory, open and mapped files, processor time, and how long a clean start takes with all
of them. Tidelog and, where KAFKA_PEER names an executable that runs one (see bench/run.sh), Apache Kafka. What the figures mean:
docs/benchmarks.md.

Usage: bench/idle.py [NAME]      writes bench/results/NAME.md and NAME.json (idle)
  TOPICS=100 PARTITIONS=100   of each topic
  STARTS=5              clean starts that are timed, with empty partitions and again with a record in each
  SETTLE=5              seconds between a start and the look at it
  IDLE=130              seconds after the last record before the look: more than two checkpoints
  PEERS="tidelog kafka", KAFKA_PEER, BUILD_DIR, TIDELOG, LOAD, BENCH_DATA, PORT, KAFKA_PORT, BROKER_CPU, LOAD_CPU: see bench/peers.sh"""
import json
import os
import resource
import subprocess
import sys
import time

import peer_process
from peer_process import Process, Settings, Trouble, setting

TOPIC = "idle"


class Knobs:
    def __init__(self):
        self.topics, self.partitions = setting("TOPICS", 100), setting("PARTITIONS", 100)
        self.starts = setting("STARTS", 5)
        self.settle, self.idle = setting("SETTLE", 5.0), setting("IDLE", 130.0)

    @property
    def count(self):
        return self.topics * self.partitions

    def topic_names(self):
        return [f"{TOPIC}-{number}" for number in range(self.topics)]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Measurement:
    """One peer, from an empty folder on."""

    def __init__(self, peer, settings, knobs, out):
        self.peer, self.settings, self.knobs, self.out = peer, settings, knobs, out
        self.empty = None  # what the broker takes without any partition

    def write(self, case, number, figures):
        line = {"round": number, "peer": self.peer.name, "mode": "fsync", "case": case, **figures}
        self.out.write(json.dumps(line) + "\n")
        self.out.flush()
        say(f"  {self.peer.name:8} {case:34} " + ", ".join(f"{key} {value:,.1f}" for key, value in figures.items()))

    def load_each(self, command, *more):
        """Runs the load generator for each topic."""
        for topic in self.knobs.topic_names():
            self.settings.run_load(command, "--port", self.peer.port, "--topic", topic, "--partitions", self.knobs.partitions, *more)

    def look(self):
        """What the broker has now."""
        process = Process(self.peer.pid)
        below = self.peer.data + os.sep + TOPIC
        files = process.open_files()
        return {"rss_bytes": process.memory_bytes(), "anonymous_bytes": process.memory_bytes("RssAnon"), "files": len(files),
                "partition_files": sum(path.startswith(below) for path in files),
                "mapped_files": sum(path.startswith(below) for path in process.mapped_files())}

    def look_idle(self, seconds):
        process = Process(self.peer.pid)
        before = process.cpu_seconds()
        time.sleep(seconds)
        return {**self.look(), "idle_cpu_percent": (process.cpu_seconds() - before) / seconds * 100}

    def note(self, case, figures):
        """Against the broker without partitions."""
        count = self.knobs.count
        self.write(case, 1, {**figures, "rss_per_partition": (figures["rss_bytes"] - self.empty["rss_bytes"]) / count,
                             "files_per_partition": figures["partition_files"] / count,
                             "mapped_per_partition": figures["mapped_files"] / count})

    def clean_starts(self, case, partitions):
        """Stops and starts it again and again; it runs in the end."""
        self.check_folders(partitions)
        for number in range(1, self.knobs.starts + 1):
            self.peer.stop()
            self.write(case, number, {"open_ms": peer_process.start(self.peer) * 1e3})

    def check_folders(self, partitions):
        there = len(self.peer.folders_of(TOPIC))
        if there != partitions:
            raise Trouble(f"{self.peer.name} has {there} partitions in {self.peer.data}, not {partitions}")

    def run(self):
        self.peer.prepare()
        peer_process.start(self.peer)
        self.clean_starts("start-empty", 0)
        self.empty = self.look_idle(self.knobs.settle)
        self.write("idle-none", 1, self.empty)
        self.load_each("create")
        self.note("idle-created", self.look_idle(self.knobs.settle))
        self.clean_starts("start-partitions", self.knobs.count)
        self.note("idle-restarted", self.look_idle(self.knobs.settle))
        self.load_each("produce", "--batch-bytes", 1, "--window", self.knobs.partitions, "--requests", self.knobs.partitions)
        self.note("idle-written", self.look_idle(self.knobs.idle))
        self.clean_starts("start-records", self.knobs.count)
        self.note("idle-written-restarted", self.look_idle(self.knobs.settle))
        self.peer.stop()


def main():
    os.chdir(peer_process.ROOT)
    name = sys.argv[1] if len(sys.argv) > 1 else "idle"
    settings, knobs = Settings(), Knobs()
    os.makedirs(settings.data_dir, exist_ok=True)
    settings.check()
    if knobs.count < 1 or knobs.starts < 1:
        raise Trouble("nothing to measure without topics, partitions or starts")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < 2 * knobs.count:
        say(f"only {hard} descriptors are allowed: a peer that keeps files open may not carry {knobs.count} partitions")
    os.sched_setaffinity(0, {settings.load_cpu})
    raw = os.path.join(settings.data_dir, f"{name}.jsonl")
    with open(raw, "w", encoding="utf-8") as out:
        out.write(json.dumps({"case": "settings", "partitions": knobs.count, "idle_s": knobs.idle, "settle_s": knobs.settle}) + "\n")
        for peer_name in settings.peers:
            peer = settings.make(peer_name)
            try:
                Measurement(peer, settings, knobs, out).run()
            finally:
                peer.remove()
    subprocess.run([sys.executable, "bench/storage_report.py", "idle", raw, f"bench/results/{name}"], check=True)


if __name__ == "__main__":
    sys.exit(peer_process.run(main))
