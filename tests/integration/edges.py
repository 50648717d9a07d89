#!/usr/bin/env python3
"""What the broker answers at the edges of the requests it serves: what is missing, given twice, half given or out of range."""
import gzip
import struct
import sys

import rig
import wire

ZERO_ID = b"\0" * 16
NOBODYS_ID = b"no such topic id"


class Client:
    """One connection; each call sends a request and returns its answer, to be read."""

    def __init__(self, broker):
        self.wire, self.correlation = rig.Wire(broker.port), 0

    def ask(self, key, version, body, flexible=False, header_tags=None):
        self.correlation += 1
        self.wire.send(key, version, self.correlation, body, flexible)
        payload = self.wire.receive()
        assert payload is not None, f"API {key} version {version}: the connection was closed"
        assert struct.unpack_from(">i", payload)[0] == self.correlation
        return wire.Answer(payload, flexible, header_tags)

    def create(self, *topics, validate=False):
        """Version 4. Topics as (name, {config: value}); returns [(name, error)]."""
        rows = [wire.text(name) + struct.pack(">ih", 1, 1) + wire.array([]) +
                wire.array([wire.text(k) + (b"\xff\xff" if v is None else wire.text(v)) for k, v in configs.items()]) for name, configs in topics]
        answer = self.ask(wire.CREATE_TOPICS, 4, wire.array(rows) + struct.pack(">ib", 10000, validate))
        answer.take("i")
        return answer.items(lambda a: (a.text(), a.take("h"), a.text())[:2])

    def topic_id(self, name):
        return self.metadata((ZERO_ID, name))[0][2]

    def metadata(self, *topics):
        """Version 12, without auto-creation; returns [(error, name, id)]."""
        rows = [topic_id + wire.compact_text(name) + b"\0" for topic_id, name in topics]
        answer = self.ask(wire.METADATA, 12, wire.compact_array(rows) + b"\0\0\0", flexible=True)
        answer.take("i")
        answer.items(lambda a: (a.take("i"), a.text(), a.take("i"), a.text(), a.tags()))
        answer.text()
        answer.take("i")

        def partition(a):
            a.take("hiii")
            for _ in range(3):
                a.items(lambda b: b.take("i"))
            a.tags()

        return answer.items(lambda a: (a.take("h"), a.text(), a.raw(16), a.take("b"), a.items(partition), a.take("i"), a.tags())[:3])

    def produce(self, topic, records, partition=0):
        """Version 8; returns (error, base offset, log start offset, [index of a bad record], message)."""
        answer = self.ask(wire.PRODUCE, 8, wire.produce(topic, partition, records))

        def one(a):
            _, error, base, _, start = a.take("ihqqq")
            return error, base, start, [i for i, _ in a.items(lambda b: (b.take("i"), b.text()))], a.text()

        return answer.items(lambda a: (a.text(), a.items(one)))[0][1][0]

    def list_offsets(self, topic, *partitions, isolation=0):
        """Version 5. Partitions as (index, timestamp); returns [(index, error, timestamp, offset, leader epoch)]."""
        rows = [struct.pack(">iiq", index, -1, timestamp) for index, timestamp in partitions]
        answer = self.ask(wire.LIST_OFFSETS, 5, struct.pack(">ib", -1, isolation) + wire.array([wire.text(topic) + wire.array(rows)]))
        answer.take("i")
        return answer.items(lambda a: (a.text(), a.items(lambda b: b.take("ihqqi"))))[0][1]

    def fetch(self, topics, session=0, epoch=-1, forget=(), wait_ms=0, min_bytes=0, max_bytes=1 << 20, isolation=0, replica=-1):
        """Version 11. Topics as {name: [(partition, offset)]} or [(partition, offset, partition's max bytes)]; see Fetched."""
        def rows(partitions):
            return wire.array([struct.pack(">iiqqi", p[0], -1, p[1], -1, p[2] if len(p) > 2 else 1 << 20) for p in partitions])
        body = struct.pack(">iiiibii", replica, wait_ms, min_bytes, max_bytes, isolation, session, epoch)
        body += wire.array([wire.text(name) + rows(partitions) for name, partitions in topics.items()])
        body += wire.array([wire.text(name) + wire.array([struct.pack(">i", p) for p in partitions]) for name, partitions in forget])
        return Fetched(self.ask(wire.FETCH, 11, body + wire.text("")), by_id=False)

    def fetch_ids(self, topics, session=0, epoch=-1, last_epoch=-1, replica=None):
        """Version 16. Topics as {id: [(partition, offset)]}."""
        rows = [topic_id + wire.compact_array([struct.pack(">iiqiqi", p, -1, offset, last_epoch, -1, 1 << 20) + b"\0" for p, offset in partitions]) + b"\0"
                for topic_id, partitions in topics.items()]
        body = struct.pack(">iiibii", 0, 0, 1 << 20, 0, session, epoch) + wire.compact_array(rows) + wire.compact_array([]) + wire.compact_text("")
        tags = b"\0" if replica is None else b"\1\1\x0d" + struct.pack(">iq", replica, 1) + b"\0"
        return Fetched(self.ask(wire.FETCH, 16, body + tags, flexible=True), by_id=True)


class Fetched:
    """A fetch's answer: `error`, `session` and `partitions`, (topic, partition) to its Part."""

    def __init__(self, answer, by_id):
        answer.take("i")
        self.error, self.session = answer.take("hi")
        topics = answer.items(lambda a: (a.raw(16) if by_id else a.text(), a.items(Part), a.tags()))
        self.partitions = {(name, part.index): part for name, parts, _ in topics for part in parts}

    def only(self):
        assert len(self.partitions) == 1, self.partitions
        return next(iter(self.partitions.values()))


class Part:
    def __init__(self, answer):
        self.index, self.error, self.high_watermark, self.last_stable, self.log_start = answer.take("ihqqq")
        self.aborted = answer.items(lambda a: (a.take("qq"), a.tags()))
        self.preferred_replica = answer.take("i")
        self.records = answer.data() or b""
        self.leader = None
        for _ in range(answer.uvarint() if answer.flexible else 0):
            tag, data = answer.uvarint(), answer.raw(answer.uvarint())
            if tag == 1:
                self.leader = struct.unpack_from(">ii", data)


def create_topics_wants_a_value_for_each_config(broker):
    client = Client(broker)
    assert client.create(("valueless", {"retention.ms": None}), ("valued", {"retention.ms": "1000"})) == [("valueless", 40), ("valued", 0)]
    assert client.metadata((ZERO_ID, "valueless"))[0][0] == 3, "it was made all the same"


def a_topic_named_twice_is_answered_once_and_not_made(broker):
    assert sorted(Client(broker).create(("named-twice", {}), ("named-once", {}), ("named-twice", {}))) == [("named-once", 0), ("named-twice", 42)]


def deleting_the_empty_name_finds_no_topic(broker):
    client = Client(broker)
    answer = client.ask(wire.DELETE_TOPICS, 3, wire.array([wire.text("")]) + struct.pack(">i", 5000))
    answer.take("i")
    assert answer.items(lambda a: (a.text(), a.take("h"))) == [("", 3)]
    answer = client.ask(wire.DELETE_TOPICS, 6, wire.compact_array([wire.compact_text("") + ZERO_ID + b"\0", wire.compact_text(None) + ZERO_ID + b"\0"]) +
                        struct.pack(">i", 5000) + b"\0", flexible=True)
    answer.take("i")
    assert answer.items(lambda a: (a.text(), a.raw(16), a.take("h"), a.text(), a.tags())[::2][:2]) == [("", 3), (None, 42)]


def metadata_answers_a_topic_once_whichever_way_it_is_asked_for(broker):
    broker.create("both-ways")
    client = Client(broker)
    topic_id = client.topic_id("both-ways")
    assert client.metadata((topic_id, None), (ZERO_ID, "both-ways")) == [(0, "both-ways", topic_id)]
    assert client.metadata((NOBODYS_ID, None), (NOBODYS_ID, None)) == [(100, None, NOBODYS_ID)]


def a_client_that_meant_another_node_or_cluster_is_told_so(broker):
    client = Client(broker)

    def versions(cluster, node):
        body = wire.compact_text("edges") + wire.compact_text("1") + wire.compact_text(cluster) + struct.pack(">i", node) + b"\0"
        answer = client.ask(wire.API_VERSIONS, 5, body, flexible=True, header_tags=False)
        return answer.take("h"), len(answer.items(lambda a: (a.take("hhh"), a.tags()))) > 0

    answer = client.ask(wire.DESCRIBE_CLUSTER, 1, b"\0\1\0", flexible=True)
    answer.take("ih")
    answer.text()
    answer.take("b")
    cluster = answer.text()
    assert versions(cluster, 1) == (0, True)
    assert versions(None, -1) == (0, True)
    assert versions(cluster, 77) == (129, False)
    assert versions("another-cluster", 1) == (129, False)
    assert versions(None, 77) == (42, False), "a node is named together with its cluster"
    assert versions(cluster, -1) == (42, False)


def the_features_of_the_cluster_come_with_the_versions(broker):
    answer = Client(broker).ask(wire.API_VERSIONS, 3, wire.compact_text("edges") + wire.compact_text("1") + b"\0", flexible=True, header_tags=False)
    assert answer.take("h") == 0
    answer.items(lambda a: (a.take("hhh"), a.tags()))
    answer.take("i")
    tags = {}
    for _ in range(answer.uvarint()):
        tag, size = answer.uvarint(), answer.uvarint()
        end = answer.at + size
        tags[tag] = answer.take("q") if tag == 1 else answer.items(lambda a: (a.text(), a.take("h"), a.take("h"), a.tags())[:3])
        assert answer.at == end
    assert tags == {0: [("metadata.version", 33, 33)], 1: 0, 2: [("metadata.version", 33, 33)]}


def describe_cluster_describes_brokers_and_nothing_else(broker):
    for kind, error in ((1, 0), (2, 114), (9, 115)):
        answer = Client(broker).ask(wire.DESCRIBE_CLUSTER, 1, b"\0" + bytes([kind]) + b"\0", flexible=True)
        answer.take("i")
        assert (answer.take("h"), answer.text() is None, answer.take("b")) == (error, error == 0, 1), kind


def a_producer_id_comes_with_its_epoch_or_not_at_all(broker):
    client = Client(broker)

    def init(producer, epoch):
        answer = client.ask(wire.INIT_PRODUCER_ID, 3, wire.compact_text(None) + struct.pack(">iqh", 1000, producer, epoch) + b"\0", flexible=True)
        answer.take("i")
        return answer.take("hqh")

    assert init(5, -1) == (42, -1, -1)
    assert init(-1, 5) == (42, -1, -1)
    first, second = init(-1, -1), init(5, 2)
    assert first[0] == second[0] == 0 and first[2] == second[2] == 0 and first[1] != second[1]


def an_empty_log_has_the_epoch_of_its_leader(broker):
    broker.create("empty-log")
    client = Client(broker)
    for timestamp in (-1, -2):
        assert client.list_offsets("empty-log", (0, timestamp)) == [(0, 0, -1, 0, 0)], timestamp


def tiered_places_of_a_log_are_those_without_tiers(broker):
    broker.create("no-tiers")
    client = Client(broker)
    client.produce("no-tiers", wire.batch(b"a", b"b"))
    for timestamp, found in ((-4, (0, -1, 0, 0)), (-5, (0, -1, -1, -1)), (-6, (0, -1, -1, -1)), (-7, (35, -1, -1, -1))):
        body = struct.pack(">ib", -1, 0) + wire.compact_array([wire.compact_text("no-tiers") + wire.compact_array([struct.pack(">iiq", 0, -1, timestamp) + b"\0"]) + b"\0"])
        answer = client.ask(wire.LIST_OFFSETS, 11, body + struct.pack(">i", 1000) + b"\0", flexible=True)
        answer.take("i")
        assert answer.items(lambda a: (a.text(), a.items(lambda b: (b.take("ihqqi")[1:], b.tags())[0]), a.tags()))[0][1] == [found], timestamp


def a_partition_asked_for_twice_gets_one_error(broker):
    broker.create("asked-twice", 2)
    client = Client(broker)
    assert sorted(client.list_offsets("asked-twice", (0, -1), (1, -1), (0, -2))) == [(0, 42, -1, -1, -1), (1, 0, -1, 0, 0)]
    assert client.list_offsets("asked-twice", (0, -1), isolation=7) == [(0, 42, -1, -1, -1)]


def records_without_keys_are_named_one_by_one_where_keys_are_needed(broker):
    client = Client(broker)
    client.create(("keyed", {"cleanup.policy": "compact"}))
    error, base, _, indexes, message = client.produce("keyed", wire.batch(b"a", b"b", b"c"))
    assert (error, base, indexes) == (87, -1, [0, 1, 2]) and message
    assert client.list_offsets("keyed", (0, -1))[0][3] == 0, "some of the batch was stored"


def keys_are_looked_for_inside_compressed_batches_too(broker):
    client = Client(broker)
    client.create(("keyed-packed", {"cleanup.policy": "compact,delete"}), ("keyless", {}))
    packed = wire.batch(b"a", b"b", codec=1, compress=gzip.compress)
    assert client.produce("keyless", packed)[0] == 0
    error, base, _, indexes, message = client.produce("keyed-packed", packed)
    assert (error, base, indexes) == (87, -1, [0, 1]) and message


def each_partition_names_its_own_bad_records(broker):
    client = Client(broker)
    client.create(("keyed-one", {"cleanup.policy": "compact"}), ("keyless-one", {}))
    rows = [wire.text(name) + wire.array([struct.pack(">ii", 0, len(records)) + records])
            for name, records in (("keyed-one", wire.batch(b"a", b"b")), ("keyless-one", wire.batch(b"a")))]
    answer = client.ask(wire.PRODUCE, 8, struct.pack(">hhi", -1, -1, 10000) + wire.array(rows))

    def one(a):
        _, error, base, _, _ = a.take("ihqqq")
        return error, base, [i for i, _ in a.items(lambda b: (b.take("i"), b.text()))], a.text() is not None

    assert sorted(answer.items(lambda a: (a.text(), a.items(one)))) == [("keyed-one", [(87, -1, [0, 1], True)]), ("keyless-one", [(0, 0, [], False)])]


def a_client_that_wants_to_log_in_is_told_that_nobody_does(broker):
    client = Client(broker)
    for version in (0, 1):
        answer = client.ask(wire.SASL_HANDSHAKE, version, wire.text("PLAIN"))
        assert (answer.take("h"), answer.items(lambda a: a.text())) == (34, [])
    answer = client.ask(wire.SASL_AUTHENTICATE, 1, struct.pack(">i", 8) + b"\0me\0word")
    assert answer.take("h") == 34 and "PLAINTEXT" in answer.text()
    assert client.list_offsets("nothing-like-it", (0, -1))[0][1] == 3, "the connection goes on"


def the_log_start_offset_comes_with_errors_of_the_contents(broker):
    client = Client(broker)
    client.create(("log-start", {"max.message.bytes": "200"}))
    sound = wire.batch(b"x")
    assert client.produce("log-start", sound)[:3] == (0, 0, 0)
    assert client.produce("log-start", sound[:57] + struct.pack(">i", 7) + sound[61:])[:3] == (2, -1, -1)
    assert client.produce("log-start", wire.batch(b"x" * 300))[:3] == (10, -1, -1)
    assert client.produce("log-start", wire.batch(b"a", producer=9, epoch=0, sequence=-1))[:3] == (87, -1, 0)


def a_limit_for_decompressed_batches_is_kept(broker):
    client = Client(broker)
    client.create(("capped", {"max.decompressed.message.bytes": "1000"}), ("uncapped", {}))
    bomb, small = (wire.batch(b"x" * size, codec=1, compress=gzip.compress) for size in (100_000, 100))
    assert client.produce("uncapped", bomb)[0] == 0
    assert client.produce("capped", bomb)[0] == 87
    assert client.produce("capped", small)[0] == 0


def an_offset_outside_the_log_is_told_without_numbers(broker):
    broker.create("outside")
    client = Client(broker)
    client.produce("outside", wire.batch(b"a", b"b"))
    for offset in (-2, -1, 3):
        part = client.fetch({"outside": [(0, offset)]}, wait_ms=9000, min_bytes=1).only()
        assert (part.error, part.high_watermark, part.last_stable, part.log_start, part.preferred_replica) == (1, -1, -1, -1, -1)
    part = client.fetch({"outside": [(0, 2)]}).only()
    assert (part.error, part.high_watermark, part.log_start, part.preferred_replica, part.records) == (0, 2, 0, -1, b"")


def small_limits_give_one_whole_batch_and_no_more(broker):
    broker.create("limits", 2)
    client = Client(broker)
    whole = wire.batch(b"x" * 200)
    for partition in (0, 1):
        assert client.produce("limits", whole, partition)[0] == 0
    for limits in ({"max_bytes": 0}, {"max_bytes": 10}, {}):
        got = client.fetch({"limits": [(0, 0, 10), (1, 0, 10)]}, **limits)
        assert [len(got.partitions["limits", p].records) for p in (0, 1)] == [len(whole), 0], limits


def a_fetch_of_nothing_does_not_wait(broker):
    assert Client(broker).fetch({}, wait_ms=60000, min_bytes=1).partitions == {}  # The socket gives up after ten seconds.


def what_is_not_there_has_no_aborted_transactions(broker):
    broker.create("is-there")
    client = Client(broker)
    part = client.fetch({"is-not-there": [(0, 0)]}).only()
    assert (part.error, part.aborted) == (3, [])
    assert client.fetch({"is-there": [(0, 0)]}).only().aborted is None
    assert client.fetch({"is-there": [(0, 0)]}, isolation=1).only().aborted == []
    got = client.fetch({"is-there": [(0, 0)]}, isolation=7)
    assert (got.error, got.only().error) == (42, 42)


def nobody_fetches_as_a_replica(broker):
    broker.create("as-replica")
    client = Client(broker)
    assert client.fetch({"as-replica": [(0, 0)]}, replica=99).only().error == 6
    part = client.fetch_ids({client.topic_id("as-replica"): [(0, 0)]}, replica=99).only()
    assert (part.error, part.leader) == (6, (1, 0)), "it is told who leads"


def a_last_fetched_epoch_that_never_was_is_out_of_range(broker):
    broker.create("epochs")
    client = Client(broker)
    client.produce("epochs", wire.batch(b"a"))
    topic_id = client.topic_id("epochs")
    assert client.fetch_ids({topic_id: [(0, 1)]}, last_epoch=0).only().error == 0
    assert client.fetch_ids({topic_id: [(0, 1)]}, last_epoch=7).only().error == 1


def a_session_tells_what_changed(broker):
    broker.create("session", 2)
    client = Client(broker)
    first = client.fetch({"session": [(0, 0), (1, 0)]}, epoch=0)
    assert first.session > 0 and len(first.partitions) == 2
    assert client.fetch({}, first.session, 1).partitions == {}
    client.produce("session", wire.batch(b"news"))
    assert list(client.fetch({}, first.session, 2).partitions) == [("session", 0)]
    assert list(client.fetch({"session": [(0, 1)]}, first.session, 3).partitions) == []
    out = client.fetch({"session": [(1, 9)]}, first.session, 4)
    assert out.only().error == 1
    assert client.fetch({}, first.session, 5).only().error == 1, "an error comes again until the client reacts"
    assert client.fetch({"session": [(1, 0)]}, first.session, 6).only().high_watermark == 0
    assert client.fetch({}, first.session, 7, forget=[("session", [1]), ("nowhere", [3])]).session == first.session
    client.produce("session", wire.batch(b"unheard"), 1)
    assert client.fetch({}, first.session, 8).partitions == {}, "it tells of a partition that was forgotten"


def a_session_that_forgot_everything_is_over(broker):
    broker.create("forgotten")
    client = Client(broker)
    session = client.fetch({"forgotten": [(0, 0)]}, epoch=0).session
    last = client.fetch({}, session, 1, forget=[("forgotten", [0])], wait_ms=60000, min_bytes=1)
    assert (last.error, last.session, last.partitions) == (0, 0, {})
    assert client.fetch({}, session, 2).error == 70


def a_session_goes_on_only_with_the_right_epoch(broker):
    broker.create("epoch")
    client = Client(broker)
    session = client.fetch({"epoch": [(0, 0)]}, epoch=0).session
    for epoch in (2, 5, -2):
        assert client.fetch({}, session, epoch).error == 71, epoch
    assert client.fetch({}, session, 1).error == 0
    assert client.fetch({}, session, 1).error == 71, "the same request again"
    assert client.fetch({}, session, 2).error == 0, "a wrong epoch does not end a session"
    assert client.fetch({}, session + 1, 3).error == 70
    assert client.fetch({}, 0, 3).error == 70
    closed = client.fetch({"epoch": [(0, 0)]}, session, -1)
    assert (closed.session, len(closed.partitions)) == (0, 1)
    assert client.fetch({}, session, 3).error == 70


def rule_r14_a_session_belongs_to_its_connection(broker):
    broker.create("mine")
    owner, other = Client(broker), Client(broker)
    session = owner.fetch({"mine": [(0, 0)]}, epoch=0).session
    assert other.fetch({}, session, 1).error == 70
    assert other.fetch({"mine": [(0, 0)]}, session, 0).session not in (0, session), "a full fetch gets a session of its own"
    assert owner.fetch({}, session, 1).error == 0, "somebody else ended it"


def a_session_stays_with_ids_or_with_names(broker):
    broker.create("ids-or-names")
    client = Client(broker)
    topic_id = client.topic_id("ids-or-names")
    first = client.fetch_ids({topic_id: [(0, 0)], NOBODYS_ID: [(0, 0)]}, epoch=0)
    assert {key: part.error for key, part in first.partitions.items()} == {(topic_id, 0): 0, (NOBODYS_ID, 0): 100}
    again = client.fetch_ids({}, first.session, 1)
    assert {key: part.error for key, part in again.partitions.items()} == {(NOBODYS_ID, 0): 100}
    assert client.fetch({}, first.session, 2).error == 106
    assert client.fetch({}, first.session, 9).error == 71, "the epoch is looked at first"
    assert client.fetch_ids({}, first.session, 2).error == 0


def a_topic_made_again_is_another_topic_to_a_session_with_ids(broker):
    broker.create("made-again")
    client = Client(broker)
    old = client.topic_id("made-again")
    session = client.fetch_ids({old: [(0, 0)]}, epoch=0).session
    client.ask(wire.DELETE_TOPICS, 3, wire.array([wire.text("made-again")]) + struct.pack(">i", 5000))
    assert client.fetch_ids({}, session, 1).only().error == 100
    broker.create("made-again")
    new = client.topic_id("made-again")
    assert new != old
    assert client.fetch_ids({}, session, 2).only().error == 100
    assert client.fetch_ids({new: [(0, 0)]}, session, 3).partitions[new, 0].error == 0


def access_rules_are_told_to_be_off(broker):
    client = Client(broker)
    anything = struct.pack(">b", 1) + b"\xff\xff" + struct.pack(">b", 1) + b"\xff\xff" * 2 + struct.pack(">bb", 1, 1)
    answer = client.ask(wire.DESCRIBE_ACLS, 1, anything)
    answer.take("i")
    assert answer.take("h") == 54 and "no authorization" in answer.text()
    rule = struct.pack(">b", 2) + wire.text("t") + struct.pack(">b", 3) + wire.text("User:a") + wire.text("*") + struct.pack(">bb", 3, 3)
    answer = client.ask(wire.CREATE_ACLS, 1, wire.array([rule, rule]))
    answer.take("i")
    assert answer.take("i") == 2 and answer.take("h") == 54
    answer = client.ask(wire.DELETE_ACLS, 1, wire.array([anything]))
    answer.take("i")
    assert answer.take("i") == 1 and answer.take("h") == 54


def only_so_many_sessions_are_kept(tidelog):
    with rig.Broker(tidelog, "shards=1", f"max.incremental.fetch.session.cache.slots={SLOTS}") as broker:
        broker.create("slots")
        clients = [Client(broker) for _ in range(SLOTS + 1)]
        sessions = [client.fetch({"slots": [(0, 0)]}, epoch=0) for client in clients]
        assert [answer.session > 0 for answer in sessions] == [True] * SLOTS + [False]
        assert sessions[-1].only().error == 0, "without a session every fetch is a full one"
        clients[0].wire.close()
        rig.until(lambda: clients[-1].fetch({"slots": [(0, 0)]}, epoch=0).session > 0, "a closed connection gives its slot away")
        assert clients[1].fetch({}, sessions[1].session, 1).error == 0


SLOTS = 4


def main():
    args = rig.arguments()
    only_so_many_sessions_are_kept(args.tidelog)
    print("ok only_so_many_sessions_are_kept", flush=True)
    checks = [check for name, check in globals().items() if callable(check) and getattr(check, "__module__", "") == "__main__" and
              name not in ("main", "only_so_many_sessions_are_kept", "Client", "Fetched", "Part")]
    rig.run_checks(args.tidelog, checks)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
