#!/usr/bin/env python3
"""Compacted topics through kcat: the newest value of each key stays and older ones go, tombstones go after delete.retention.ms, and neither
a broker killed while it cleans nor a topic deleted meanwhile changes that."""
import collections
import glob
import os
import random
import subprocess
import sys
import time

import rig

SEGMENT = 1 << 20
OFTEN = ("log.cleaner.backoff.ms=100", "log.retention.check.interval.ms=200", "log.level=info")


def kcat(broker, *words, data=None):
    done = subprocess.run(["kcat", "-b", broker.address, *words], input=data, check=True, capture_output=True, text=True, timeout=rig.seconds(120))
    return done.stdout


class Topic:
    """A topic of one partition beside what it must hold: the newest value of each key, None for a tombstone."""

    def __init__(self, broker, name, *configs):
        self.broker, self.name, self.newest, self.written = broker, name, {}, 0
        broker.create(name, 1, "cleanup.policy=compact", f"segment.bytes={SEGMENT}", "min.cleanable.dirty.ratio=0.01", *configs)

    def write(self, records, codec="none"):
        """(key, value or None) in order; kcat sends an empty value as null."""
        lines = "".join(f"{key}\t{value or ''}\n" for key, value in records)
        kcat(self.broker, "-P", "-t", self.name, "-p", "0", "-K", "\t", "-Z", "-z", codec, "-X", "batch.size=20000", data=lines)
        self.newest.update(records)
        self.written += len(records)

    def fill(self, tag):
        """So much that everything before it lies in a sealed segment."""
        self.write([(f"filler {n}", f"{tag} {n} " + "x" * 900) for n in range(1300)])

    def read(self):
        """[(offset, key, value or None)]"""
        out = kcat(self.broker, "-C", "-t", self.name, "-o", "beginning", "-e", "-q", "-f", "%o\t%k\t%S\t%s\n")
        rows = [line.split("\t", 3) for line in out.split("\n")[:-1]]
        return [(int(offset), key, None if size == "-1" else value) for offset, key, size, value in rows]

    def segments(self):
        return sorted(int(os.path.basename(path)[:20]) for path in glob.glob(os.path.join(self.directory(), "*.log")))

    def cleaned_bytes(self):
        """Of what is being written."""
        try:
            return sum(os.path.getsize(path) for path in glob.glob(os.path.join(self.directory(), "*.cleaned")))
        except FileNotFoundError:
            return 0  # It got its name meanwhile.

    def directory(self):
        return os.path.join(self.broker.data, self.name + "-0")

    def is_compact(self):
        """Whether no key stands twice in what is sealed."""
        active = self.segments()[-1]
        keys = [key for offset, key, _ in self.read() if offset < active]
        return len(keys) == len(set(keys))

    def check(self, tombstones_stay=True):
        rows = self.read()
        offsets = [offset for offset, _, _ in rows]
        assert offsets == sorted(set(offsets)) and offsets[-1] < self.written, "offsets rise, and none is new"
        last = {key: value for _, key, value in rows}
        for key, value in self.newest.items():
            if value is not None or tombstones_stay:
                assert key in last and last[key] == value, (key, value, last.get(key))
            else:
                assert last.get(key) is None, (key, last[key])
        return rows


def older_values_go_and_the_newest_stay(broker):
    for codec in ("none", "lz4", "zstd", "snappy", "gzip"):
        topic = Topic(broker, f"kept-{codec}")
        for turn in range(4):
            topic.write([(f"key {n}", f"turn {turn} of {n} " + "y" * 500) for n in range(1000)], codec)
        topic.fill("end")
        rig.until(topic.is_compact, f"{topic.name} is compact", 60, 0.2)
        rows = topic.check()
        assert len(rows) < topic.written, rows[:3]
        assert not glob.glob(os.path.join(topic.directory(), "*.swap")), "the swaps are over"
    assert "compacted" in broker.said() and "records to" in broker.said()


def a_reader_finds_its_place_in_what_is_left(broker):
    topic = Topic(broker, "places")
    for turn in range(4):
        topic.write([(f"key {n}", f"turn {turn} " + "y" * 500) for n in range(1000)])
    topic.fill("end")
    rig.until(topic.is_compact, "compact", 60, 0.2)
    rows = topic.read()
    for start in random.sample(range(rows[-1][0]), 10):
        out = kcat(broker, "-C", "-t", topic.name, "-p", "0", "-o", str(start), "-c", "1", "-e", "-q", "-f", "%o\n")
        assert int(out) == next(offset for offset, _, _ in rows if offset >= start), start
    out = subprocess.run([broker.tidelog, "consume", topic.name, "-b", broker.address, "-o", "start:end", "--raw"], check=True, capture_output=True,
                         text=True, timeout=rig.seconds(60)).stdout
    assert out == "".join(value + "\n" for _, _, value in rows), "our own client passes over what was emptied, too"


def tombstones_go_when_their_time_is_over(broker):
    stays = Topic(broker, "tombstones-stay")
    goes = Topic(broker, "tombstones-go", "delete.retention.ms=1500")
    for topic in (stays, goes):
        topic.write([(f"key {n}", "z" * 1000) for n in range(1000)])
        topic.write([(f"key {n}", None) for n in range(100)])
        topic.fill("first")
        topic.fill("second")
    rig.until(stays.is_compact, "compact", 60, 0.2)
    assert sum(value is None for _, _, value in stays.check()) == 100, "for a day"
    # Nothing more is written: a tombstone that is due is reason enough.
    rig.until(lambda: all(value is not None for _, _, value in goes.read()), "tombstones go", 60, 0.2)
    goes.check(tombstones_stay=False)
    assert not any(key == "key 5" for _, key, _ in goes.read())


def a_killed_cleaning_loses_nothing(tidelog):
    with rig.Broker(tidelog, *OFTEN, "log.cleaner.io.max.bytes.per.second=4000000") as broker:
        topic = Topic(broker, "killed")
        caught = collections.Counter()
        deadline = time.monotonic() + rig.seconds(90)
        for turn in range(12):
            topic.write([(f"key {n}", f"turn {turn} of {n} " + "y" * 400) for n in range(random.randrange(1000, 2500))])
            if turn % 3 == 0:
                topic.write([(f"key {n}", None) for n in random.sample(range(1000), 50)])
            topic.fill(f"turn {turn}")

            def at_work():
                return glob.glob(os.path.join(topic.directory(), "*.cleaned")) or glob.glob(os.path.join(topic.directory(), "*.swap"))

            if time.monotonic() < deadline:
                rig.until(at_work, "a cleaning is at work", 60, 0.001)
                into_it = random.randrange(SEGMENT // 3)
                rig.until(lambda: not at_work() or topic.cleaned_bytes() >= into_it, "it has come that far, or is over", 60, 0.001)
            caught[bool(at_work())] += 1
            broker.kill()
            broker.start()
            topic.check()
        assert caught[True] >= 3, f"the kills came between the cleanings: {caught}"
        broker.stop()
        broker.options = OFTEN
        broker.start()
        rig.until(topic.is_compact, "compact at last", 60, 0.2)
        topic.check()
        left = [path for suffix in ("cleaned", "swap", "deleted") for path in glob.glob(os.path.join(topic.directory(), "*." + suffix))]
        assert not left, left
        assert broker.stop() == 0


def a_topic_may_be_deleted_while_it_is_cleaned(tidelog):
    with rig.Broker(tidelog, *OFTEN, "log.cleaner.io.max.bytes.per.second=1000000") as broker:
        for turn in range(3):
            topic = Topic(broker, "comes-and-goes")
            for _ in range(3):
                topic.write([(f"key {n}", f"turn {turn} of {n} " + "y" * 500) for n in range(1000)])
            topic.fill("end")
            rig.until(lambda: glob.glob(os.path.join(topic.directory(), "*.cleaned")), "a cleaning is at work", 60, 0.001)
            subprocess.run([tidelog, "topic", "delete", topic.name, "--yes", "-b", broker.address], check=True, capture_output=True,
                           timeout=rig.seconds(60))
        after = Topic(broker, "comes-and-goes")
        after.write([("key", "value")])
        assert after.read() == [(0, "key", "value")]
        assert broker.stop() == 0, "and a stop waits for no throttled cleaning"


def main():
    args = rig.arguments()
    for shards in (1, 3):
        with rig.Broker(args.tidelog, f"shards={shards}", *OFTEN) as broker:
            for check in (older_values_go_and_the_newest_stay, a_reader_finds_its_place_in_what_is_left, tombstones_go_when_their_time_is_over):
                check(broker)
                print(f"ok {check.__name__} with {shards} shard(s)", flush=True)
            assert broker.stop() == 0
    for check in (a_killed_cleaning_loses_nothing, a_topic_may_be_deleted_while_it_is_cleaned):
        check(args.tidelog)
        print(f"ok {check.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
