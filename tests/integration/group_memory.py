#!/usr/bin/env python3
"""group.memory.bytes: when it is used up, groups that are there go on, new ones are refused, and the log says so. Nothing stored is lost."""
import subprocess
import sys

import group_wire
import rig
import wire

LIMIT = 100_000
INVALID_COMMIT_OFFSET_SIZE, GROUP_MAX_SIZE_REACHED = 28, 81


class Committer:
    def __init__(self, broker):
        self.wire = rig.Wire(broker.port)

    def ask(self, key, version, body, read):
        """The answer of a coordinator that is there."""
        def once():
            answer = read(self.wire.call(key, version, body))
            error = answer[0] if isinstance(answer, tuple) else answer
            return None if error in group_wire.COME_AGAIN else (answer,)
        return rig.until(once, "the coordinator answers", 60)[0]

    def commit(self, group, offset, partition=0):
        body = group_wire.commit(group, "logs", offset, partition=partition)
        return self.ask(group_wire.OFFSET_COMMIT, 5, body, group_wire.commit_answer)

    def committed(self, group):
        error, offset, _ = self.ask(group_wire.OFFSET_FETCH, 4, group_wire.fetch_offset(group, "logs"), group_wire.fetched_offset)
        assert error == group_wire.NONE, error
        return offset

    def join(self, group):
        return self.ask(group_wire.JOIN_GROUP, 4, group_wire.join(group, ""), group_wire.join_answer)[0]


def tidelog(broker, *words):
    subprocess.run([broker.tidelog, *words, "-b", broker.address], check=True, capture_output=True, text=True)


def fill(client):
    """Commits for one group after the other until one is refused; how many were not."""
    for count in range(1000):
        error = client.commit(f"g{count}", count)
        if error == INVALID_COMMIT_OFFSET_SIZE:
            return count
        assert error == group_wire.NONE, error
    raise AssertionError("the limit never bit")


def check_what_is_there_goes_on(broker, client, count):
    assert all(client.commit(f"g{n}", 1000 + n) == group_wire.NONE for n in range(count)), "what is known moves on"
    assert client.commit("g0", 7, partition=1) == group_wire.NONE, "the last quarter is for groups that are there"
    assert client.join("another") == GROUP_MAX_SIZE_REACHED
    assert "group.memory.bytes: refused a new group, member or offset from 127.0.0.1" in broker.said(), broker.said()


def main():
    args = rig.arguments()
    options = (f"group.memory.bytes={LIMIT}", "offsets.topic.num.partitions=4", "group.initial.rebalance.delay.ms=0")
    with rig.Broker(args.tidelog, *options) as broker:
        broker.create("logs", 4)
        client = Committer(broker)
        client.wire.call(10, 1, wire.find_coordinator("g0"))
        count = fill(client)
        assert 20 <= count <= LIMIT * 3 // 4 // 300, f"{count} groups"
        check_what_is_there_goes_on(broker, client, count)

        broker.kill()
        broker.start()
        client = Committer(broker)
        assert [client.committed(f"g{n}") for n in range(count)] == [1000 + n for n in range(count)]
        check_what_is_there_goes_on(broker, client, count)

        tidelog(broker, "group", "delete", "g0", "g1", "--yes")
        assert client.commit("another", 5) == group_wire.NONE, "there is room again"
        assert fill(client) < count + 2, "and no more than before"
        tidelog(broker, "config", "set", "--broker", "all", f"group.memory.bytes={LIMIT * 2}")
        assert client.commit("one more", 5) == group_wire.NONE, "the limit is another one, without a restart"
        assert client.join("with a member") in (group_wire.NONE, group_wire.MEMBER_ID_REQUIRED)
    print(f"ok: {count} groups found room")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
