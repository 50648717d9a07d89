#!/usr/bin/env python3
"""Members that read on while their group shares out anew (cooperative-sticky): what stays is not given up, and is read and committed even while the group
waits for others. Our client library, our command line and kcat in one group, each as the leader."""
import json
import os
import signal
import subprocess
import sys

import rig
from group_migration import COOPERATIVE as KEEP, Rolling
from groups import PARTITIONS, numbers, produce


class Listener:
    """One member by our library. What it was told and has read is in its file."""

    def __init__(self, tools, broker, group, topics, *options):
        self.path = os.path.join(broker.home, f"{group}-{len(os.listdir(broker.home))}")
        settings = ["session.timeout.ms=6000", "heartbeat.interval.ms=200", "auto.offset.reset=earliest", "auto.commit.interval.ms=100"]
        command = [os.path.join(tools, "group_listener"), topics, f"bootstrap.servers={broker.address}", f"group.id={group}", *settings, *options]
        with open(self.path, "wb") as out, open(self.path + ".err", "wb") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def lines(self):
        with open(self.path, encoding="utf-8") as f:
            whole = f.read().rpartition("\n")[0]
        return [line.split(" ") for line in whole.split("\n")] if whole else []

    def changes(self, kind=None):
        return [(words[0], sorted(words[1:])) for words in self.lines() if words[0] != "record" and kind in (None, words[0])]

    def has(self):
        """What it has, as far as it was told."""
        now = set()
        for kind, partitions in self.changes():
            now = now | set(partitions) if kind == "assigned" else now - set(partitions)
        return now

    def values(self):
        return {words[2] for words in self.lines() if words[0] == "record"}

    def leave(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=rig.seconds(30)) == 0


def state_of(broker, group):
    done = subprocess.run([broker.tidelog, "group", "list", "-b", broker.address, "--format", "json"], capture_output=True, text=True, check=True,
                          timeout=rig.seconds(60))
    return next((one["state"] for one in json.loads(done.stdout)["groups"] if one["group"] == group), None)


def committed(broker, group):
    done = subprocess.run([broker.tidelog, "group", "lag", group, "-b", broker.address, "--format", "json"], capture_output=True, text=True, check=True,
                          timeout=rig.seconds(60))
    return {f"{row['topic']}:{row['partition']}": int(row["committed"] or 0) for row in json.loads(done.stdout)["partitions"]}


def until_shared(members, count, topic, partitions=PARTITIONS):
    every = {f"{topic}:{i}" for i in range(partitions)}

    def shared():
        have = [member.has() for member in members]
        return set().union(*have) == every and sum(map(len, have)) == len(every) and max(map(len, have)) - min(map(len, have)) <= 1
    rig.until(shared, f"{count} members share {topic}", 60, 0.05)


def what_stays_is_not_given_up(broker, tools):
    broker.create("stays", PARTITIONS)
    with Listener(tools, broker, "stays", "stays", KEEP) as one:
        until_shared([one], 1, "stays")
        with Listener(tools, broker, "stays", "stays", KEEP) as two:
            until_shared([one, two], 2, "stays")
            with Listener(tools, broker, "stays", "stays", KEEP) as three:
                until_shared([one, two, three], 3, "stays")
                kept = one.has()
                three.leave()
            until_shared([one, two], 2, "stays")
            assert one.has() >= kept
            two.leave()
        until_shared([one], 1, "stays")
        given_up = [partition for _, partitions in one.changes("revoked") for partition in partitions]
        assert len(given_up) == len(set(given_up)) and len(given_up) <= PARTITIONS - 1, one.changes()
        taken = [partition for _, partitions in one.changes("assigned") for partition in partitions]
        assert len(taken) == PARTITIONS + len(given_up), one.changes()
        assert not one.changes("lost") and not two.changes("lost") and not three.changes("lost")


def it_reads_and_commits_while_the_group_waits(broker, tools):
    """One member does not answer: the group waits for it, and another reads and commits meanwhile."""
    broker.create("waits", PARTITIONS)
    patient = f"session.timeout.ms={int(rig.seconds(60) * 1000)}"
    by_itself = "enable.auto.commit=false"  # It waits for each of its commits.
    with Listener(tools, broker, "waits", "waits", KEEP, by_itself) as one, Listener(tools, broker, "waits", "waits", KEEP, patient) as silent:
        until_shared([one, silent], 2, "waits")
        rig.until(lambda: state_of(broker, "waits") == "Stable", "the group is stable", 60, 0.05)
        had = one.has()
        silent.process.send_signal(signal.SIGSTOP)
        with Listener(tools, broker, "waits", "waits", KEEP) as late:
            rig.until(lambda: state_of(broker, "waits") == "PreparingRebalance", "the group waits for the silent one", 60, 0.02)
            sent = numbers("meanwhile", 40)
            produce(broker, "waits", sent)
            its = {value for i, value in enumerate(sent) if f"waits:{i % PARTITIONS}" in had}
            rig.until(lambda: one.values() >= its, "it reads what it has", 50, 0.02)
            rig.until(lambda: all(committed(broker, "waits")[partition] == 10 for partition in had), "it commits", 50, 0.02)
            assert state_of(broker, "waits") == "PreparingRebalance" and not late.has(), "the group did not wait any more: nothing is shown"
            silent.process.send_signal(signal.SIGCONT)
            until_shared([one, silent, late], 3, "waits")
            rig.until(lambda: one.values() | silent.values() | late.values() >= set(sent), "all is read", 60, 0.05)
            assert not any(member.changes("lost") for member in (one, silent, late)), one.changes()


def who_was_thrown_out_loses_all(broker, tools):
    broker.create("loses", PARTITIONS)
    with Listener(tools, broker, "loses", "loses", KEEP) as one, Listener(tools, broker, "loses", "loses", KEEP) as silent:
        until_shared([one, silent], 2, "loses")
        had = silent.has()
        silent.process.send_signal(signal.SIGSTOP)
        until_shared([one], 1, "loses")
        silent.process.send_signal(signal.SIGCONT)
        rig.until(lambda: silent.changes("lost") == [("lost", sorted(had))], "the silent one hears that it is out", 60, 0.05)
        until_shared([one, silent], 2, "loses")
        assert not one.changes("lost"), one.changes()


def a_list_with_an_eager_one_gives_up_all(broker, tools):
    """As on the way from one to the other: such members are in a group with those before, and with those after them."""
    mixed = "partition.assignment.strategy=cooperative-sticky,range"
    broker.create("mixed", PARTITIONS)
    with Listener(tools, broker, "mixed", "mixed", "partition.assignment.strategy=range") as old:
        until_shared([old], 1, "mixed")
        with Listener(tools, broker, "mixed", "mixed", mixed) as between:
            until_shared([old, between], 2, "mixed")
            assert old.changes("revoked") == [("revoked", sorted(f"mixed:{i}" for i in range(PARTITIONS)))], old.changes()
            old.leave()
            until_shared([between], 1, "mixed")
            with Listener(tools, broker, "mixed", "mixed", KEEP) as new:
                until_shared([between, new], 2, "mixed")
                between.leave()
                until_shared([new], 1, "mixed")
                assert not new.changes("revoked"), new.changes()


def a_leader_reads_on_while_it_looks_up_topics(broker, tools):
    """It shares out topics that it does not read itself: the group waits until it knows how many partitions they have."""
    for topic in ("read", "looked-up"):
        broker.create(topic, PARTITIONS)
    with Listener(tools, broker, "looks", "read", KEEP) as leader:
        until_shared([leader], 1, "read")
        with Listener(tools, broker, "looks", "read,looked-up", KEEP) as other:
            every = {f"{topic}:{i}" for topic in ("read", "looked-up") for i in range(PARTITIONS)}
            rig.until(lambda: leader.has() | other.has() == every and not leader.has() & other.has(), "both topics are shared out", 60, 0.05)
            assert not leader.changes("lost"), leader.changes()


def a_rejoin_outlives_its_broker(broker, tools):
    """The coordinator dies while a member that reads on waits in its join: it joins again when there is one."""
    broker.create("outlives", PARTITIONS)
    with Listener(tools, broker, "outlives", "outlives", KEEP) as one, Listener(tools, broker, "outlives", "outlives", KEEP) as silent:
        until_shared([one, silent], 2, "outlives")
        silent.process.send_signal(signal.SIGSTOP)
        with Listener(tools, broker, "outlives", "outlives", KEEP) as late:
            rig.until(lambda: state_of(broker, "outlives") == "PreparingRebalance", "the group waits for the silent one", 60, 0.02)
            broker.kill()
            broker.start()
            silent.process.send_signal(signal.SIGCONT)
            until_shared([one, silent, late], 3, "outlives")


def with_kcat(broker, _):
    """Our command line and kcat lead in turn, while records come; none is read twice."""
    with Rolling(broker, "kcat-and-ours") as rolling:
        rolling.kcat("a", KEEP)
        rolling.ours("b", "classic", KEEP)
        rolling.settle("classic")
        rolling.kcat("c", KEEP)
        rolling.settle("classic")
        rolling.leave("a")  # it led
        rolling.settle("classic")
        rolling.ours("d", "classic", KEEP, "client.rack=west")
        rolling.leave("c")
        rolling.settle("classic")
        rolling.kcat("e", KEEP)
        rolling.settle("classic")
        rolling.leave("b")
        rolling.settle("classic")
        rolling.expect_no_repeats()


CHECKS = (what_stays_is_not_given_up, it_reads_and_commits_while_the_group_waits, who_was_thrown_out_loses_all, a_list_with_an_eager_one_gives_up_all,
          a_leader_reads_on_while_it_looks_up_topics, a_rejoin_outlives_its_broker, with_kcat)


def main():
    args = rig.arguments()

    def against(check):
        def on(broker):
            check(broker, args.tools)
        on.__name__ = check.__name__
        return on
    rig.run_checks(args.tidelog, [against(check) for check in CHECKS], lambda tidelog, *options: rig.Broker(tidelog, "group.initial.rebalance.delay.ms=0", *options))
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
