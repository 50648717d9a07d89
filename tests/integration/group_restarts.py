#!/usr/bin/env python3
"""SIGKILL of the coordinator in the middle of rebalances, many times: groups recover by themselves, and no committed offset goes back."""
import glob
import select
import sys

import group_wire as gw
import rig

GROUPS = 3
MEMBERS = 3


def connected(broker):
    return rig.Wire(broker.port)


class Rebalancing:
    """One group of raw members. At a kill some of its members wait in a join, others are about to sync."""

    def __init__(self, name):
        self.name = name
        self.names = [""] * MEMBERS

    def begin(self, broker):
        """Members join without waiting for each other, as far as they get before the kill."""
        wires = [connected(broker) for _ in self.names]
        for wire, name in zip(wires, self.names):
            wire.send(gw.JOIN_GROUP, 4, 1, gw.join(self.name, name))
        return wires

    def settle(self, broker):
        """All of them join and sync, whatever they are told on the way; returns the generation."""
        wires = [connected(broker) for _ in self.names]
        try:
            return rig.until(lambda: self.once(wires), f"group {self.name} is stable again", 60)
        finally:
            for wire in wires:
                wire.close()

    def once(self, wires):
        """One attempt; None if the group moved on meanwhile."""
        joined = self.join_all(wires)
        if joined is None:
            return None
        generation = joined[0][1]
        assert sum(leads for _, _, leads, _ in joined) == 1, "a generation has one leader"
        for wire, name, (_, _, leads, members) in zip(wires, self.names, joined):
            assignments = [(one, one.encode()) for one in members] if leads else []
            wire.send(gw.SYNC_GROUP, 2, 2, gw.sync(self.name, generation, name, assignments))
        errors = []
        for wire, name in zip(wires, self.names):
            answer = wire.receive()
            assert answer is not None, "the connection of a member was closed"
            error, assignment = gw.sync_answer(answer[4:])
            assert error != gw.NONE or assignment == name.encode(), f"{name} was given what {assignment} shall have"
            errors.append(error)
        return None if any(errors) else generation

    def join_all(self, wires):
        """Joins until all have the same generation. Whoever was answered before the others came joins again, as heartbeats would tell him."""
        answers = {}
        for i in range(len(wires)):
            self.ask(wires, i)
        while True:
            waiting = {wires[i].socket: i for i in range(len(wires)) if i not in answers}
            if not waiting:
                joined = [answers[i] for i in range(len(wires))]
                return joined if len({generation for _, generation, _, _ in joined}) == 1 else None
            ready, _, _ = select.select(list(waiting), [], [], 0.05)
            for member in [waiting[one] for one in ready]:
                self.take(wires, member, answers)
            if not ready:
                for i in list(answers):
                    del answers[i]
                    self.ask(wires, i)

    def ask(self, wires, i):
        wires[i].send(gw.JOIN_GROUP, 4, 1, gw.join(self.name, self.names[i]))

    def take(self, wires, i, answers):
        answer = wires[i].receive()
        assert answer is not None, "the connection of a member was closed"
        error, generation, leader, member, members = gw.join_answer(answer[4:])
        if error == gw.NONE:
            answers[i] = (error, generation, leader == member, members)
            return
        assert error in (gw.MEMBER_ID_REQUIRED, gw.UNKNOWN_MEMBER_ID, gw.REBALANCE_IN_PROGRESS, *gw.COME_AGAIN), f"JoinGroup said {error}"
        if error == gw.MEMBER_ID_REQUIRED:
            self.names[i] = member
        elif error == gw.UNKNOWN_MEMBER_ID:
            self.names[i] = ""
        self.ask(wires, i)


class Committer:
    """A simple consumer that commits ever greater offsets."""

    def __init__(self, group):
        self.group, self.sent, self.acknowledged = group, 0, -1

    def commit_some(self, broker, count):
        wire = connected(broker)
        for _ in range(count):
            self.sent += 1
            if gw.commit_answer(wire.call(gw.OFFSET_COMMIT, 5, gw.commit(self.group, "restarted", self.sent))) == gw.NONE:
                self.acknowledged = self.sent
        return wire

    def commit_one_more(self, wire):
        """Without waiting for the answer, which the kill may keep to itself."""
        self.sent += 1
        wire.send(gw.OFFSET_COMMIT, 5, 1, gw.commit(self.group, "restarted", self.sent))

    def check(self, broker):
        wire = connected(broker)

        def look():
            error, offset, _ = gw.fetched_offset(wire.call(gw.OFFSET_FETCH, 4, gw.fetch_offset(self.group, "restarted")))
            assert error in (gw.NONE, *gw.COME_AGAIN), f"OffsetFetch said {error}"
            return (offset,) if error == gw.NONE else None
        offset, = rig.until(look, "the coordinator has loaded")
        wire.close()
        assert self.acknowledged <= offset <= self.sent, f"{self.group}: {offset} is stored, {self.acknowledged} was acknowledged"
        self.acknowledged = offset


def main():
    args = rig.arguments(kills=100)
    options = ("group.initial.rebalance.delay.ms=0", "offsets.topic.segment.bytes=1048576", "log.cleaner.backoff.ms=50",
               "max.connection.creation.rate=10000", "group.view.bytes=4000")
    with rig.Broker(args.tidelog, *options) as broker:
        broker.create("restarted")
        connected(broker).call(10, 1, b"\0\1a\0")  # whoever looks for a coordinator makes the topic
        groups = [Rebalancing(f"group-{i}") for i in range(GROUPS)]
        committers = [Committer(f"simple-{i}") for i in range(GROUPS)]
        generations = {}
        for _ in range(args.kills):
            for group in groups:
                generation = group.settle(broker)
                last = generations.get(group.name, 0)
                assert generation > last, f"{group.name}: generation {generation} after {last}"
                generations[group.name] = generation
            wires = [committer.commit_some(broker, 20) for committer in committers]
            for group in groups:
                wires += group.begin(broker)
            for committer, wire in zip(committers, wires):
                committer.commit_one_more(wire)
            broker.kill()
            for wire in wires:
                wire.close()
            broker.start()
            for committer in committers:
                committer.check(broker)
        # Or no start read one.
        assert glob.glob(f"{glob.escape(broker.data)}/__consumer_offsets-*/view/store"), "no coordinator has a view"
        commits = sum(committer.sent for committer in committers)
        print(f"{args.kills} kills in the middle of rebalances, {commits} commits: every group recovered, no offset went back")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
