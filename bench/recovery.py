#!/usr/bin/env python3
"""SIGKILL under load with a big log: how long until the broker serves again, and how much it read for that. Tidelog and, where KAFKA_PEER
names an executable that runs one (see bench/run.sh), Apache Kafka take turns, kill by kill; only one of them runs at a time. What the
figures mean: docs/benchmarks.md.

Usage: bench/recovery.py [NAME]      writes bench/results/NAME.md and NAME.json (recovery)
  SIZE=10000000000      bytes in the topic before the first kill
  LAYOUTS="1 1000"      partitions that hold them; each is filled and measured by itself
  MODES="page-cache fsync"   durability while the load is on; filling is page-cache always
  KILL_AFTER="5 20 50"  seconds of load before each kill: one kill each, in each mode
  RATE=50000000         bytes a second of the load; IN_FLIGHT=16 requests of BATCH_BYTES=16384, partitions in turn
  PEERS="tidelog kafka", KAFKA_PEER, BUILD_DIR, TIDELOG, LOAD, BENCH_DATA, PORT, KAFKA_PORT, BROKER_CPU, LOAD_CPU: see bench/peers.sh"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

import peer_process
import raw_client
from peer_process import Process, Settings, Trouble, setting

TOPIC = "recovery"
SPARE_BYTES = 5_000_000_000  # of the disk, beyond what is written
FILL_BATCH_BYTES = 65536
# The config that makes a topic durable in a way, by peer and mode.
MODE_CONFIG = {
    ("tidelog", "page-cache"): ("durability", "page-cache"),
    ("tidelog", "fsync"): ("durability", "fsync"),
    ("kafka", "page-cache"): ("flush.messages", "9223372036854775807"),
    ("kafka", "fsync"): ("flush.messages", "1"),
}
SCANNED = re.compile(r"recovery read (\d+) bytes of (\d+) logs")


class Knobs:
    def __init__(self):
        self.size = setting("SIZE", 10_000_000_000)
        self.layouts = [int(word) for word in setting("LAYOUTS", "1 1000").split()]
        self.modes = setting("MODES", "page-cache fsync").split()
        self.kill_after = [float(word) for word in setting("KILL_AFTER", "5 20 50").split()]
        self.load = {"rate": setting("RATE", 50_000_000), "batch_bytes": setting("BATCH_BYTES", 16384), "window": setting("IN_FLIGHT", 16)}

    def check(self, settings):
        wrong = [mode for mode in self.modes if mode not in ("page-cache", "fsync")]
        if wrong or not self.kill_after or min(self.layouts) < 1:
            raise Trouble(f"nothing to measure with MODES={self.modes} LAYOUTS={self.layouts} KILL_AFTER={self.kill_after}")
        one = self.size + len(self.modes) * sum(self.kill_after) * self.load["rate"]
        free = shutil.disk_usage(settings.data_dir).free
        if free < len(settings.peers) * one + SPARE_BYTES:
            raise Trouble(f"{len(settings.peers)} x {one / 1e9:.0f} GB would be written, and {free / 1e9:.0f} GB of the disk are free")


def say(text):
    print(text, file=sys.stderr, flush=True)


def fill(peer, settings, partitions, size):
    peer.prepare()
    peer_process.start(peer)
    name, value = MODE_CONFIG[peer.name, "page-cache"]
    topic = ("--port", peer.port, "--topic", TOPIC, "--partitions", partitions)
    settings.run_load("create", *topic, "--config", f"{name}={value}")
    batches = -(-size // FILL_BATCH_BYTES // partitions) * partitions
    shape = ("--batch-bytes", FILL_BATCH_BYTES, "--window", 16, "--requests", batches, "--seconds", 7200)
    filled = settings.run_load("produce", *topic, *shape)
    say(f"  {peer.name}: filled with {json.loads(filled)['bytes'] / 1e9:.1f} GB")
    peer.stop()


def measured_start(peer, last):
    """Milliseconds from before the broker is spawned. `last`: of each partition the highest acknowledged offset, which must be served;
    none: a clean start, of which only the first acknowledgement is waited for."""
    begun, opened = peer_process.start_until_open(peer)
    first = raw_client.produce_once(peer.port, TOPIC)
    acked = time.perf_counter() - begun
    line = {"open_ms": opened * 1e3, "acked_ms": acked * 1e3, "read_bytes": Process(peer.pid).bytes_read()}
    if last:
        raw_client.fetch_each(peer.port, TOPIC, last)
        line["serving_ms"] = (time.perf_counter() - begun) * 1e3
        if first <= last[0]:
            raise Trouble(f"{peer.name} gave offset {first} again: {last[0]} was acknowledged")
        again = time.perf_counter()
        raw_client.fetch_each(peer.port, TOPIC, last)
        line["reader_ms"] = (time.perf_counter() - again) * 1e3
    peer.spawned()
    return {**line, **what_it_said(peer)}


def journal_bytes(peer):
    return sum(os.path.getsize(path) for path in glob.glob(os.path.join(glob.escape(peer.data), "journal", "*")))


def what_it_said(peer):
    """What the broker itself says that recovery read; only Tidelog does."""
    if peer.name != "tidelog":
        return {}
    found = SCANNED.search(peer.said())
    return {"scanned_bytes": int(found[1]) if found else 0, "scanned_logs": int(found[2]) if found else 0}


def load_until_kill(peer, partitions, seconds, shape):
    """Puts load on, kills the broker. (highest acknowledged offset of each partition, figures of the load)"""
    before = {p: end - 1 for p, end in raw_client.end_offsets(peer.port, TOPIC, partitions).items()}
    load = raw_client.SteadyLoad(peer.port, TOPIC, before, shape)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        load.check()
        time.sleep(0.02)
    load.check()
    peer.kill()
    figures = load.finish()
    if min(load.last.values()) < 0:
        raise Trouble("a partition is empty: SIZE is too small for so many")
    return load.last, figures


def one_kill(peer, partitions, mode, seconds, shape):
    clean = measured_start(peer, None)
    raw_client.set_topic_config(peer.port, TOPIC, *MODE_CONFIG[peer.name, mode])
    last, load = load_until_kill(peer, partitions, seconds, shape)
    line = {**load, "journal_bytes": journal_bytes(peer), **measured_start(peer, last)}
    line |= {"clean_acked_ms": clean["acked_ms"], "clean_read_bytes": clean["read_bytes"]}
    if "scanned_bytes" in clean:
        line["clean_scanned_bytes"] = clean["scanned_bytes"]
    peer.stop()
    return line


def measure_layout(settings, knobs, partitions, write):
    peers = [settings.make(name) for name in settings.peers]
    try:
        for peer in peers:
            fill(peer, settings, partitions, knobs.size)
        for mode in knobs.modes:
            for number, seconds in enumerate(knobs.kill_after, 1):
                for peer in peers:
                    line = one_kill(peer, partitions, mode, seconds, knobs.load)
                    say(f"  {peer.name:8} {mode:10} {partitions:5} partitions, killed after {seconds:g} s: "
                        f"acked {line['acked_ms']:.0f} ms, all serve {line['serving_ms']:.0f} ms, "
                        f"{line['read_bytes'] / 1e6:.1f} MB read")
                    write({"round": number, "peer": peer.name, "mode": mode, "case": f"recovery-{partitions}", "partitions": partitions,
                           "kill_after_s": seconds, **line})
    finally:
        for peer in peers:
            peer.remove()


def main():
    os.chdir(peer_process.ROOT)
    name = sys.argv[1] if len(sys.argv) > 1 else "recovery"
    settings, knobs = Settings(), Knobs()
    os.makedirs(settings.data_dir, exist_ok=True)
    settings.check()
    knobs.check(settings)
    os.sched_setaffinity(0, {settings.load_cpu})
    raw = os.path.join(settings.data_dir, f"{name}.jsonl")
    with open(raw, "w", encoding="utf-8") as out:
        def write(line):
            out.write(json.dumps(line) + "\n")
            out.flush()

        write({"case": "settings", "size_bytes": knobs.size, "kill_after_s": knobs.kill_after, **knobs.load})
        for partitions in knobs.layouts:
            say(f"{partitions} partitions, {knobs.size / 1e9:g} GB")
            measure_layout(settings, knobs, partitions, write)
    subprocess.run([sys.executable, "bench/storage_report.py", "recovery", raw, f"bench/results/{name}"], check=True)


if __name__ == "__main__":
    sys.exit(peer_process.run(main))
