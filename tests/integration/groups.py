#!/usr/bin/env python3
"""Consumer groups with other people's client: kcat shares partitions, takes over from the dead, and goes on where the group stood."""
import os
import signal
import subprocess
import sys

import group_wire as gw
import rig
from wire import find_coordinator

PARTITIONS = 4
SESSION_MS = 6000


class Member:
    """One kcat in a group. What it read is in its file, a line a record: partition, offset, value."""

    def __init__(self, broker, group, topic, name, *options):
        self.path = os.path.join(broker.home, f"{group}-{name}")
        command = ["kcat", "-b", broker.address, "-q", "-u", "-f", "%p %o %s\\n", "-X", f"session.timeout.ms={SESSION_MS}",
                   "-X", "heartbeat.interval.ms=500", "-X", "auto.offset.reset=earliest", "-X", "auto.commit.interval.ms=200"]
        for option in options:
            command += ["-X", option]
        with open(self.path, "wb") as out, open(self.path + ".err", "wb") as err:
            self.process = subprocess.Popen([*command, "-G", group, topic], stdout=out, stderr=err)

    def read(self):
        with open(self.path, encoding="utf-8") as f:
            whole = f.read().rpartition("\n")[0]
        return [tuple(line.split(" ")) for line in whole.split("\n")] if whole else []

    def partitions(self):
        return {partition for partition, _, _ in self.read()}

    def values(self):
        return [value for _, _, value in self.read()]

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=rig.seconds(30))


def produce(broker, topic, values):
    """To all partitions in turn."""
    for partition in range(PARTITIONS):
        lines = "\n".join(values[partition::PARTITIONS])
        subprocess.run(["kcat", "-P", "-b", broker.address, "-t", topic, "-p", str(partition)], input=lines, text=True, check=True,
                       timeout=rig.seconds(60))


def numbers(prefix, count):
    return [f"{prefix}-{i}" for i in range(count)]


def everything(members):
    return [value for member in members for value in member.values()]


def check_sharing(broker):
    """Two members share; a third joins; one is killed: its partitions are taken over and nothing is left out."""
    broker.create("shared", PARTITIONS)
    members = [Member(broker, "sharing", "shared", "a"), Member(broker, "sharing", "shared", "b")]
    sent = []
    try:
        rounds = 0

        def both_read():
            nonlocal rounds
            sent.extend(numbers(f"first{rounds}", 40))
            produce(broker, "shared", sent[-40:])
            rounds += 1
            return all(member.values() for member in members)
        rig.until(both_read, "both members have partitions", 60)
        rig.until(lambda: set(everything(members)) >= set(sent), "all of the first records are read", 60)

        members.append(Member(broker, "sharing", "shared", "c"))

        def third_reads():
            sent.extend(numbers(f"second{len(sent)}", 40))
            produce(broker, "shared", sent[-40:])
            return members[2].values()
        rig.until(third_reads, "a third member gets its share", 60)

        members[0].end(signal.SIGKILL)
        sent.extend(numbers("third", 200))
        produce(broker, "shared", sent[-200:])
        rig.until(lambda: set(everything(members)) >= set(sent), "the others read what the dead one would have read", 60)
        lately = [value for member in members[1:] for value in member.values() if value.startswith("third")]
        assert len(lately) == len(set(lately)), "a record was read by two living members"
    finally:
        for member in members:
            member.end()


def check_going_on(broker):
    """A group that comes back goes on where it stood, whatever happened to the broker."""
    broker.create("resumed", PARTITIONS)
    produce(broker, "resumed", numbers("before", 400))
    first = Member(broker, "resuming", "resumed", "first")
    rig.until(lambda: len(set(first.values())) == 400, "the first member reads all", 60)
    first.end()  # commits and leaves
    broker.kill()
    broker.start()
    produce(broker, "resumed", numbers("after", 100))
    second = Member(broker, "resuming", "resumed", "second")
    try:
        rig.until(lambda: len(set(second.values())) >= 100, "the second member reads what is new", 60)
        assert set(second.values()) == set(numbers("after", 100)), "it read again what the group had read"
    finally:
        second.end()


def check_cooperative(broker):
    """An incremental rebalance: the first member keeps reading while a second one gets its share."""
    broker.create("gently", PARTITIONS)
    strategy = "partition.assignment.strategy=cooperative-sticky"
    members = [Member(broker, "gentle", "gently", "a", strategy)]
    sent = []
    try:
        def all_read():
            sent.extend(numbers(f"round{len(sent)}", 40))
            produce(broker, "gently", sent[-40:])
            return all(member.values() for member in members)
        rig.until(all_read, "the first member reads", 60)
        members.append(Member(broker, "gentle", "gently", "b", strategy))
        rig.until(all_read, "the second member reads", 60)
        rig.until(lambda: set(everything(members)) >= set(sent), "all is read", 60)
    finally:
        for member in members:
            member.end()


def check_refusals(broker):
    """What a client is told that claims what is not so."""
    broker.create("refused")
    wire = rig.Wire(broker.port)

    def ask(key, version, body):
        return wire.call(key, version, body)
    ask(10, 1, find_coordinator("refusals"))  # which makes the topic that keeps groups
    assert gw.heartbeat_answer(ask(gw.HEARTBEAT, 2, gw.heartbeat("refusals", 1, "nobody"))) in (gw.UNKNOWN_MEMBER_ID, *gw.COME_AGAIN)
    rig.until(lambda: gw.commit_answer(ask(gw.OFFSET_COMMIT, 5, gw.commit("refusals", "refused", 1))) == gw.NONE, "a simple consumer commits")
    assert gw.commit_answer(ask(gw.OFFSET_COMMIT, 5, gw.commit("refusals", "refused", 1, 3, "nobody"))) in (gw.UNKNOWN_MEMBER_ID, gw.ILLEGAL_GENERATION)
    assert gw.fetched_offset(ask(gw.OFFSET_FETCH, 4, gw.fetch_offset("refusals", "refused")))[1:] == (1, "note")
    assert gw.fetched_offset(ask(gw.OFFSET_FETCH, 4, gw.fetch_offset("nobody", "refused")))[:2] == (gw.NONE, -1)
    error, _, _, member, _ = gw.join_answer(ask(gw.JOIN_GROUP, 4, gw.join("refusals", "")))
    assert error == gw.MEMBER_ID_REQUIRED and member
    assert gw.join_answer(ask(gw.JOIN_GROUP, 4, gw.join("refusals", "made-up")))[0] == gw.UNKNOWN_MEMBER_ID
    wire.close()


def main():
    args = rig.arguments()
    for shards in (1, 3):
        with rig.Broker(args.tidelog, f"shards={shards}", "group.initial.rebalance.delay.ms=0") as broker:
            for check in (check_refusals, check_sharing, check_going_on, check_cooperative):
                check(broker)
                print(f"ok {check.__name__} with {shards} shard(s)", flush=True)
            assert broker.stop() == 0
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
