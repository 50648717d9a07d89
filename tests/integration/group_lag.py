#!/usr/bin/env python3
"""How far a group is behind, as the broker tells it: in records, and in the age of the first that was not consumed."""
import json
import struct
import subprocess
import sys
import time

import group_wire as gw
import rig
import wire

IN_TAG = b"\xe9\xe8\x01"  # 29801, as an unsigned varint
SLACK_S = 60  # a test may be slow, never fast


def ago(seconds):
    return int((time.time() - seconds) * 1000)


def produce(broker, topic, *values, timestamp, partition=0):
    connection = rig.Wire(broker.port)
    connection.send(wire.PRODUCE, 3, 1, wire.produce(topic, partition, wire.batch(*values, timestamp=timestamp)))
    assert wire.produce_answer(connection.receive())[1] == 0
    connection.close()


def commit(broker, group, topic, offset, partition=0):
    connection = rig.Wire(broker.port)
    connection.call(10, 1, wire.find_coordinator(group))
    rig.until(lambda: gw.commit_answer(connection.call(gw.OFFSET_COMMIT, 5, gw.commit(group, topic, offset, partition=partition))) == 0, "it is committed")
    connection.close()


def run(broker, *words):
    done = subprocess.run([broker.tidelog, *words, "-b", broker.address], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def lag(broker, group):
    """{partition: (committed, end, lag, seconds)}"""
    rows = json.loads(run(broker, "group", "lag", group, "--format", "json"))["partitions"]
    return {row["partition"]: (row["committed"], row["end"], row["lag"], row["lag_seconds"]) for row in rows}


def about(seconds, expected):
    return expected <= seconds <= expected + SLACK_S


def it_is_as_old_as_the_first_record_not_consumed(broker):
    broker.create("aged", 4)
    for age in (3000, 2000, 1000):
        produce(broker, "aged", b"a", b"b", timestamp=ago(age))
    for committed, expected in ((0, 3000), (1, 3000), (2, 2000), (5, 1000)):
        commit(broker, "aged", "aged", committed)
        position = lag(broker, "aged")[0]
        assert position[:3] == (committed, 6, 6 - committed) and about(position[3], expected), position
    commit(broker, "aged", "aged", 6)
    commit(broker, "aged", "aged", 0, partition=1)
    commit(broker, "aged", "aged", 9, partition=2)
    produce(broker, "aged", b"from-the-future", timestamp=ago(-600), partition=3)
    commit(broker, "aged", "aged", 0, partition=3)
    assert lag(broker, "aged") == {0: (6, 6, 0, 0), 1: (0, 0, 0, 0), 2: (9, 0, 0, 0), 3: (0, 1, 1, 0)}
    assert "LAG-SECONDS" in run(broker, "group", "lag", "aged").splitlines()[0]


def what_is_deleted_is_not_waited_for(broker):
    broker.create("trimmed")
    for age in (5000, 500):
        produce(broker, "trimmed", b"a", b"b", b"c", timestamp=ago(age))
    commit(broker, "trimmed", "trimmed", 1)
    connection = rig.Wire(broker.port)
    assert wire.delete_records_answer(connection.call(21, 0, wire.delete_records("trimmed", 0, 4))) == (4, 0)
    connection.close()
    position = lag(broker, "trimmed")[0]
    assert position[:3] == (1, 6, 5) and about(position[3], 500), position


def many_partitions_are_told_in_one_answer(broker):
    count = 300
    broker.create("wide", count)
    for partition in range(0, count, 3):
        produce(broker, "wide", b"x", timestamp=ago(100 + partition), partition=partition)
        commit(broker, "wide", "wide", 0, partition=partition)
    told = lag(broker, "wide")
    assert len(told) == count // 3
    for partition, (committed, end, records, seconds) in told.items():
        assert (committed, end, records) == (0, 1, 1) and about(seconds, 100 + partition), (partition, told[partition])


def it_is_the_same_after_a_crash(broker):
    broker.create("crashed")
    produce(broker, "crashed", b"a", b"b", timestamp=ago(700))
    commit(broker, "crashed", "crashed", 1)
    broker.kill()
    broker.start()
    position = rig.until(lambda: lag(broker, "crashed").get(0), "the group is loaded")
    assert position[:3] == (1, 2, 1) and about(position[3], 700), position


def only_who_asks_is_told(broker):
    """Version 9, as foreign clients send it; then with our tag."""
    broker.create("asked")
    produce(broker, "asked", b"a", timestamp=ago(100))
    commit(broker, "asked", "asked", 0)
    connection = rig.Wire(broker.port)
    group = wire.compact_text("asked") + b"\0" + struct.pack(">i", -1) + b"\0" + b"\0"  # no member, all topics
    body = wire.compact_array([group]) + b"\0"
    plain = connection.call(gw.OFFSET_FETCH, 9, body + b"\0", flexible=True)
    asked = connection.call(gw.OFFSET_FETCH, 9, body + wire.uvarint(1) + IN_TAG + b"\1\1", flexible=True)
    other = connection.call(gw.OFFSET_FETCH, 9, body + wire.uvarint(1) + wire.uvarint(10000) + b"\1\1", flexible=True)
    connection.close()
    assert IN_TAG not in plain and other == plain
    assert IN_TAG + b"\x08" + struct.pack(">q", 1) in asked, asked
    assert asked.startswith(plain[:20]), "what is told to everybody stays where it was"


def what_is_named_again_is_told_again(broker):
    """One search for all of them (LagQuestions), and an answer for each."""
    broker.create("repeated", 2)
    produce(broker, "repeated", b"a", timestamp=ago(100))
    commit(broker, "repeated", "repeated", 0)
    named = wire.compact_array([struct.pack(">i", partition) for partition in (0, 1, 0, 0)])
    topics = wire.compact_array([wire.compact_text("repeated") + named + b"\0"])
    group = wire.compact_text("repeated") + b"\0" + struct.pack(">i", -1) + topics + b"\0"
    connection = rig.Wire(broker.port)
    answer = connection.call(gw.OFFSET_FETCH, 9, wire.compact_array([group]) + b"\0" + wire.uvarint(1) + IN_TAG + b"\1\1", flexible=True)
    connection.close()
    assert answer.count(IN_TAG + b"\x08" + struct.pack(">q", 1)) == 3, answer


def an_offset_beyond_the_end_is_told(broker):
    broker.create("beyond", 3)
    commit(broker, "beyond", "beyond", 99, partition=1)
    commit(broker, "beyond", "beyond", 0, partition=0)
    assert lag(broker, "beyond") == {0: (0, 0, 0, 0), 1: (99, 0, 0, 0)}
    words = [broker.tidelog, "group", "lag", "beyond", "-b", broker.address]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    assert said == ('warning: what group "beyond" has committed lies beyond the end of beyond:1: its consumers go on where auto.offset.reset says\n'
                    "  hint: tidelog group seek beyond --to latest --topic beyond:1 sets where\n"), said
    assert subprocess.run([*words, "-q"], capture_output=True, text=True, check=True).stderr == ""
    commit(broker, "beyond", "beyond", 98, partition=2)
    assert "of beyond:1 and in 1 more:" in subprocess.run(words, capture_output=True, text=True, check=True).stderr
    run(broker, "group", "seek", "beyond", "--to", "latest", "--execute")
    assert subprocess.run(words, capture_output=True, text=True, check=True).stderr == ""


CHECKS = (it_is_as_old_as_the_first_record_not_consumed, what_is_deleted_is_not_waited_for, many_partitions_are_told_in_one_answer,
          it_is_the_same_after_a_crash, only_who_asks_is_told, what_is_named_again_is_told_again, an_offset_beyond_the_end_is_told)


def main():
    args = rig.arguments()
    rig.run_checks(args.tidelog, CHECKS)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
