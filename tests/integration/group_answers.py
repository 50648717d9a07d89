#!/usr/bin/env python3
"""What groups have is told in bounded memory, however often it is asked for, and others are served meanwhile."""
import struct
import sys
import threading
import time

import group_wire as gw
import rig
import wire

BUDGET = 64 << 20
PARTITIONS, NOTE = 1500, b"n" * 1000
OFFSET_FETCH_MANY, DESCRIBE_GROUPS = 8, 15
GROUP_OPERATIONS = 3400  # Read, Delete, Describe, DescribeConfigs, AlterConfigs


def connected(broker):
    connection = rig.Wire(broker.port)
    connection.socket.settimeout(rig.seconds(60))
    return connection


def commit_with_notes(broker, group):
    connection = connected(broker)
    for first in range(0, PARTITIONS, 500):  # What is one batch for the coordinator.
        some = range(first, first + 500)
        body = (wire.text(group) + struct.pack(">i", -1) + wire.text("") + struct.pack(">hi", -1, 1) + wire.text("noted") +
                struct.pack(">i", len(some)) + b"".join(struct.pack(">iqi", i, i, -1) + wire.text(NOTE.decode()) for i in some))
        rig.until(lambda body=body: set(commit_errors(connection.call(gw.OFFSET_COMMIT, 7, body))) == {gw.NONE}, "it commits", 60)
    connection.close()


def commit_errors(payload):
    """Version 7, of one topic."""
    at = 4 + 4 + 2 + len("noted")
    count, = struct.unpack_from(">i", payload, at)
    return [struct.unpack_from(">h", payload, at + 4 + 6 * i + 4)[0] for i in range(count)]


def fetch_many(groups):
    return wire.compact_array([wire.compact_text(group) + b"\0" + b"\0" for group in groups]) + b"\0" + b"\0"


def peak_bytes(broker):
    with open(f"/proc/{broker.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def slowest_while(broker, act):
    """The longest that somebody else waited for an answer while `act` ran, in seconds."""
    over, slowest = threading.Event(), [0.0]

    def ask():
        bystander = connected(broker)
        while not over.is_set():
            begun = time.monotonic()
            bystander.call(wire.API_VERSIONS, 0, b"")
            slowest[0] = max(slowest[0], time.monotonic() - begun)
        bystander.close()
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        act()
    finally:
        over.set()
        asking.join()
    return slowest[0]


def check_a_group_is_told_once(broker):
    connection = connected(broker)
    answers = []
    waited = slowest_while(broker, lambda: answers.append(connection.call(gw.OFFSET_FETCH, OFFSET_FETCH_MANY, fetch_many(["noted"] * 3000), True)))
    assert answers[0].count(b"noted") == 2, "the group and its topic, once"
    assert answers[0].count(NOTE) == PARTITIONS
    assert waited < 2, waited
    connection.close()


def check_one_partition_many_times(broker):
    connection = connected(broker)
    indexes = struct.pack(">i", 7) * 30_000
    body = wire.text("noted") + struct.pack(">i", 1) + wire.text("noted") + struct.pack(">i", 30_000) + indexes

    def ask():
        connection.send(gw.OFFSET_FETCH, 4, 1, body)
        answer = connection.receive()
        assert answer is None or len(answer) > 30_000 * len(NOTE)
    assert slowest_while(broker, ask) < 2
    connection.close()


def check_operations(broker):
    connection = connected(broker)
    body = struct.pack(">i", 1) + wire.text("noted")
    for asked, expected in ((b"\0", -(1 << 31)), (b"\1", GROUP_OPERATIONS)):
        answer = connection.call(DESCRIBE_GROUPS, 3, body + asked)
        assert struct.unpack(">i", answer[-4:])[0] == expected, answer
    connection.close()


def main():
    args = rig.arguments()
    for shards in (1, 3):
        with rig.Broker(args.tidelog, f"shards={shards}", f"memory.budget.bytes={BUDGET}", "group.memory.bytes=8000000",
                        "socket.request.max.bytes=4194304") as broker:
            broker.create("noted", PARTITIONS)
            connected(broker).call(wire.FIND_COORDINATOR, 1, wire.find_coordinator("noted"))
            commit_with_notes(broker, "noted")
            for check in (check_a_group_is_told_once, check_one_partition_many_times, check_operations):
                check(broker)
                print(f"ok {check.__name__} with {shards} shard(s)", flush=True)
            peak = peak_bytes(broker)
            assert peak < BUDGET * 1.1, f"{peak} bytes at most, {BUDGET} are allowed"
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
