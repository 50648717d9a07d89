#!/usr/bin/env python3
"""SIGKILL under load, many times: every acknowledged record is there afterwards, at its offset, in order, once."""
import os
import signal
import subprocess
import sys

import rig

PARTITIONS = 3
ACKS_BETWEEN_KILLS = 300


class Acknowledged:
    """Follows the file the producer writes its acknowledgements to."""

    def __init__(self, path):
        self.file = open(path, encoding="ascii")
        self.offsets = {}  # value -> (partition, offset)
        self.rest = ""

    def read(self):
        lines = (self.rest + self.file.read()).split("\n")
        self.rest = lines.pop()
        for line in lines:
            partition, offset, value = line.split(" ")
            assert value not in self.offsets, f"{value} was acknowledged twice"
            self.offsets[value] = (int(partition), int(offset))
        return len(self.offsets)


def stored(broker, topic):
    """Everything in the topic, by other people's client: partition -> [(offset, value)]."""
    text = subprocess.run(["kcat", "-C", "-q", "-e", "-b", broker.address, "-t", topic, "-o", "beginning", "-f", "%p %o %s\\n"],
                          check=True, capture_output=True, text=True, timeout=rig.seconds(300)).stdout
    logs = {p: [] for p in range(PARTITIONS)}
    for line in text.splitlines():
        partition, offset, value = line.split(" ")
        logs[int(partition)].append((int(offset), value))
    return logs


def check(acknowledged, logs):
    place = {}
    for partition, records in logs.items():
        numbers = [int(value.split("-")[1]) for _, value in records]
        assert numbers == sorted(set(numbers)), f"partition {partition}: records are out of order or there twice"
        assert [offset for offset, _ in records] == sorted(offset for offset, _ in records)
        for offset, value in records:
            place[value] = (partition, offset)
    lost = [value for value in acknowledged if value not in place]
    moved = [value for value, where in acknowledged.items() if value in place and place[value] != where]
    assert not lost, f"{len(lost)} acknowledged records are gone, the first: {lost[:5]}"
    assert not moved, f"{len(moved)} acknowledged records are at another offset, the first: {moved[:5]}"


def main():
    args = rig.arguments(kills=100)
    with rig.Broker(args.tidelog, "log.segment.bytes=1048576") as broker:
        broker.create("killed", PARTITIONS)
        acks_path = os.path.join(broker.home, "acks")
        with open(acks_path, "wb") as out:
            producer = subprocess.Popen([os.path.join(args.tools, "steady_producer"), broker.address, "killed", str(PARTITIONS)], stdout=out)
        try:
            acks = Acknowledged(acks_path)
            for _ in range(args.kills):
                target = acks.read() + ACKS_BETWEEN_KILLS
                rig.until(lambda: producer.poll() is not None or acks.read() >= target, "records are acknowledged", 60)
                assert producer.poll() is None, f"the producer gave up with {producer.returncode}"
                broker.kill()
                broker.start()
            producer.send_signal(signal.SIGTERM)
            assert producer.wait(timeout=rig.seconds(90)) == 0, "what was under way could not be delivered"
        finally:
            if producer.poll() is None:
                producer.kill()
        count = acks.read()
        logs = stored(broker, "killed")
        check(acks.offsets, logs)
        print(f"{args.kills} kills, {count} records acknowledged, {sum(map(len, logs.values()))} stored: none lost, moved or doubled")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
