#!/usr/bin/env python3
"""A group that changes its protocol while it runs: kcat speaks the classic one, our command line the one of KIP-848 (and the classic one, too).
Members go and come with the other protocol one by one, as in a rolling restart; every record is read, and none twice unless somebody died."""
import json
import os
import signal
import subprocess
import sys

import rig
from groups import PARTITIONS, Member, numbers, produce

COOPERATIVE = "partition.assignment.strategy=cooperative-sticky"


class OurMember:
    """One `tidelog consume` in a group. What it read is in its file, a line a record."""

    def __init__(self, broker, group, topic, name, protocol="consumer", *options):
        self.path = os.path.join(broker.home, f"{group}-{name}")
        command = [broker.tidelog, "consume", topic, "--group", group, "--raw", "-F", "--from-beginning", "-b", broker.address,
                   "-X", f"group.protocol={protocol}"]
        if protocol == "classic":
            command += ["-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500"]
        for option in options:
            command += ["-X", option]
        with open(self.path, "wb") as out, open(self.path + ".err", "wb") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err)

    def values(self):
        with open(self.path, encoding="utf-8") as f:
            whole = f.read().rpartition("\n")[0]
        return whole.split("\n") if whole else []

    def end(self, how=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=rig.seconds(30))


class Rolling:
    """A topic that is written to all the time, a group that reads it, and who has been in it."""

    def __init__(self, broker, name):
        self.broker, self.name = broker, name
        self.sent, self.all, self.living = [], [], {}
        broker.create(name, PARTITIONS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for member in self.living.values():
            member.end(signal.SIGKILL)

    def kcat(self, name, *options):
        self.add(name, Member(self.broker, self.name, self.name, name, *options))

    def ours(self, name, protocol="consumer", *options):
        self.add(name, OurMember(self.broker, self.name, self.name, name, protocol, *options))

    def add(self, name, member):
        self.living[name] = member
        self.all.append(member)

    def leave(self, name, how=None):
        member = self.living.pop(name)
        if how is None:
            member.end()
        else:
            member.end(how)

    def cli(self, *words):
        done = subprocess.run([self.broker.tidelog, "group", *words, "-b", self.broker.address, "--format", "json"], capture_output=True,
                              text=True, timeout=rig.seconds(60))
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def listed(self):
        """Type and state of the group."""
        groups = [one for one in self.cli("list").get("groups", []) if one["group"] == self.name]
        return (groups[0]["type"].lower(), groups[0]["state"]) if groups else None

    def read(self):
        return [value for member in self.all for value in member.values()]

    def write(self, count=40):
        values = numbers(f"r{len(self.sent)}", count)
        produce(self.broker, self.name, values)
        self.sent += values

    def settle(self, kind):
        """Writes until everybody who lives has read something new, in a group of that type, and all that was written is read."""
        before = {name: len(member.values()) for name, member in self.living.items()}

        def everybody_reads():
            self.write()
            return all(len(member.values()) > before[name] for name, member in self.living.items())
        rig.until(everybody_reads, f"{sorted(self.living)} of {self.name} read", 60, 0.1)
        rig.until(lambda: set(self.read()) >= set(self.sent), f"all of {self.name} is read", 60, 0.05)
        rig.until(lambda: self.listed() == (kind, "Stable"), f"{self.name} is a stable {kind} group, not {self.listed()}", 60, 0.1)

    def expect_no_repeats(self):
        values = self.read()
        assert len(values) == len(set(values)), f"{len(values) - len(set(values))} records of {self.name} were read twice"


def roll_over_and_back(rolling, *options):
    rolling.kcat("a", *options)
    rolling.kcat("b", *options)
    rolling.settle("classic")
    rolling.ours("c")
    rolling.settle("consumer")
    rolling.leave("a")
    rolling.ours("d")
    rolling.settle("consumer")
    rolling.leave("b")
    rolling.settle("consumer")
    rolling.kcat("e", *options)
    rolling.settle("consumer")
    rolling.leave("c")
    rolling.kcat("f", *options)
    rolling.settle("consumer")
    rolling.leave("d")
    rolling.settle("classic")
    rolling.expect_no_repeats()


def check_eager(broker):
    """There and back, with members that give up all they have whenever the group changes."""
    with Rolling(broker, "eagerly") as rolling:
        roll_over_and_back(rolling)


def check_cooperative(broker):
    """There and back, with members that keep what they have."""
    with Rolling(broker, "gently") as rolling:
        roll_over_and_back(rolling, COOPERATIVE)


def two_and_one(rolling, *options):
    """Two of our clients in the classic protocol, joined by one in the consumer protocol."""
    rolling.ours("a", "classic", *options)
    rolling.ours("b", "classic", *options)
    rolling.settle("classic")
    rolling.ours("c")
    rolling.settle("consumer")


def check_ours(broker):
    """Our client in both protocols, in the classic one giving up all it has whenever the group changes, or keeping what it has."""
    for name, options in (("ours", ()), ("ours-gently", (COOPERATIVE,))):
        with Rolling(broker, name) as rolling:
            two_and_one(rolling, *options)
            rolling.leave("c")
            rolling.settle("classic")
            rolling.expect_no_repeats()


def check_deaths(broker):
    """The last member of the consumer protocol is killed, and the broker in the midst of it all. kcat ends when its broker does: ours does not."""
    with Rolling(broker, "deadly") as rolling:
        two_and_one(rolling)
        broker.kill()
        broker.start()
        rolling.settle("consumer")
        rolling.leave("c", signal.SIGKILL)
        rolling.settle("classic")
        broker.kill()
        broker.start()
        rolling.settle("classic")


def check_members_are_shown(broker):
    """What an operator sees of a mixed group, and that its members can be taken out by force."""
    with Rolling(broker, "shown") as rolling:
        rolling.kcat("a")
        rolling.ours("c")
        rolling.settle("consumer")
        members = rolling.cli("describe", rolling.name)["members"]
        assert len(members) == 2 and all(member["assigned"] for member in members), members
        seek = [broker.tidelog, "group", "seek", rolling.name, "-t", rolling.name, "--to", "earliest", "--execute", "--force", "-b", broker.address]
        done = subprocess.run(seek, capture_output=True, text=True, timeout=rig.seconds(60))
        assert done.returncode == 0, done
        rig.until(lambda: len(rolling.read()) > len(set(rolling.read())), "records are read again", 60, 0.05)
        rolling.settle("consumer")


def check_policy(tidelog):
    """A group that may not change keeps the others out, and says so."""
    with rig.Broker(tidelog, "group.initial.rebalance.delay.ms=0", "group.consumer.migration.policy=Disabled") as broker:
        with Rolling(broker, "classic") as rolling:
            rolling.kcat("a")
            rolling.settle("classic")
            words = [tidelog, "consume", "classic", "--group", "classic", "--raw", "-b", broker.address, "-X", "group.protocol=consumer"]
            done = subprocess.run(words, capture_output=True, text=True, timeout=rig.seconds(60))
            assert done.returncode != 0 and "group" in done.stderr, done
            rolling.settle("classic")
        with Rolling(broker, "consumer") as rolling:
            rolling.ours("a")
            rolling.settle("consumer")
            words = [tidelog, "consume", "consumer", "--group", "consumer", "--raw", "-b", broker.address, "-X", "group.protocol=classic"]
            done = subprocess.run(words, capture_output=True, text=True, timeout=rig.seconds(60))
            assert done.returncode != 0 and "group" in done.stderr, done
            rolling.settle("consumer")
        assert broker.stop() == 0


def main():
    args = rig.arguments()
    for shards in (1, 3):
        with rig.Broker(args.tidelog, f"shards={shards}", "group.initial.rebalance.delay.ms=0", "group.consumer.min.heartbeat.interval.ms=300",
                        "group.consumer.heartbeat.interval.ms=300", "group.consumer.min.session.timeout.ms=6000",
                        "group.consumer.session.timeout.ms=6000", "group.consumer.assignment.interval.ms=0") as broker:
            for check in (check_eager, check_cooperative, check_ours, check_deaths, check_members_are_shown):
                check(broker)
                print(f"ok {check.__name__} with {shards} shard(s)", flush=True)
            assert broker.stop() == 0
    check_policy(args.tidelog)
    print("ok check_policy", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
