#!/usr/bin/env python3
"""Several log directories: where partitions go, what a restart finds, and what goes on when one of them is away."""
import os
import re
import struct
import subprocess
import sys

import rig
import wire

LEADER_NOT_AVAILABLE, COORDINATOR_NOT_AVAILABLE, KAFKA_STORAGE_ERROR = 5, 15, 56
PARTITIONS = 4


class Broker(rig.Broker):
    """With a second directory, unless it is told of another list."""

    def __init__(self, tidelog, *options, dirs=("data", "second")):
        super().__init__(tidelog, *options)
        self.plain = self.options
        self.second = os.path.join(self.home, "second")
        self.use(*dirs)

    def use(self, *dirs):
        self.options = (*self.plain, "log.dirs=" + ",".join(os.path.join(self.home, name) for name in dirs))

    def cli(self, *words, data=b""):
        done = subprocess.run([self.tidelog, *words, "-b", self.address], input=data, capture_output=True, timeout=rig.seconds(60))
        return done.returncode, done.stdout, done.stderr.decode()

    def produce(self, topic, partition, *values):
        """The error of the answer."""
        connection = rig.Wire(self.port)
        connection.send(wire.PRODUCE, 3, 1, wire.produce(topic, partition, wire.batch(*values)))
        _, error, _ = wire.produce_answer(connection.receive())
        connection.close()
        return error

    def produce_together(self, topic, values):
        """One request for several partitions: the errors of its answer."""
        body = struct.pack(">hhii", -1, -1, 10000, 1) + wire.text(topic) + struct.pack(">i", len(values))
        for partition, value in values.items():
            records = wire.batch(value)
            body += struct.pack(">ii", partition, len(records)) + records
        connection = rig.Wire(self.port)
        answer = connection.call(wire.PRODUCE, 3, body)
        connection.close()
        at = 4 + 2 + len(topic) + 4
        return [struct.unpack_from(">h", answer, at + i * 22 + 4)[0] for i in range(len(values))]

    def consume(self, topic, partition):
        code, out, said = self.cli("consume", topic, "-p", str(partition), "-o", "start:end", "--raw", "--timeout", "20s")
        assert code == 0, said
        return out.split(b"\n")[:-1]

    def fetch_error(self, topic, partition):
        connection = rig.Wire(self.port)
        answer = connection.call(wire.FETCH, 4, wire.fetch(topic, partition, 0))
        connection.close()
        return wire.fetch_error(answer)[0]

    def partitions(self, topic):
        """{partition: (error, leader, offline replicas)}, by Metadata version 9."""
        body = bytes([2]) + wire.compact(topic) + b"\0" + b"\0\0\0\0"
        connection = rig.Wire(self.port)
        read = wire.Reader(connection.call(wire.METADATA, 9, body, flexible=True))
        connection.close()
        read.take("i")
        for _ in range(read.count()):
            read.take("i")
            read.compact()
            read.take("i")
            read.compact()
            read.tags()
        read.compact()
        read.take("i")
        assert read.count() == 1 and read.take("h") == 0 and read.compact() == topic
        read.take("?")
        found = {}
        for _ in range(read.count()):
            error, partition, leader, _ = read.take("hiii")
            for _ in range(2):
                for _ in range(read.count()):
                    read.take("i")
            offline = [read.take("i") for _ in range(read.count())]
            read.tags()
            found[partition] = error, leader, len(offline)
        return found

    def log_dirs(self):
        """{path: (error, {(topic, partition)})}"""
        connection = rig.Wire(self.port)
        read = wire.Reader(connection.call(wire.DESCRIBE_LOG_DIRS, 4, b"\0\0", flexible=True))
        connection.close()
        assert read.take("ih") == (0, 0)
        found = {}
        for _ in range(read.count()):
            error, path, logs = read.take("h"), read.compact(), set()
            for _ in range(read.count()):
                topic = read.compact()
                for _ in range(read.count()):
                    logs.add((topic, read.take("iqq?")[0]))
                    read.tags()
                read.tags()
            read.take("qq")
            read.tags()
            found[path] = error, logs
        return found

    def logs_in(self, directory):
        return sorted(name for name in os.listdir(directory) if re.fullmatch(r"[a-z]+-\d+", name))

    def fill(self, topic):
        self.create(topic, PARTITIONS)
        for partition in range(PARTITIONS):
            assert self.produce(topic, partition, b"%d a" % partition, b"%d b" % partition) == 0

    def expect_filled(self, topic, partitions=range(PARTITIONS)):
        for partition in partitions:
            assert self.consume(topic, partition) == [b"%d a" % partition, b"%d b" % partition], partition

    def properties(self, directory):
        with open(os.path.join(directory, "meta.properties"), encoding="ascii") as f:
            return dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)


def expect_second_is_offline(broker, topic):
    for partition, (error, leader, offline) in broker.partitions(topic).items():
        expected = (LEADER_NOT_AVAILABLE, -1, 1) if partition % 2 else (0, 1, 0)
        assert (error, leader, offline) == expected, (partition, error, leader, offline)
    for partition in (1, 3):
        assert broker.produce(topic, partition, b"no") == KAFKA_STORAGE_ERROR
        assert broker.fetch_error(topic, partition) == KAFKA_STORAGE_ERROR
    broker.expect_filled(topic, (0, 2))
    dirs = broker.log_dirs()
    assert dirs[broker.second] == (KAFKA_STORAGE_ERROR, set()), dirs
    error, logs = dirs[broker.data]
    assert error == 0 and {(topic, 0), (topic, 2)} <= logs, dirs


def partitions_go_by_turns_and_survive_a_kill(args):
    with Broker(args.tidelog) as broker:
        broker.fill("spread")
        assert broker.logs_in(broker.data) == ["spread-0", "spread-2"] and broker.logs_in(broker.second) == ["spread-1", "spread-3"]
        first, second = broker.properties(broker.data), broker.properties(broker.second)
        assert first["cluster.id"] == second["cluster.id"] and first["directory.id"] != second["directory.id"]
        assert os.path.exists(os.path.join(broker.second, "manifest")) and not os.path.exists(os.path.join(broker.second, "__cluster_metadata-0"))
        broker.kill()
        broker.start()
        broker.expect_filled("spread")
        assert all(leader == 1 for _, leader, _ in broker.partitions("spread").values())
        assert broker.stop() == 0
        broker.start()
        broker.expect_filled("spread")
        assert broker.log_dirs()[broker.second] == (0, {("spread", 1), ("spread", 3)})
        code, _, said = broker.cli("topic", "delete", "spread", "--yes")
        assert code == 0, said
        assert broker.logs_in(broker.data) == [] and broker.logs_in(broker.second) == []


def one_more_directory_gets_what_is_new(args):
    with Broker(args.tidelog, dirs=("data",)) as broker:
        broker.fill("old")
        broker.kill()
        broker.use("data", "second")
        broker.start()
        broker.expect_filled("old")
        assert broker.logs_in(broker.second) == []
        broker.create("new", 5)
        assert broker.logs_in(broker.second) == [f"new-{i}" for i in range(4)], broker.logs_in(broker.second)
        assert broker.logs_in(broker.data) == ["new-4"] + [f"old-{i}" for i in range(4)]
        # And back: what is in the directory that was taken out is not made anew.
        assert broker.stop() == 0
        broker.use("data")
        broker.start()
        assert broker.partitions("new")[0] == (LEADER_NOT_AVAILABLE, -1, 1) and broker.partitions("new")[4] == (0, 1, 0)
        assert "new-0 is in the log directory with directory.id=" in broker.said(), broker.said()
        assert broker.logs_in(broker.data) == ["new-4"] + [f"old-{i}" for i in range(4)]
        broker.expect_filled("old")


def what_is_away_at_the_start_is_offline(args):
    with Broker(args.tidelog) as broker:
        broker.fill("kept")
        away = broker.second + ".away"
        for replacement in ("file", "nothing mounted"):
            broker.kill()
            os.rename(broker.second, away)
            if replacement == "file":
                with open(broker.second, "w", encoding="ascii"):
                    pass
            else:
                os.mkdir(broker.second)
            broker.start()
            if replacement == "file":
                expect_second_is_offline(broker, "kept")
                assert f"log directory {broker.second} is offline" in broker.said(), broker.said()
                broker.create("meanwhile", 2)
                assert broker.logs_in(broker.data) == ["kept-0", "kept-2", "meanwhile-0", "meanwhile-1"]
                code, _, said = broker.cli("topic", "delete", "meanwhile", "--yes")
                assert code == 0, said
            else:
                assert broker.produce("kept", 1, b"no") == KAFKA_STORAGE_ERROR and broker.partitions("kept")[1] == (LEADER_NOT_AVAILABLE, -1, 1)
                assert "kept-1 is in the log directory with directory.id=" in broker.said(), broker.said()
            assert not [name for name in broker.logs_in(broker.data) if name in ("kept-1", "kept-3")]
            broker.kill()
            subprocess.run(["rm", "-rf", broker.second], check=True)
            os.rename(away, broker.second)
            broker.start()
            broker.expect_filled("kept")
            assert all(state == (0, 1, 0) for state in broker.partitions("kept").values())


def one_that_goes_while_it_is_used_leaves_the_other(args):
    with Broker(args.tidelog, "log.retention.check.interval.ms=200", "log.retention.ms=-1") as broker:
        broker.fill("torn")
        away = broker.second + ".away"
        os.rename(broker.second, away)
        rig.until(lambda: broker.partitions("torn")[1][1] == -1, "the broker notices that a directory is gone")
        expect_second_is_offline(broker, "torn")
        assert f"log directory {broker.second} is offline" in broker.said(), broker.said()
        assert broker.produce("torn", 0, b"more") == 0
        broker.create("later", 2)
        assert broker.logs_in(broker.data) == ["later-0", "later-1", "torn-0", "torn-2"] and not os.path.exists(broker.second)
        code, _, said = broker.cli("topic", "delete", "later", "--yes")
        assert code == 0, said
        assert broker.stop() == 0, "a clean stop"
        os.rename(away, broker.second)
        broker.start()
        broker.expect_filled("torn", (1, 2, 3))
        assert broker.consume("torn", 0) == [b"0 a", b"0 b", b"more"]


def groups_of_what_is_left_are_coordinated(args):
    with Broker(args.tidelog, "offsets.topic.num.partitions=2", "group.initial.rebalance.delay.ms=0") as broker:
        def coordinator_error(group):
            connection = rig.Wire(broker.port)
            error, = struct.unpack_from(">h", connection.call(wire.FIND_COORDINATOR, 1, wire.find_coordinator(group)), 4)
            connection.close()
            return error

        broker.create("read")
        groups = [f"group-{i}" for i in range(8)]
        for group in groups:
            rig.until(lambda name=group: broker.cli("group", "seek", name, "--topic", "read", "--to", "earliest", "--execute")[0] == 0, "it commits")
        broker.kill()
        away = broker.second + ".away"
        os.rename(broker.second, away)
        with open(broker.second, "w", encoding="ascii"):
            pass
        broker.start()
        errors = [coordinator_error(group) for group in groups]
        assert set(errors) == {0, COORDINATOR_NOT_AVAILABLE}, errors
        os.unlink(broker.second)
        broker.kill()
        os.rename(away, broker.second)
        broker.start()
        assert [coordinator_error(group) for group in groups] == [0] * len(groups)


def a_deleted_topic_goes_when_its_directory_is_back(args):
    with Broker(args.tidelog) as broker:
        broker.fill("gone")
        assert broker.stop() == 0
        away = broker.second + ".away"
        os.rename(broker.second, away)
        with open(broker.second, "w", encoding="ascii"):
            pass
        broker.start()
        code, _, said = broker.cli("topic", "delete", "gone", "--yes")
        assert code == 0, said
        assert broker.stop() == 0
        os.remove(broker.second)
        os.rename(away, broker.second)
        broker.start()
        assert broker.logs_in(broker.data) == [] and broker.logs_in(broker.second) == []
        broker.fill("gone")
        broker.expect_filled("gone")


def a_partition_that_was_moved_is_found(args):
    with Broker(args.tidelog) as broker:
        broker.fill("moved")
        assert broker.stop() == 0
        os.rename(os.path.join(broker.second, "moved-1"), os.path.join(broker.data, "moved-1"))
        for _ in range(2):
            broker.start()
            broker.expect_filled("moved")
            assert broker.log_dirs()[broker.second] == (0, {("moved", 3)})
            assert broker.stop() == 0


def a_move_that_leaves_the_journal_behind_is_refused(args):
    """What only the journal of the old directory has was acknowledged."""
    with Broker(args.tidelog) as broker:
        assert broker.stop() == 0
        os.mkdir(os.path.join(broker.second, "journal"))  # Who had one before opens it when it starts.
        broker.start()
        rig.until(lambda: os.path.exists(os.path.join(broker.second, "journal", "07")), "the journal is there")
        broker.create("left", PARTITIONS)
        values = {partition: b"%d is acknowledged" % partition for partition in (1, 3)}

        def is_in_the_journal():
            assert broker.produce_together("left", values) == [0, 0]
            with open(os.path.join(broker.second, "journal", "00"), "rb") as f:
                return values[1] in f.read()
        rig.until(is_in_the_journal, "a round is written to the journal")
        broker.kill()
        paths = [os.path.join(directory, "left-1") for directory in (broker.second, broker.data)]
        os.rename(*paths)
        said = refused(args, broker, *broker.options)
        assert f"the journal in {broker.second} has records that were acknowledged of a partition that was moved" in said, said
        os.rename(*reversed(paths))
        broker.start()
        assert broker.consume("left", 1)[0] == values[1] and broker.consume("left", 3)[0] == values[3]


def refused(args, broker, *options):
    words = [args.tidelog, "serve", "-o", f"listeners=PLAINTEXT://{broker.address}"]
    for option in options:
        words += ["-o", option]
    done = subprocess.run(words, capture_output=True, text=True, timeout=rig.seconds(30))
    assert done.returncode != 0
    return done.stderr


def what_nobody_can_mean_is_refused(args):
    with Broker(args.tidelog) as broker:
        broker.fill("twice")
        assert broker.stop() == 0
        data, second = broker.data, broker.second
        assert f"{data} and {data}/ are the same directory" in refused(args, broker, f"log.dirs={data},{data}/")
        assert f"{data} and {data}/in lie in one another" in refused(args, broker, f"log.dirs={data},{data}/in")
        said = refused(args, broker, f"log.dirs={second},{data}")
        assert f"the metadata log is looked for in {second}, and there is one in {data}" in said, said
        said = refused(args, broker, f"log.dirs={data},{second}", f"metadata.log.dir={broker.home}/new")
        assert "the metadata log is looked for in" in said, said
        copy = os.path.join(broker.home, "copy")
        subprocess.run(["cp", "-r", second, copy], check=True)
        said = refused(args, broker, f"log.dirs={data},{second},{copy}")
        assert f"{second} and {copy} have the same directory.id" in said, said
        subprocess.run(["cp", "-r", os.path.join(second, "twice-1"), os.path.join(data, "twice-1")], check=True)
        said = refused(args, broker, f"log.dirs={data},{second}")
        assert f"the same partition is in two log directories, {data}/twice-1 and {second}/twice-1" in said, said
        subprocess.run(["rm", "-rf", os.path.join(data, "twice-1")], check=True)
        # None of that changed anything.
        broker.start()
        broker.expect_filled("twice")


def the_metadata_log_may_have_its_own(args):
    with Broker(args.tidelog) as broker:
        broker.kill()
        subprocess.run(["rm", "-rf", broker.data, broker.second], check=True)
        apart = os.path.join(broker.home, "apart")
        broker.plain = (*broker.plain, f"metadata.log.dir={apart}")
        broker.use("data", "second")
        broker.start()
        broker.fill("beside")
        assert broker.logs_in(broker.data) == ["beside-0", "beside-2"] and broker.logs_in(apart) == []
        assert os.path.isdir(os.path.join(apart, "__cluster_metadata-0"))
        broker.kill()
        broker.start()
        broker.expect_filled("beside")


def main():
    args = rig.arguments()
    for check in (partitions_go_by_turns_and_survive_a_kill, one_more_directory_gets_what_is_new, what_is_away_at_the_start_is_offline,
                  one_that_goes_while_it_is_used_leaves_the_other, groups_of_what_is_left_are_coordinated,
                  a_deleted_topic_goes_when_its_directory_is_back,
                  a_partition_that_was_moved_is_found, a_move_that_leaves_the_journal_behind_is_refused, what_nobody_can_mean_is_refused, the_metadata_log_may_have_its_own):
        check(args)
        print(f"ok {check.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
