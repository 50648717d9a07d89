#!/usr/bin/env python3
"""How long groups take until every member has what was decided, and what a storm of commits costs: Tidelog and, where KAFKA_PEER names an
executable that runs one (see bench/run.sh), Apache Kafka, by turns. What the figures mean: docs/benchmarks.md.

Usage: bench/groups.py [NAME]      writes bench/results/NAME.md and NAME.json (groups)
  ROUNDS=3                    of the settling
  MEMBERS="2 10 100 1000"     sizes of groups; PARTITIONS=900 of the topic they read
  COMMIT_SECONDS=120          of a million commits a minute by 1,000 groups; 0: none
  PEERS="tidelog kafka", KAFKA_PEER, BUILD_DIR, TIDELOG, LOAD, BENCH_DATA, PORT, KAFKA_PORT, BROKER_CPU, LOAD_CPU: see bench/peers.sh"""
import json
import os
import resource
import subprocess
import sys
import time

import peer_process
from peer_process import Process, Settings, Trouble, setting

PROTOCOLS = ("classic", "consumer")
# Nothing waits for more members than there are, and sessions and heartbeats are as short as the figures need: a group's own speed is measured.
OPTIONS = {"group.initial.rebalance.delay.ms": 0, "group.min.session.timeout.ms": 500, "group.consumer.min.session.timeout.ms": 500,
           "group.consumer.session.timeout.ms": 3000, "group.consumer.min.heartbeat.interval.ms": 50,
           "group.consumer.heartbeat.interval.ms": 100, "group.consumer.min.assignment.interval.ms": 0,
           "group.consumer.assignment.interval.ms": 0, "group.consumer.max.size": 2000, "max.connections.per.ip": 5000,
           # Small, so that what is compacted away is seen within minutes.
           "offsets.topic.segment.bytes": 1 << 20, "log.cleaner.backoff.ms": 1000}
HEARTBEAT_MS, SESSION_MS = 100, 3000


class Knobs:
    def __init__(self):
        self.rounds, self.partitions = setting("ROUNDS", 3), setting("PARTITIONS", 900)
        self.members = [int(word) for word in setting("MEMBERS", "2 10 100 1000").split()]
        self.commit_seconds = setting("COMMIT_SECONDS", 120)


def say(text):
    print(text, file=sys.stderr, flush=True)


def size_of(folders):
    """Bytes that these folders take on the disk."""
    total = 0
    for folder in folders:
        for name in os.listdir(folder):
            try:
                total += os.stat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # Compacted away meanwhile.
    return total


class Measurement:
    def __init__(self, peer, settings, knobs, out):
        self.peer, self.settings, self.knobs, self.out = peer, settings, knobs, out
        self.program = os.path.join(peer_process.ROOT, settings.build_dir, "bench", "tidelog-groups")

    def write(self, case, number, figures):
        line = {"round": number, "peer": self.peer.name, "mode": "default", "case": case, **figures}
        self.out.write(json.dumps(line) + "\n")
        self.out.flush()
        say(f"  {self.peer.name:8} {case:22} " + ", ".join(f"{key} {value:,.1f}" for key, value in figures.items() if isinstance(value, (int, float))))

    def command(self, *arguments):
        return [self.program, *map(str, arguments), "--port", str(self.peer.port)]

    def settle(self, number, protocol, members):
        # What 1,000 members send every 100 ms would be all that is measured.
        slow = 5 if members >= 1000 and protocol == "classic" else 1
        done = subprocess.run(self.command("settle", "--group", f"g-{protocol}-{members}-{number}", "--protocol", protocol, "--members", members,
                                           "--partitions", self.knobs.partitions, "--heartbeat-ms", HEARTBEAT_MS * slow, "--session-ms", SESSION_MS),
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Trouble(f"{self.peer.name}: {protocol}, {members} members: no figures, see above")
        figures = json.loads(done.stdout)
        self.write(f"settle-{protocol}-{members}", number, {key: value for key, value in figures.items() if key.endswith("_ms") or key == "members"})

    def commits(self):
        process = Process(self.peer.pid)
        before, cpu = process.memory_bytes(), process.cpu_seconds()
        memory, disk = [], []
        storm = subprocess.Popen(self.command("commits", "--seconds", self.knobs.commit_seconds), stdout=subprocess.PIPE, text=True)
        while storm.poll() is None:
            memory.append(process.memory_bytes())
            disk.append(size_of(self.peer.folders_of("__consumer_offsets")))
            time.sleep(1)
        if storm.returncode != 0:
            raise Trouble(f"{self.peer.name}: the storm of commits failed, see above")
        figures = json.loads(storm.stdout.read())
        half = disk[len(disk) // 2:] or [0]
        self.write("commits", 1, {**{key: value for key, value in figures.items() if key != "scenario"}, "rss_before": before, "rss_peak": max(memory),
                                  "disk_peak": max(disk), "disk_growth_in_second_half": half[-1] - half[0],
                                  "cpu_us_per_commit": (process.cpu_seconds() - cpu) * 1e6 / max(figures["commits"], 1)})


def run_peer(peer, settings, knobs, out):
    peer.options = OPTIONS
    peer.prepare()
    peer_process.start(peer)
    measurement = Measurement(peer, settings, knobs, out)
    for number in range(knobs.rounds + 1):
        for members in knobs.members:
            for protocol in PROTOCOLS:
                if number > 0 or members <= 100:  # The first round warms up.
                    measurement.settle(number, protocol, members)
    if knobs.commit_seconds > 0:
        measurement.commits()
    peer.stop()


def main():
    os.chdir(peer_process.ROOT)
    name = sys.argv[1] if len(sys.argv) > 1 else "groups"
    settings, knobs = Settings(), Knobs()
    os.makedirs(settings.data_dir, exist_ok=True)
    settings.check()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {settings.load_cpu})
    raw = os.path.join(settings.data_dir, f"{name}.jsonl")
    with open(raw, "w", encoding="utf-8") as out:
        out.write(json.dumps({"case": "settings", "partitions": knobs.partitions, "rounds": knobs.rounds, "heartbeat_ms": HEARTBEAT_MS,
                              "session_ms": SESSION_MS, "options": OPTIONS}) + "\n")
        for peer_name in settings.peers:
            peer = settings.make(peer_name)
            try:
                run_peer(peer, settings, knobs, out)
            finally:
                peer.remove()
    subprocess.run([sys.executable, "bench/storage_report.py", "groups", raw, f"bench/results/{name}"], check=True)


if __name__ == "__main__":
    sys.exit(peer_process.run(main))
