#!/usr/bin/env python3
"""What is set for one group takes effect while the broker runs, with the next heartbeat of its members, and outlives the broker."""
import json
import struct
import subprocess
import sys

import rig
import wire

CONSUMER_GROUP_HEARTBEAT = 68
NONE, UNKNOWN_MEMBER_ID = 0, 25
COME_AGAIN = (14, 15, 16)
HEARTBEAT, SESSION, ASSIGNMENT = (f"consumer.{what}.ms" for what in ("heartbeat.interval", "session.timeout", "assignment.interval"))
# Bounds that let a test see a session end.
BOUNDS = ("group.consumer.min.session.timeout.ms=300", "group.consumer.min.heartbeat.interval.ms=100")


class Member:
    """A member of a consumer group (ConsumerGroupHeartbeat 1), by hand."""

    def __init__(self, broker, group, name, topic):
        self.wire, self.group, self.name, self.topic, self.epoch = rig.Wire(broker.port), group, name, topic, 0

    def body(self):
        is_new = self.epoch == 0
        null, nothing = b"\0", b"\1"
        return (wire.compact_text(self.group) + wire.compact_text(self.name) + struct.pack(">i", self.epoch) + null + null +
                struct.pack(">i", 60000 if is_new else -1) + (wire.compact_array([wire.compact_text(self.topic)]) if is_new else null) + null + null +
                (nothing if is_new else null) + b"\0")

    def beat(self):
        """(error, heartbeat interval), once the coordinator is there."""
        return rig.until(self.once, "the coordinator answers", 60)

    def once(self):
        reader = wire.Reader(self.wire.call(CONSUMER_GROUP_HEARTBEAT, 1, self.body(), flexible=True))
        _, error = reader.take("ih")
        if error in COME_AGAIN:
            return None
        reader.compact(), reader.compact()
        epoch, interval = reader.take("ii")
        self.epoch = epoch if error == NONE else self.epoch
        return error, interval


def find_coordinator(broker, group):
    """Which makes the topic that keeps groups."""
    connection = rig.Wire(broker.port)
    connection.call(10, 1, wire.find_coordinator(group))
    connection.close()


def run(broker, *words, code=0):
    done = subprocess.run([broker.tidelog, *words, "-b", broker.address], capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stderr if code else done.stdout


def set_configs(broker, group, *changes, code=0):
    return run(broker, "config", "set", "--group", group, *changes, code=code)


def told(broker, group, key):
    """(value, source) by DescribeConfigs."""
    (row,) = json.loads(run(broker, "config", "get", "--group", group, key, "--format", "json"))["configs"]
    return row["value"], row["source"]


def a_change_reaches_members_with_their_next_heartbeat(broker):
    broker.create("read")
    find_coordinator(broker, "live")
    member, other = Member(broker, "live", "m", "read"), Member(broker, "not-set", "m", "read")
    assert member.beat() == (NONE, 5000) and other.beat() == (NONE, 5000)
    set_configs(broker, "live", f"{HEARTBEAT}=150")
    assert member.beat() == (NONE, 150) and other.beat() == (NONE, 5000)
    set_configs(broker, "live", "-d", HEARTBEAT)
    assert member.beat() == (NONE, 5000)


def a_shorter_session_ends_sooner(broker):
    broker.create("watched")
    find_coordinator(broker, "brief")
    set_configs(broker, "brief", f"{HEARTBEAT}=100", f"{SESSION}=300")
    silent, living = Member(broker, "brief", "silent", "watched"), Member(broker, "brief", "living", "watched")
    assert silent.beat()[0] == NONE
    rig.until(lambda: living.beat()[0] == NONE and "silent" not in run(broker, "group", "describe", "brief"), "the silent member is dropped", 30, 0.05)
    assert silent.beat()[0] == UNKNOWN_MEMBER_ID


def an_interval_holds_back_assignments(broker):
    broker.create("shared", 2)
    find_coordinator(broker, "held-back")

    def state(group):
        return json.loads(run(broker, "group", "describe", group, "--format", "json"))["members"][0]["state"]
    for group, interval, expected in (("held-back", 15000, "Assigning"), ("at-once", 0, "Reconciling")):
        set_configs(broker, group, f"{ASSIGNMENT}={interval}")
        for name in ("a", "b"):
            assert Member(broker, group, name, "shared").beat()[0] == NONE
        assert state(group) == expected, f"{group}: {state(group)}"


def values_are_told_with_their_source(broker):
    assert told(broker, "told", ASSIGNMENT) == ("1000", "default")
    run(broker, "config", "set", "--broker", "all", "group.consumer.assignment.interval.ms=2000")
    assert told(broker, "told", ASSIGNMENT) == ("2000", "all-brokers")
    set_configs(broker, "told", f"{ASSIGNMENT}=3000")
    assert told(broker, "told", ASSIGNMENT) == ("3000", "group")
    run(broker, "config", "set", "--broker", "all", "-d", "group.consumer.assignment.interval.ms")
    assert told(broker, "told", ASSIGNMENT) == ("3000", "group")


def what_the_broker_does_not_allow_is_refused(broker):
    for change, why in ((f"{SESSION}=299", "no less than 300"), (f"{SESSION}=60001", "no more than 60000"), (f"{HEARTBEAT}=99", "no less than 100"),
                        (f"{ASSIGNMENT}=15001", "no more than 15000"), (f"{SESSION}=5000", "must be greater than"),
                        ("consumer.sesion.timeout.ms=1", "did you mean consumer.session.timeout.ms?")):
        said = set_configs(broker, "refused", change, code=1)
        assert why in said, f"{change}: {said}"
    said = run(broker, "config", "set", "--broker", "all", "group.consumer.assignment.interval.ms=20000", code=1)
    assert "more than group.consumer.max.assignment.interval.ms=15000" in said, said


def what_was_set_outlives_the_broker(broker):
    broker.create("kept")
    find_coordinator(broker, "kept")
    set_configs(broker, "kept", f"{HEARTBEAT}=250")
    broker.kill()
    broker.start()
    assert Member(broker, "kept", "m", "kept").beat() == (NONE, 250)


CHECKS = (a_change_reaches_members_with_their_next_heartbeat, a_shorter_session_ends_sooner, an_interval_holds_back_assignments,
          values_are_told_with_their_source, what_the_broker_does_not_allow_is_refused, what_was_set_outlives_the_broker)


def main():
    args = rig.arguments()

    def make(tidelog, *options):
        return rig.Broker(tidelog, *BOUNDS, *options)

    rig.run_checks(args.tidelog, CHECKS, make)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
