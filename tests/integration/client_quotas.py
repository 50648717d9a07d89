#!/usr/bin/env python3
"""Quotas of clients: set, told, kept over a kill, and enforced by answers that say how long to wait and by not reading meanwhile."""
import struct
import subprocess
import sys
import time

import rig
import wire


class Broker(rig.Broker):
    def __enter__(self):
        super().__enter__()
        self.create("limited")
        return self


def alter(connection, entity, values):
    """Version 0; entity: [(kind, name or None)], values: {key: number or None}. (error, text)"""
    body = struct.pack(">ii", 1, len(entity))
    for kind, name in entity:
        body += wire.text(kind) + (struct.pack(">h", -1) if name is None else wire.text(name))
    body += struct.pack(">i", len(values))
    for key, value in values.items():
        body += wire.text(key) + struct.pack(">d?", value or 0, value is None)
    read = wire.Reader(connection.call(wire.ALTER_QUOTAS, 0, body + b"\0"))
    assert read.take("ii") == (0, 1)
    return read.take("h"), read.text()


def describe(connection):
    """All quotas of users and client ids and their defaults, version 0: {((kind, name), ...): {key: value}}"""
    read = wire.Reader(connection.call(wire.DESCRIBE_QUOTAS, 0, struct.pack(">i", 0) + b"\0"))
    assert read.take("ih") == (0, 0)
    read.text()
    found = {}
    for _ in range(read.take("i")):
        entity = tuple((read.text(), read.text()) for _ in range(read.take("i")))
        found[entity] = {read.text(): read.take("d") for _ in range(read.take("i"))}
    return found


def produce(connection, client, size):
    """The throttle time in the answer, and how long the answer took."""
    began = time.monotonic()
    answer = connection.call(wire.PRODUCE, 3, wire.produce("limited", 0, wire.batch(b"x" * size)), client=client)
    assert b"\0\0" == answer[4 + 2 + 7 + 4 + 4:4 + 2 + 7 + 4 + 4 + 2], "produce failed"
    return struct.unpack(">i", answer[-4:])[0], time.monotonic() - began


def fetch(connection, client, offset):
    """(throttle time, bytes of the answer, seconds)"""
    began = time.monotonic()
    answer = connection.call(wire.FETCH, 4, wire.fetch("limited", 0, offset), client=client)
    return struct.unpack_from(">i", answer)[0], len(answer), time.monotonic() - began


def they_are_set_told_and_kept(broker):
    connection = rig.Wire(broker.port)
    app, everybody = [("client-id", "app")], [("client-id", None)]
    assert alter(connection, app, {"producer_byte_rate": 1000.0, "consumer_byte_rate": 2000.0}) == (0, None)
    assert alter(connection, everybody, {"request_percentage": 12.5}) == (0, None)
    error, why = alter(connection, app, {"producer_byte_rate": 5.0, "no_such_key": 1.0})
    assert error == 42 and "no_such_key" in why
    broker.kill()
    broker.start()
    connection = rig.Wire(broker.port)
    assert describe(connection) == {(("client-id", None),): {"request_percentage": 12.5},
                                    (("client-id", "app"),): {"producer_byte_rate": 1000.0, "consumer_byte_rate": 2000.0}}
    assert alter(connection, app, {"producer_byte_rate": None, "consumer_byte_rate": None}) == (0, None)
    assert alter(connection, everybody, {"request_percentage": None}) == (0, None)
    assert describe(connection) == {}


def a_producer_over_its_quota_is_told_to_wait_and_made_to(broker):
    admin, limited, free = rig.Wire(broker.port), rig.Wire(broker.port), rig.Wire(broker.port)
    assert alter(admin, [("client-id", "greedy")], {"producer_byte_rate": 10_000.0})[0] == 0
    # Ten samples of a second count: 100,000 bytes are the limit, what is above takes time.
    throttled, took = produce(limited, "greedy", 50_000)
    assert throttled == 0
    throttled, took = produce(limited, "greedy", 60_000)
    assert 500 < throttled < 4000, throttled
    again, took = produce(limited, "greedy", 10)
    assert took >= throttled / 1000 - 0.05, f"the connection was read after {took} s, and had to rest for {throttled} ms"
    # Others are not limited, and another connection of the same client is.
    assert produce(free, "modest", 200_000)[0] == 0
    assert produce(rig.Wire(broker.port), "greedy", 50_000)[0] > 0
    assert alter(admin, [("client-id", "greedy")], {"producer_byte_rate": None})[0] == 0
    assert produce(rig.Wire(broker.port), "greedy", 50_000)[0] == 0


def a_consumer_over_its_quota_gets_nothing_for_a_while(broker):
    admin, limited = rig.Wire(broker.port), rig.Wire(broker.port)
    produce(admin, "filler", 60_000)
    assert alter(admin, [("client-id", None)], {"consumer_byte_rate": 10_000.0})[0] == 0
    got, rests, began = 0, 0, time.monotonic()
    while got < 3:
        throttled, size, took = fetch(limited, "reader", 0)
        assert took >= rests - 0.05, f"the connection was read after {took} s, and had to rest for {rests} s"
        rests = throttled / 1000
        assert (size < 200) == (throttled > 0), "a throttled answer carries no records, and any other does"
        got += throttled == 0
    # Ten seconds' worth may come at once, which is less than three answers.
    assert time.monotonic() - began > 2
    # The default holds for each client by itself.
    assert fetch(rig.Wire(broker.port), "another", 0)[0] == 0
    assert alter(admin, [("client-id", None)], {"consumer_byte_rate": None})[0] == 0


def create_topic(connection, name, partitions, version, client):
    """(throttle time, error)"""
    if version >= 5:
        body = b"\2" + wire.compact(name) + struct.pack(">ih", partitions, 1) + b"\1\1\0" + struct.pack(">i?", 10000, False) + b"\0"
    else:
        body = struct.pack(">i", 1) + wire.text(name) + struct.pack(">ihii", partitions, 1, 0, 0) + struct.pack(">i?", 10000, False)
    read = wire.Reader(connection.call(19, version, body, flexible=version >= 5, client=client))
    throttled = read.take("i")
    if version >= 5:
        assert read.count() == 1 and read.compact() == name
        if version >= 7:
            read.raw(16)
    else:
        assert read.take("i") == 1 and read.text() == name
    return throttled, read.take("h")


def changes_of_metadata_are_refused_while_too_many_came(broker):
    admin = rig.Wire(broker.port)
    assert alter(admin, [("client-id", "busy")], {"controller_mutation_rate": 2.0})[0] == 0
    # Eleven seconds' worth may come at once; the last may be larger than what is left.
    assert create_topic(rig.Wire(broker.port), f"many-{time.monotonic_ns()}", 20, 7, "busy") == (0, 0)
    throttled, error = create_topic(rig.Wire(broker.port), f"more-{time.monotonic_ns()}", 20, 7, "busy")
    assert error == 0 and throttled > 5000
    throttled, error = create_topic(rig.Wire(broker.port), f"refused-{time.monotonic_ns()}", 1, 7, "busy")
    assert (error, throttled > 5000) == (89, True)
    # Versions that do not know the refusal are let through, and wait.
    throttled, error = create_topic(rig.Wire(broker.port), f"old-{time.monotonic_ns()}", 1, 4, "busy")
    assert error == 0 and throttled > 5000
    assert create_topic(rig.Wire(broker.port), f"free-{time.monotonic_ns()}", 30, 7, "calm") == (0, 0)
    assert alter(admin, [("client-id", "busy")], {"controller_mutation_rate": None})[0] == 0


def name_topics(connection, names, client):
    """Metadata version 4, which makes what it names. (throttle time, {topic: error})"""
    answer = connection.call(wire.METADATA, 4, struct.pack(">i", len(names)) + b"".join(map(wire.text, names)) + b"\1", client=client)
    read = wire.Reader(answer)
    throttled = read.take("i")
    for _ in range(read.take("i")):
        read.take("i"), read.text(), read.take("i"), read.text()
    read.text(), read.take("i")
    errors = {}
    for _ in range(read.take("i")):
        error = read.take("h")
        errors[read.text()] = error
        read.take("b")
        for _ in range(read.take("i")):
            read.take("hii")
            for _ in range(2):
                read.raw(4 * read.take("i"))
    return throttled, errors


def topics_that_are_made_by_their_names_count_too(broker):
    admin, unique = rig.Wire(broker.port), time.monotonic_ns()
    for client in ("namer", "maker"):
        assert alter(admin, [("client-id", client)], {"controller_mutation_rate": 1.0})[0] == 0
    # Eleven seconds' worth may come at once, and the last may be larger than what is left.
    names = [f"named-{unique}-{n}" for n in range(30)]
    throttled, errors = name_topics(rig.Wire(broker.port), names, "namer")
    assert throttled > 5000 and set(errors.values()) == {0}, (throttled, errors)
    throttled, error = create_topic(rig.Wire(broker.port), f"refused-{unique}", 1, 7, "namer")
    assert (error, throttled > 5000) == (89, True)
    throttled, errors = name_topics(rig.Wire(broker.port), [f"late-{unique}", names[0]], "namer")
    assert throttled > 5000 and errors == {f"late-{unique}": 3, names[0]: 0}, (throttled, errors)
    # Nor does it help to make topics one way and then the other.
    assert create_topic(rig.Wire(broker.port), f"made-{unique}", 30, 7, "maker")[1] == 0
    throttled, errors = name_topics(rig.Wire(broker.port), [f"after-{unique}"], "maker")
    assert throttled > 5000 and errors == {f"after-{unique}": 3}, (throttled, errors)
    assert name_topics(rig.Wire(broker.port), [f"free-{unique}"], "calm") == (0, {f"free-{unique}": 0})
    for client in ("namer", "maker"):
        assert alter(admin, [("client-id", client)], {"controller_mutation_rate": None})[0] == 0


def names_are_kept_within_bounds(broker):
    connection = rig.Wire(broker.port)
    error, why = alter(connection, [("client-id", "n" * 1025)], {"producer_byte_rate": 1.0})
    assert error == 44 and "1024" in why, (error, why)
    rig.until(lambda: "quotas kept: refused a quota from 127.0.0.1:" in broker.said(), "the refusal was logged")
    assert alter(connection, [("user", "n" * 1024)], {"producer_byte_rate": 1.0}) == (0, None)
    assert describe(connection) == {(("user", "n" * 1024),): {"producer_byte_rate": 1.0}}
    assert alter(connection, [("user", "n" * 1024)], {"producer_byte_rate": None}) == (0, None)


def throttle_times(connection, client):
    """What the answers of many kinds of requests tell the client to wait, by request, and how long the slowest was waited for too little."""
    topic = struct.pack(">i", 1) + wire.text("limited")
    requests = {
        "ApiVersions": (18, 1, b"", -4),
        "Metadata": (wire.METADATA, 4, wire.metadata("limited"), 0),
        "Produce": (wire.PRODUCE, 3, wire.produce("limited", 0, wire.batch(b"x")), -4),
        "Fetch": (wire.FETCH, 4, wire.fetch("limited", 0, 0, max_bytes=100), 0),
        "ListOffsets": (2, 2, struct.pack(">ib", -1, 0) + topic + struct.pack(">iiq", 1, 0, -1), 0),
        "OffsetForLeaderEpoch": (23, 2, topic + struct.pack(">iiii", 1, 0, -1, 0), 0),
        "FindCoordinator": (10, 1, wire.text("group") + b"\0", 0),
        "CreateTopics": (19, 2, struct.pack(">ii?", 0, 1000, True), 0),
        "DeleteRecords": (21, 0, wire.delete_records("limited", 0, 0), 0),
        "InitProducerId": (22, 0, struct.pack(">hi", -1, 1000), 0),
        "DescribeConfigs": (32, 1, struct.pack(">i?", 0, False), 0),
        "DescribeLogDirs": (35, 1, struct.pack(">i", 0), 0),
        "DescribeClientQuotas": (wire.DESCRIBE_QUOTAS, 0, struct.pack(">i?", 0, False), 0),
    }
    told, early, rests = {}, 0.0, 0.0
    for name, (key, version, body, place) in requests.items():
        began = time.monotonic()
        answer = connection.call(key, version, body, client=client)
        early = max(early, rests - (time.monotonic() - began))
        told[name] = struct.unpack_from(">i", answer, place % len(answer))[0]
        rests = told[name] / 1000
    return told, early


def a_client_over_its_share_of_time_waits_whatever_it_asks(broker):
    admin, busy, calm = rig.Wire(broker.port), rig.Wire(broker.port), rig.Wire(broker.port)
    # A thousandth of a percent: ten samples hold a tenth of a millisecond.
    assert alter(admin, [("client-id", "timed")], {"request_percentage": 0.001})[0] == 0
    rig.until(lambda: produce(busy, "timed", 1000)[0] > 0, "the client used up its share")
    told, early = throttle_times(busy, "timed")
    assert all(0 < wait <= 1000 for wait in told.values()), told
    assert early < 0.05, f"the connection was read {early:.3f} s too early"
    told, _ = throttle_times(calm, "calm")
    assert not any(told.values()), f"a client without a quota was told to wait: {told}"
    # Its other connections share the quota.
    assert produce(rig.Wire(broker.port), "timed", 10)[0] > 0
    assert alter(admin, [("client-id", "timed")], {"request_percentage": None})[0] == 0
    told, _ = throttle_times(rig.Wire(broker.port), "timed")
    assert not any(told.values()), told
    assert "timed" in broker.said() and "at 127.0.0.1 is over its request_percentage and waits" in broker.said()


def pipelined_requests_do_not_outrun_their_share(broker):
    """Many requests at once: those that are under way when the share is used up are few, and the others wait."""
    admin, busy = rig.Wire(broker.port), rig.Wire(broker.port)
    assert alter(admin, [("client-id", "hasty")], {"request_percentage": 0.001})[0] == 0
    rig.until(lambda: produce(busy, "hasty", 1000)[0] > 0, "the client used up its share")
    for number in range(6):
        busy.send(wire.PRODUCE, 3, number, wire.produce("limited", 0, wire.batch(b"x")), client="hasty")
    began = time.monotonic()
    for number in range(3):
        assert wire.produce_answer(busy.receive())[:2] == (number, 0)
    # Each of them is worth a whole sample.
    assert time.monotonic() - began > 1.5, "pipelined requests were served at once"
    assert alter(admin, [("client-id", "hasty")], {"request_percentage": None})[0] == 0


def who_cannot_be_told_rests_all_the_same(broker):
    """After an answer that has no word for it, and after a request that is not answered."""
    admin, busy = rig.Wire(broker.port), rig.Wire(broker.port)
    assert alter(admin, [("client-id", "untold")], {"request_percentage": 0.001})[0] == 0
    rig.until(lambda: produce(busy, "untold", 1000)[0] > 0, "the client used up its share")
    busy.call(wire.SASL_HANDSHAKE, 1, wire.text("PLAIN"), client="untold")
    began = time.monotonic()
    busy.call(wire.API_VERSIONS, 0, b"", client="untold")
    assert time.monotonic() - began > 0.5, "the connection was read at once behind SaslHandshake"
    busy.send(wire.PRODUCE, 3, 1, wire.produce("limited", 0, wire.batch(b"x"), acks=0), client="untold")
    began = time.monotonic()
    busy.call(wire.API_VERSIONS, 0, b"", client="untold")
    # A second behind ApiVersions before, and one behind the Produce.
    assert time.monotonic() - began > 1.5, "the connection was read at once behind a Produce that nobody answers"
    assert alter(admin, [("client-id", "untold")], {"request_percentage": None})[0] == 0


def a_real_client_over_its_share_slows_down_and_loses_nothing(broker):
    admin = rig.Wire(broker.port)
    broker.create("kcat-time")
    # So little that not even the first request of a fast machine comes for nothing.
    assert alter(admin, [("client-id", "kcat-busy")], {"request_percentage": 1e-6})[0] == 0
    lines = "".join(f"{n:099d}\n" for n in range(300))
    began = time.monotonic()
    subprocess.run(["kcat", "-b", broker.address, "-P", "-t", "kcat-time", "-X", "client.id=kcat-busy", "-X", "batch.num.messages=100"], input=lines,
                   text=True, check=True, timeout=120)
    took = time.monotonic() - began
    # Three batches and what a client asks first, a second behind each.
    assert took > 2, f"all was taken in {took:.1f} s"
    read = subprocess.run(["kcat", "-b", broker.address, "-C", "-t", "kcat-time", "-o", "beginning", "-e", "-q", "-X", "client.id=kcat-busy"], check=True,
                          capture_output=True, text=True, timeout=120).stdout
    assert read == lines
    assert alter(admin, [("client-id", "kcat-busy")], {"request_percentage": None})[0] == 0


def served(port, source="127.0.0.1"):
    """Whether a new connection is answered, and how long it took to be answered or closed."""
    began = time.monotonic()
    connection = rig.Wire(port, source)
    try:
        connection.send(wire.METADATA, 4, 1, wire.metadata("limited"))
        is_answered = connection.receive() is not None
    except ConnectionError:
        is_answered = False
    connection.close()
    return is_answered, time.monotonic() - began


def an_address_over_its_quota_is_held_and_closed(broker):
    admin = rig.Wire(broker.port)
    error, why = alter(admin, [("ip", "localhost")], {"connection_creation_rate": 1.0})
    assert error == 42 and "localhost" in why
    assert alter(admin, [("ip", "localhost")], {"connection_creation_rate": None}) == (0, None), "what is not there can be taken back"
    # Spelled as an address that came over IPv6, it is the same one.
    assert alter(admin, [("ip", "::ffff:127.0.0.1")], {"connection_creation_rate": 1.0}) == (0, None)
    assert describe(admin)[(("ip", "127.0.0.1"),)] == {"connection_creation_rate": 1.0}
    outcomes = [served(broker.port) for _ in range(10)]
    assert all(answered for answered, _ in outcomes), "ten samples of one each were not given at once"
    answered, took = served(broker.port)
    assert not answered and 0.3 < took < 5, f"answered: {answered}, after {took:.2f} s"
    assert served(broker.port, "127.0.0.2")[0], "another address was refused"
    # Who is connected is not concerned.
    assert produce(admin, "calm", 10)[0] == 0
    rig.until(lambda: served(broker.port)[0], "the address comes in again once time has passed", 30)
    assert alter(admin, [("ip", "127.0.0.1")], {"connection_creation_rate": None})[0] == 0
    assert all(served(broker.port)[0] for _ in range(20))
    # The default is for each address by itself.
    assert alter(admin, [("ip", None)], {"connection_creation_rate": 1.0})[0] == 0
    outcomes = [served(broker.port, "127.0.0.3")[0] for _ in range(11)]
    assert outcomes == [True] * 10 + [False], outcomes
    assert served(broker.port, "127.0.0.4")[0]
    assert alter(admin, [("ip", None)], {"connection_creation_rate": None})[0] == 0
    assert "ip quota: refused a connection from 127.0.0.1, which is over its connection_creation_rate of 1 a second" in broker.said()


def a_real_client_slows_down_and_loses_nothing(broker):
    admin = rig.Wire(broker.port)
    broker.create("kcat")
    assert alter(admin, [("client-id", "kcat-limited")], {"producer_byte_rate": 20_000.0})[0] == 0
    lines = "".join(f"{n:0999d}\n" for n in range(300))  # 300 kB: the window lets about 220 pass at once
    began = time.monotonic()
    subprocess.run(["kcat", "-b", broker.address, "-P", "-t", "kcat", "-X", "client.id=kcat-limited", "-X", "batch.size=20000"], input=lines, text=True,
                   check=True, timeout=120)
    took = time.monotonic() - began
    assert took > 5, f"300 kB at 20 kB/s were taken in {took:.1f} s"
    read = subprocess.run(["kcat", "-b", broker.address, "-C", "-t", "kcat", "-o", "beginning", "-e", "-q"], check=True, capture_output=True, text=True,
                          timeout=120).stdout
    assert read == lines
    assert "over its producer_byte_rate" in broker.said()
    assert alter(admin, [("client-id", "kcat-limited")], {"producer_byte_rate": None})[0] == 0


def a_throttled_connection_does_not_hold_up_a_stop(broker):
    admin, limited = rig.Wire(broker.port), rig.Wire(broker.port)
    assert alter(admin, [("client-id", "slow")], {"producer_byte_rate": 1.0})[0] == 0
    throttled, _ = produce(limited, "slow", 1000)
    assert throttled > 9000
    began = time.monotonic()
    assert broker.stop() == 0
    assert time.monotonic() - began < 5
    broker.start()


def main():
    args = rig.arguments()
    skipped = ("main", "Broker", "alter", "describe", "produce", "fetch", "create_topic", "name_topics", "throttle_times", "served")
    checks = [check for name, check in globals().items() if callable(check) and getattr(check, "__module__", "") == "__main__" and name not in skipped]
    rig.run_checks(args.tidelog, checks, Broker)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
