#!/usr/bin/env python3
"""Topics that are there are changed: more partitions, fewer records. By librdkafka, by our command line, and by hand-made requests; and what was
answered holds after the broker was killed."""
import glob
import json
import os
import struct
import subprocess
import sys

import rig
import wire

OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC, COORDINATOR_NOT_AVAILABLE, INVALID_TOPIC, POLICY_VIOLATION, KAFKA_STORAGE_ERROR, INVALID_RECORD = 1, 3, 15, 17, 44, 56, 87


class Broker(rig.Broker):
    def __init__(self, tools, *options):
        super().__init__(*options)
        self.admin_client = os.path.join(tools, "admin_client")

    def admin(self, *words):
        return subprocess.run([self.admin_client, self.address, *map(str, words)], check=True, capture_output=True, text=True, timeout=60).stdout.split()

    def cli(self, *words):
        done = subprocess.run([self.tidelog, *words, "-b", self.address], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def call(self, key, version, body, flexible=False):
        connection = rig.Wire(self.port)
        answer = connection.call(key, version, body, flexible)
        connection.close()
        return answer

    def produce(self, topic, partition, *values, producer=-1, epoch=-1, sequence=-1):
        connection = rig.Wire(self.port)
        records = wire.batch(*values, producer=producer, epoch=epoch, sequence=sequence)
        connection.send(wire.PRODUCE, 3, 1, wire.produce(topic, partition, records))
        _, error, base = wire.produce_answer(connection.receive())
        connection.close()
        assert error == 0, f"produce failed with {error}"
        return base

    def consume(self, topic, partition, offset="beginning"):
        return subprocess.run(["kcat", "-b", self.address, "-C", "-t", topic, "-p", str(partition), "-o", str(offset), "-e", "-q", "-f", "%o %s\n"],
                              check=True, capture_output=True, text=True, timeout=60).stdout.split("\n")[:-1]

    def start_offset(self, topic, partition):
        return struct.unpack(">q", self.call(wire.LIST_OFFSETS, 1, wire.list_offsets(topic, partition, -2))[-8:])[0]

    def delete_records(self, topic, partition, offset):
        return wire.delete_records_answer(self.call(wire.DELETE_RECORDS, 0, wire.delete_records(topic, partition, offset)))

    def fetch_error(self, topic, partition, offset):
        return wire.fetch_error(self.call(wire.FETCH, 4, wire.fetch(topic, partition, offset)))[0]

    def restart_after_kill(self):
        self.kill()
        self.start()

    def partitions(self, topic):
        code, out, err = self.cli("topic", "list", "--format", "json")
        assert code == 0, err
        return {each["name"]: each["partitions"] for each in json.loads(out)["topics"]}[topic]


def new_partitions_are_usable_when_the_answer_comes_and_stay_after_a_kill(broker):
    broker.create("grow", 2)
    broker.produce("grow", 0, b"before")
    assert broker.admin("create-partitions", "grow", 5) == ["grow", "NO_ERROR"]
    assert broker.produce("grow", 4, b"in the last") == 0
    broker.restart_after_kill()
    assert broker.partitions("grow") == 5
    assert broker.consume("grow", 0) == ["0 before"]
    assert broker.consume("grow", 4) == ["0 in the last"]
    assert broker.admin("create-partitions", "grow", 5) == ["grow", "INVALID_PARTITIONS"]
    assert broker.admin("create-partitions", "grow", 4) == ["grow", "INVALID_PARTITIONS"]
    assert broker.admin("create-partitions", "missing", 4) == ["missing", "UNKNOWN_TOPIC_OR_PART"]


def the_command_line_adds_partitions(broker):
    broker.create("by-hand", 1)
    code, out, _ = broker.cli("topic", "add-partitions", "by-hand", "--partitions", "3", "--dry-run")
    assert code == 0 and "would be extended" in out and broker.partitions("by-hand") == 1
    code, out, _ = broker.cli("topic", "add-partitions", "by-hand", "--partitions", "3")
    assert code == 0 and "extended" in out and broker.partitions("by-hand") == 3
    code, _, err = broker.cli("topic", "add-partitions", "by-hand", "--partitions", "2")
    assert code == 1 and "cannot be taken away" in err and "INVALID_PARTITIONS" in err, err


def deleted_records_do_not_come_back_after_a_kill(broker):
    broker.create("trim")
    for n in range(10):
        broker.produce("trim", 0, b"value %d" % n)
    assert broker.admin("delete-records", "trim", 0, 4) == ["0", "NO_ERROR", "4"]
    broker.restart_after_kill()
    assert broker.start_offset("trim", 0) == 4
    assert broker.consume("trim", 0) == [f"{n} value {n}" for n in range(4, 10)]
    assert broker.fetch_error("trim", 0, 3) == OFFSET_OUT_OF_RANGE
    assert broker.fetch_error("trim", 0, 4) == 0
    # Lower than before: no effect. Beyond the end, or before the beginning of time: refused.
    assert broker.delete_records("trim", 0, 2) == (4, 0)
    assert broker.delete_records("trim", 0, 11) == (-1, OFFSET_OUT_OF_RANGE)
    assert broker.delete_records("trim", 0, -2) == (-1, OFFSET_OUT_OF_RANGE)
    assert broker.delete_records("trim", 7, 0) == (-1, UNKNOWN_TOPIC)
    assert broker.delete_records("trim", 0, -1) == (10, 0)
    broker.restart_after_kill()
    assert broker.start_offset("trim", 0) == 10 and broker.consume("trim", 0) == []
    assert broker.produce("trim", 0, b"after") == 10, "an offset was given out again"


def each_of_many_answered_deletions_survives_the_kill_after_it(broker):
    broker.create("often")
    for n in range(1, 8):
        broker.produce("often", 0, *(b"%d" % i for i in range(5)))
        assert broker.delete_records("often", 0, 5 * n - 2) == (5 * n - 2, 0)
        broker.restart_after_kill()
        assert broker.start_offset("often", 0) == 5 * n - 2


def what_was_deleted_stays_deleted_though_the_log_cannot_be_read(broker):
    broker.create("unreadable")
    for n in range(10):
        broker.produce("unreadable", 0, b"%d" % n)
    assert broker.stop() == 0
    path = os.path.join(broker.data, "unreadable-0", "0" * 20 + ".log")
    with open(path, "rb") as file:
        whole = file.read()
    with open(path, "r+b") as file:
        file.write(bytes(len(whole)))
    broker.start()
    # After a clean stop nothing was read, so it is found out once the segment is looked at. Its bytes are not touched, and deleting goes on.
    assert broker.delete_records("unreadable", 0, 6) == (6, 0)
    assert broker.fetch_error("unreadable", 0, 7) == KAFKA_STORAGE_ERROR
    assert broker.delete_records("unreadable", 0, 8) == (8, 0)
    # Other logs' deletions write manifests, which have to keep what was answered about this one.
    broker.create("readable")
    broker.produce("readable", 0, b"value")
    assert broker.delete_records("readable", 0, 1) == (1, 0)
    broker.kill()
    with open(path, "r+b") as file:
        file.write(whole)
    broker.start()
    assert broker.start_offset("unreadable", 0) == 8
    # The bytes are back, and what is known of the damage stays until somebody says otherwise: a range is forgotten with its file.
    assert broker.fetch_error("unreadable", 0, 8) == KAFKA_STORAGE_ERROR
    assert broker.produce("unreadable", 0, b"10") == 10
    assert broker.consume("unreadable", 0, 10) == ["10 10"]


def whole_segments_below_the_start_leave_the_disk(broker):
    broker.create("large", 1, "segment.bytes=1048576")
    for _ in range(40):
        broker.produce("large", 0, b"x" * 200_000)

    def segments():
        return sorted(glob.glob(os.path.join(broker.data, "large-0", "*.log")))

    before = segments()
    assert len(before) >= 7, before
    assert broker.delete_records("large", 0, 30) == (30, 0)
    after = segments()
    assert len(after) < len(before) / 2 and after == before[-len(after):], after
    oldest = int(os.path.basename(after[0])[:20])
    assert oldest <= 30 and int(os.path.basename(after[1])[:20]) > 30, after
    broker.restart_after_kill()
    assert broker.start_offset("large", 0) == 30
    assert len(broker.consume("large", 0)) == 10


def looking_for_a_coordinator_makes_the_offsets_topic(broker):
    offsets = "__consumer_offsets"

    def is_there():
        # Behind the name: that it is internal, and how many partitions there are.
        return wire.text(offsets) + b"\1" + struct.pack(">i", 50) in broker.call(wire.METADATA, 1, struct.pack(">i", -1))

    assert struct.unpack_from(">ih", broker.call(wire.FIND_COORDINATOR, 1, wire.find_coordinator("a transaction", 1)))[1] == COORDINATOR_NOT_AVAILABLE
    assert not is_there(), "a transaction's coordinator was looked for"
    for _ in range(2):
        assert struct.unpack_from(">ih", broker.call(wire.FIND_COORDINATOR, 1, wire.find_coordinator("a group")))[1] == 0
        assert is_there()
    code, out, err = broker.cli("config", "get", "cleanup.policy", "--topic", offsets, "--format", "json")
    assert code == 0 and [each["value"] for each in json.loads(out)["configs"]] == ["compact"], out + err
    # Only the broker writes there, but for who says that he mends it by hand.
    for client, expected in ((None, INVALID_TOPIC), ("somebody", INVALID_TOPIC), ("__admin_client", INVALID_RECORD)):
        connection = rig.Wire(broker.port)
        connection.send(wire.PRODUCE, 3, 1, wire.produce(offsets, 0, wire.batch(b"without a key")), client=client)
        assert wire.produce_answer(connection.receive())[1] == expected, client
        connection.close()
    broker.restart_after_kill()
    assert is_there()


def compacted_topics_are_not_trimmed(broker):
    broker.create("compacted", 1, "cleanup.policy=compact")
    assert broker.delete_records("compacted", 0, 0) == (-1, POLICY_VIOLATION)
    broker.create("both", 1, "cleanup.policy=compact,delete")
    assert broker.delete_records("both", 0, 0) == (0, 0)


def the_command_line_trims(broker):
    broker.create("cut", 2)
    for n in range(6):
        broker.produce("cut", n % 2, b"%d" % n)
    code, _, err = broker.cli("topic", "trim", "cut", "--before", "2")
    assert code == 2 and "--yes" in err and broker.start_offset("cut", 0) == 0
    code, out, err = broker.cli("topic", "trim", "cut", "--before", "2", "--dry-run")
    assert code == 0 and "would be trimmed" in out and "about 4 records" in err and broker.start_offset("cut", 0) == 0, out + err
    code, out, _ = broker.cli("topic", "trim", "cut", "-p", "1", "--before", "2", "--yes", "--format", "json")
    assert code == 0 and json.loads(out)["partitions"] == [{"topic": "cut", "partition": 1, "start": 2, "status": "trimmed"}], out
    assert [broker.start_offset("cut", p) for p in (0, 1)] == [0, 2]
    code, _, err = broker.cli("topic", "trim", "cut", "--before", "9", "--yes")
    assert code == 1 and "OFFSET_OUT_OF_RANGE" in err, err
    code, out, _ = broker.cli("topic", "trim", "cut", "--before", "end", "--yes")
    assert code == 0 and [broker.start_offset("cut", p) for p in (0, 1)] == [3, 3], out
    code, _, err = broker.cli("topic", "trim", "nowhere", "--before", "0", "--yes")
    assert code == 6 and "does not exist" in err, err


def log_dirs(broker, topics):
    """Version 4: {(topic, partition): (size, lag)}, total and usable bytes. `topics`: None for all."""
    body = b"\0" if topics is None else bytes([len(topics) + 1])
    for topic, partitions in (topics or {}).items():
        body += wire.compact(topic) + bytes([len(partitions) + 1]) + struct.pack(f">{len(partitions)}i", *partitions) + b"\0"
    read = wire.Reader(broker.call(wire.DESCRIBE_LOG_DIRS, 4, body + b"\0", flexible=True))
    assert read.take("ih") == (0, 0)
    assert read.count() == 1, "there is one log directory"
    assert read.take("h") == 0
    assert read.compact() == broker.data
    found = {}
    for _ in range(read.count()):
        topic = read.compact()
        for _ in range(read.count()):
            partition, size, lag, is_future = read.take("iqq?")
            read.tags()
            found[topic, partition] = size, lag
            assert not is_future
        read.tags()
    return found, *read.take("qq")


def log_dirs_tell_sizes(broker):
    broker.create("sized", 3)
    broker.produce("sized", 1, b"x" * 1000)
    every, total, usable = log_dirs(broker, None)
    some, _, _ = log_dirs(broker, {"sized": [1, 2, 9], "nowhere": [0]})
    assert set(some) == {("sized", 1), ("sized", 2)}
    assert some["sized", 1] == (sum(map(os.path.getsize, glob.glob(os.path.join(broker.data, "sized-1", "*.log")))), 0) and some["sized", 1][0] > 1000
    assert some["sized", 2] == (0, 0) and every["sized", 0] == (0, 0) and every["sized", 1] == some["sized", 1]
    assert len({topic for topic, _ in every}) > 1
    disk = os.statvfs(broker.data)
    assert total == disk.f_blocks * disk.f_frsize and 0 < usable <= total


def describe_producers(broker, topic, partitions):
    body = b"\2" + wire.compact(topic) + bytes([len(partitions) + 1]) + struct.pack(f">{len(partitions)}i", *partitions) + b"\0\0"
    read = wire.Reader(broker.call(wire.DESCRIBE_PRODUCERS, 0, body, flexible=True))
    assert read.take("i") == 0 and read.count() == 1 and read.compact() == topic
    found = {}
    for _ in range(read.count()):
        index, error = read.take("ih")
        message = read.compact()
        producers = []
        for _ in range(read.count()):
            producers.append(read.take("qiiqiq"))
            read.tags()
        read.tags()
        assert (message is None) == (error == 0)
        found[index] = error, producers
    return found


def producers_are_told_with_what_they_wrote_last(broker):
    broker.create("written", 2)
    broker.produce("written", 0, b"a", b"b", producer=7001, epoch=0, sequence=0)
    broker.produce("written", 0, b"c", producer=7001, epoch=0, sequence=2)
    broker.produce("written", 0, b"d", producer=7002, epoch=3, sequence=0)
    broker.produce("written", 0, b"nobody in particular")
    told = describe_producers(broker, "written", [0, 1, 9])
    assert told[0] == (0, [(7001, 0, 2, 0, -1, -1), (7002, 3, 0, 0, -1, -1)]), told
    assert told[1] == (0, []) and told[9] == (UNKNOWN_TOPIC, [])


def topic_pages(broker, limit, names=()):
    """Every page of DescribeTopicPartitions, as [(topic, error, [partition])]."""
    cursor = None
    while True:
        body = bytes([len(names) + 1]) + b"".join(wire.compact(name) + b"\0" for name in names) + struct.pack(">i", limit)
        body += b"\xff" if cursor is None else b"\1" + wire.compact(cursor[0]) + struct.pack(">i", cursor[1]) + b"\0"
        read = wire.Reader(broker.call(wire.DESCRIBE_TOPIC_PARTITIONS, 0, body + b"\0", flexible=True))
        assert read.take("i") == 0
        page = []
        for _ in range(read.count()):
            error = read.take("h")
            name = read.compact()
            read.raw(16 + 1)
            partitions = []
            for _ in range(read.count()):
                _, index, leader, _ = read.take("hiii")
                assert leader == 1 and [read.ids() for _ in range(5)] == [[1], [1], [], [], []]
                read.tags()
                partitions.append(index)
            read.take("i")
            read.tags()
            page.append((name, error, partitions))
        yield page
        if read.take("b") < 0:
            return
        cursor = read.compact(), read.take("i")


def topics_are_described_in_pages(broker):
    broker.create("page-a", 3)
    broker.create("page-b", 2)
    names = ["page-b", "page-a", "page-missing"]
    assert list(topic_pages(broker, 2, names)) == [[("page-a", 0, [0, 1])], [("page-a", 0, [2]), ("page-b", 0, [0])],
                                                   [("page-b", 0, [1]), ("page-missing", UNKNOWN_TOPIC, [])]]
    everything = [entry for page in topic_pages(broker, 4) for entry in page]
    told = {}
    for name, error, partitions in everything:
        assert error == 0
        told.setdefault(name, []).extend(partitions)
    assert told["page-a"] == [0, 1, 2] and told["page-b"] == [0, 1] and list(told) == sorted(told)


def main():
    args = rig.arguments()
    skipped = ("main", "log_dirs", "describe_producers", "topic_pages", "Broker")
    checks = [check for name, check in globals().items() if callable(check) and getattr(check, "__module__", "") == "__main__" and name not in skipped]
    rig.run_checks(args.tidelog, checks, lambda *options: Broker(args.tools, *options))
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
