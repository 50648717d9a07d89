#!/usr/bin/env python3
"""Settings change while the broker runs, on every shard, and outlive it; the command line that does it; a file that was made for Kafka."""
import json
import os
import struct
import subprocess
import sys

import rig
import wire

DESCRIBE_CONFIGS, ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS, LIST_OFFSETS = 32, 33, 44, 2
CREATE_TOPICS = 19
TOPIC, BROKER, CLIENT_METRICS, GROUP = 2, 4, 16, 32
MESSAGE_TOO_LARGE, INVALID_REQUEST, INVALID_CONFIG, UNKNOWN_TOPIC = 10, 42, 40, 3


def run(broker, *words, code=0):
    """The command's stdout; stderr and exit code are checked."""
    done = subprocess.run([broker.tidelog, *words, *(["-b", broker.address] if words[1] != "explain" else [])], capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    if code:
        assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) <= 3, done.stderr
    else:
        assert not done.stderr, done.stderr
    return done.stdout


def ask(broker, key, version, body):
    connection = rig.Wire(broker.port)
    connection.send(key, version, 1, body)
    answer = connection.receive()
    connection.close()
    return answer[4:]


def maybe(s):
    return struct.pack(">h", -1) if s is None else wire.text(s)


def alter(broker, resource_type, name, *changes, key=INCREMENTAL_ALTER_CONFIGS, validate=False):
    """Error code and text of one resource, versions 0. A change is (key, operation, value), for AlterConfigs (key, value)."""
    body = struct.pack(">ib", 1, resource_type) + wire.text(name) + struct.pack(">i", len(changes))
    for change in changes:
        body += wire.text(change[0]) + (struct.pack(">b", change[1]) if len(change) == 3 else b"") + maybe(change[-1])
    answer = ask(broker, key, 0, body + struct.pack(">?", validate))
    error, size = struct.unpack_from(">hh", answer, 8)
    return error, answer[12:12 + max(size, 0)].decode()


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0]

    def text(self):
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at].decode()


def describe(broker, resource_type, name, keys=None):
    """{key: (value, read only, source, sensitive, synonyms, type)}, version 3."""
    body = struct.pack(">ib", 1, resource_type) + wire.text(name) + struct.pack(">i", -1 if keys is None else len(keys))
    for key in keys or ():
        body += wire.text(key)
    reader = Reader(ask(broker, DESCRIBE_CONFIGS, 3, body + b"\1\1"))
    reader.take("i"), reader.take("i")
    error = reader.take("h")
    assert error == 0, (error, reader.text())
    reader.text(), reader.take("b"), reader.text()
    found = {}
    for _ in range(reader.take("i")):
        key, value, read_only, source, sensitive = reader.text(), reader.text(), reader.take("?"), reader.take("b"), reader.take("?")
        synonyms = [(reader.text(), reader.text(), reader.take("b")) for _ in range(reader.take("i"))]
        kind, doc = reader.take("b"), reader.text()
        assert doc, f"{key} is not described"
        found[key] = (value, read_only, source, sensitive, synonyms, kind)
    return found


def produce(broker, topic, partition, *values):
    """Error and base offset."""
    connection = rig.Wire(broker.port)
    connection.send(wire.PRODUCE, 3, 1, wire.produce(topic, partition, wire.batch(*values)))
    answer = wire.produce_answer(connection.receive())
    connection.close()
    return answer[1:]


def append_time(broker, topic):
    """Of one produced batch: -1 unless the broker stamps it."""
    connection = rig.Wire(broker.port)
    connection.send(wire.PRODUCE, 3, 1, wire.produce(topic, 0, wire.batch(b"x")))
    return struct.unpack_from(">q", connection.receive(), -12)[0]


def log_start(broker, topic):
    body = struct.pack(">ib", -1, 0) + struct.pack(">i", 1) + wire.text(topic) + struct.pack(">iiq", 1, 0, -2)
    return struct.unpack_from(">q", ask(broker, LIST_OFFSETS, 2, body), -8)[0]


def a_topics_limit_holds_at_once_on_every_partition(broker):
    broker.create("limit", 6)
    value = b"x" * 5000
    for size, error in (("1000", MESSAGE_TOO_LARGE), ("20000", 0)):
        assert alter(broker, TOPIC, "limit", ("max.message.bytes", 0, size)) == (0, "")
        assert [produce(broker, "limit", p, value)[0] for p in range(6)] == [error] * 6
    assert alter(broker, TOPIC, "limit", ("max.message.bytes", 1, None))[0] == 0
    assert produce(broker, "limit", 0, value)[0] == 0


def only_asking_changes_nothing(broker):
    broker.create("asked")
    assert alter(broker, TOPIC, "asked", ("max.message.bytes", 0, "10"), validate=True)[0] == 0
    assert alter(broker, TOPIC, "asked", ("max.message.bytes", 0, "ten"), validate=True)[0] == INVALID_CONFIG
    assert produce(broker, "asked", 0, b"x" * 1000)[0] == 0


def a_brokers_limit_reaches_topics_without_their_own(broker):
    broker.create("follows", 3)
    broker.create("has-own", 3, "max.message.bytes=100000")
    value = b"x" * 5000
    assert alter(broker, BROKER, "", ("message.max.bytes", 0, "1000")) == (0, "")
    assert [produce(broker, "follows", p, value)[0] for p in range(3)] == [MESSAGE_TOO_LARGE] * 3
    assert [produce(broker, "has-own", p, value)[0] for p in range(3)] == [0] * 3
    broker.create("made-later")
    assert produce(broker, "made-later", 0, value)[0] == MESSAGE_TOO_LARGE
    assert alter(broker, BROKER, "1", ("message.max.bytes", 0, "50000")) == (0, "")
    assert produce(broker, "follows", 0, value)[0] == 0, "this broker's own value beats that of all"
    key = describe(broker, TOPIC, "follows", ["max.message.bytes"])["max.message.bytes"]
    assert key[0] == "50000" and key[2] == 2
    assert key[4] == [("message.max.bytes", "50000", 2), ("message.max.bytes", "1000", 3), ("message.max.bytes", "1048588", 5)], key
    for name in ("", "1"):
        assert alter(broker, BROKER, name, ("message.max.bytes", 1, None))[0] == 0
    assert produce(broker, "made-later", 0, value)[0] == 0


def a_topics_clock_changes_at_once(broker):
    broker.create("clock")
    assert append_time(broker, "clock") == -1
    assert alter(broker, TOPIC, "clock", ("message.timestamp.type", 0, "LogAppendTime"))[0] == 0
    assert append_time(broker, "clock") > 0
    assert alter(broker, TOPIC, "clock", ("message.timestamp.type", 1, None))[0] == 0
    assert append_time(broker, "clock") == -1


def retention_that_is_set_later_deletes_what_is_there(broker):
    broker.create("kept", 1, "segment.bytes=1048576", "retention.ms=-1")
    for _ in range(3):
        assert produce(broker, "kept", 0, b"x" * 700_000)[0] == 0
    assert log_start(broker, "kept") == 0
    assert alter(broker, TOPIC, "kept", ("retention.bytes", 0, "1000"))[0] == 0
    rig.until(lambda: log_start(broker, "kept") == 2, "retention deleted the closed segments")


def rule_r4_switching_durability_loses_and_hangs_nothing(broker):
    """Every acknowledged record is readable while the topic goes back and forth, and after a kill."""
    broker.create("switch", 2)
    for turn in range(20):
        for mode in ("page-cache", "fsync"):
            assert produce(broker, "switch", turn % 2, b"before")[0] == 0
            assert alter(broker, TOPIC, "switch", ("durability", 0, mode)) == (0, "")
            assert produce(broker, "switch", turn % 2, b"after")[0] == 0
    ends = [produce(broker, "switch", p, b"last")[1] for p in range(2)]
    assert ends == [40, 40]
    broker.kill()
    broker.start()
    assert describe(broker, TOPIC, "switch")["durability"][0] == "fsync"
    assert [produce(broker, "switch", p, b"next")[1] for p in range(2)] == [41, 41]


def changes_outlive_a_kill(broker):
    broker.create("lasting")
    assert alter(broker, TOPIC, "lasting", ("max.message.bytes", 0, "1000"), ("cleanup.policy", 2, "compact"))[0] == 0
    assert alter(broker, BROKER, "", ("log.segment.bytes", 0, "2000000"))[0] == 0
    broker.kill()
    broker.start()
    configs = describe(broker, TOPIC, "lasting")
    assert configs["max.message.bytes"][:3] == ("1000", False, 1)
    assert configs["cleanup.policy"][0] == "delete,compact"
    assert configs["segment.bytes"][0] == "2000000" and configs["segment.bytes"][2] == 3
    assert produce(broker, "lasting", 0, b"x" * 5000)[0] == MESSAGE_TOO_LARGE
    assert alter(broker, BROKER, "", ("log.segment.bytes", 1, None))[0] == 0


def the_older_request_replaces_all(broker):
    broker.create("replaced", 1, "retention.ms=1000")
    assert alter(broker, TOPIC, "replaced", ("segment.ms", "5000"), key=ALTER_CONFIGS)[0] == 0
    configs = describe(broker, TOPIC, "replaced", ["retention.ms", "segment.ms"])
    assert (configs["retention.ms"][0], configs["segment.ms"][0]) == ("604800000", "5000")
    assert alter(broker, TOPIC, "replaced", ("segment.ms", None), key=ALTER_CONFIGS)[0] == INVALID_REQUEST


def refusals_say_why(broker):
    broker.create("refusing")
    for resource, name, change, error, word in (
            (TOPIC, "refusing", ("retention.mss", 0, "1"), INVALID_CONFIG, "did you mean retention.ms?"),
            (TOPIC, "refusing", ("retention.ms", 0, "soon"), INVALID_CONFIG, "not a whole number"),
            (TOPIC, "refusing", ("retention.ms", 2, "1"), INVALID_CONFIG, "no list"),
            (TOPIC, "nowhere", ("retention.ms", 0, "1"), UNKNOWN_TOPIC, "there is no topic"),
            (BROKER, "1", ("broker.rack", 0, "r"), INVALID_REQUEST, "cannot change while the broker runs"),
            (BROKER, "2", ("log.retention.ms", 0, "1"), INVALID_REQUEST, "broker 1"),
            (8, "1", ("root", 0, "DEBUG"), INVALID_REQUEST, "log.level")):
        code, text = alter(broker, resource, name, change)
        assert code == error and word in text, (change, code, text)


def every_key_of_a_resource_can_be_set_and_is_told(broker):
    """Of a topic, a group and a subscription; a key without a value is given one. A broker's keys: the unit tests, for they take effect."""
    broker.create("all-keys")
    for resource, name, samples in ((TOPIC, "all-keys", {}),
                                    (CLIENT_METRICS, "all-keys", {"match": "client_id=c.*", "metrics": "org.apache.kafka.consumer."}),
                                    (GROUP, "all-keys", {"streams.assignor.name": "sticky"})):
        keys = describe(broker, resource, name)
        assert set(samples) <= set(keys), (name, set(samples) - set(keys))
        for key, (value, read_only, *_) in keys.items():
            assert not read_only, key
            chosen = samples.get(key, value)
            assert chosen is not None, f"{key}: give it a value here"
            assert alter(broker, resource, name, (key, 0, chosen)) == (0, ""), (resource, key, chosen)
            told = describe(broker, resource, name, [key])[key]
            assert told[0] == chosen and told[2] in (1, 7, 8), (key, chosen, told)
        assert alter(broker, resource, name, *((key, 1, None) for key in keys)) == (0, "")
    assert alter(broker, CLIENT_METRICS, "all-keys", ("metrics", 2, "a."))[0] == 0
    assert describe(broker, CLIENT_METRICS, "all-keys")["metrics"][0] == "a."
    assert alter(broker, CLIENT_METRICS, "all-keys", ("metrics", 1, None))[0] == 0


def a_limit_of_configs_that_bites_is_in_the_log(broker):
    changes = [(f"unknown.to.all.{i}", 0, "1") for i in range(101)]
    code, text = alter(broker, BROKER, "1", *changes)
    assert code == INVALID_REQUEST and "that no broker knows" in text, (code, text)
    rig.until(lambda: "unknown broker configs: refused configs that 127.0.0.1:" in broker.said(), "a line of the limit")


def cpu_of(broker, key, version, body):
    """The answer, and how long the broker worked for it."""
    def spent():
        with open(f"/proc/{broker.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    before = spent()
    answer = ask(broker, key, version, body)
    return answer, spent() - before


def a_request_about_configs_is_judged_in_little_time(broker):
    """Nobody else has a turn meanwhile. Each took seconds when lists and keys were compared one by one."""
    elements = [a + b + c for a in "abcdefghijklmnopqrst" for b in "abcdefghijklmnopqrst" for c in "abcdefghijklmnopqrst"]
    key, value = wire.text("streams.rack.aware.assignment.tags"), wire.text(",".join(elements)[:32766])
    body = struct.pack(">i", 30)
    for i in range(30):
        body += struct.pack(">b", GROUP) + wire.text(f"long-{i}") + struct.pack(">i", 1) + key + b"\2" + value
    answer, seconds = cpu_of(broker, INCREMENTAL_ALTER_CONFIGS, 0, body + b"\1")
    assert struct.unpack_from(">h", answer, 8)[0] == 0, answer[:100]
    assert b"ask in several" in answer, "more than one request may have of lists was read"
    assert seconds < rig.seconds(1), f"lists: {seconds} s"

    body = struct.pack(">i", 4000)
    for i in range(4000):
        body += wire.text(f"unknown-{i}") + struct.pack(">ihii", 1, 1, 0, 1) + wire.text(f"{i:06}" + "q" * 122) + maybe("1")
    answer, seconds = cpu_of(broker, CREATE_TOPICS, 4, body + struct.pack(">i?", 60000, True))
    assert answer.count(b"is not a topic config") == 4000
    assert seconds < rig.seconds(1), f"keys: {seconds} s"


def a_connection_limit_holds_for_the_next_connection(broker):
    held = rig.Wire(broker.port)

    def limit(correlation, operation, value):
        change = wire.text("max.connections.per.ip") + struct.pack(">b", operation) + maybe(value)
        held.send(INCREMENTAL_ALTER_CONFIGS, 0, correlation, struct.pack(">ib", 1, BROKER) + wire.text("") + struct.pack(">i", 1) + change + b"\0")
        assert struct.unpack_from(">h", held.receive(), 12)[0] == 0

    limit(1, 0, "1")
    refused = rig.Wire(broker.port)
    assert refused.receive() is None, "the second connection was let in"
    limit(2, 1, None)
    assert produce(broker, "limit", 0, b"x")[0] == 0
    held.close()


def every_key_is_listed(broker):
    configs = describe(broker, BROKER, "1")
    assert len(configs) > 350, len(configs)
    assert configs["num.partitions"][1], "num.partitions cannot change in a running broker"
    assert configs["listeners"][2] == 4 and configs["ssl.keystore.password"][3]
    assert configs["log.retention.hours"][5] == 3 and configs["offsets.topic.replication.factor"][5] == 4
    assert describe(broker, BROKER, "") == {}


def the_command_line_reads_changes_and_explains(broker):
    broker.create("spoken")
    assert "changed" in run(broker, "topic", "alter", "spoken", "-c", "retention.ms=1000", "-c", "cleanup.policy+=compact")
    rows = json.loads(run(broker, "config", "get", "--topic", "spoken", "--format", "json"))["configs"]
    assert {row["key"]: row["value"] for row in rows if row["source"] == "topic"} == {"retention.ms": "1000", "cleanup.policy": "delete,compact"}
    assert run(broker, "config", "get", "--topic", "spoken", "retention.ms", "--format", "tsv").split() == ["retention.ms", "1000", "topic", "live"]
    run(broker, "config", "set", "--topic", "spoken", "cleanup.policy-=compact", "-d", "retention.ms")
    rows = json.loads(run(broker, "config", "get", "--topic", "spoken", "--format", "json"))["configs"]
    assert {row["key"]: row["value"] for row in rows if row["source"] == "topic"} == {"cleanup.policy": "delete"}
    run(broker, "config", "set", "--broker", "all", "log.retention.ms=5000")
    assert run(broker, "config", "get", "--broker", "1", "log.retention.ms", "--format", "tsv").split() == ["log.retention.ms", "5000", "all-brokers", "live"]
    assert run(broker, "config", "get", "--broker", "all", "--format", "tsv").split()[:2] == ["log.retention.ms", "5000"]
    run(broker, "config", "set", "--broker", "all", "-d", "log.retention.ms")
    run(broker, "config", "set", "--topic", "spoken", "retention.ms=7", "--dry-run")
    assert "604800000" in run(broker, "config", "get", "--topic", "spoken", "retention.ms")
    explained = run(broker, "config", "explain", "retention.ms", "ssl.keystore.location")
    for word in ("long", "604800000", "log.retention.hours", "live", "No effect in Tidelog: there is no TLS yet."):
        assert word in explained, explained
    assert json.loads(run(broker, "config", "explain", "durability", "--format", "json"))["settings"][0]["allowed"] == "fsync, page-cache"


def the_command_line_fails_with_a_code_and_a_hint(broker):
    broker.create("failing")
    run(broker, "config", "get", code=2)
    run(broker, "config", "set", "--topic", "failing", code=2)
    run(broker, "config", "set", "--topic", "failing", "retention.ms", code=2)
    run(broker, "config", "set", "--topic", "failing", "retention.ms=soon", code=1)
    run(broker, "topic", "alter", "failing", "-c", "retention.mss=1", code=1)
    run(broker, "config", "get", "--topic", "nowhere", code=6)
    run(broker, "topic", "alter", "nowhere", "-c", "retention.ms=1", code=6)
    run(broker, "config", "get", "--topic", "failing", "no.such.key", code=6)
    run(broker, "config", "get", "--broker", "7", code=6)
    run(broker, "config", "set", "--broker", "1", "broker.rack=r", code=1)
    run(broker, "config", "explain", "no.such.key.at.all", code=6)


# Every key of the server.properties that Apache Kafka 4 comes with.
KAFKAS_FILE = """
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:1
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:{port},CONTROLLER://localhost:1
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs={data}
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=48
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
"""
IDLE_IN_KAFKAS_FILE = """process.roles controller.quorum.bootstrap.servers inter.broker.listener.name num.network.threads num.io.threads
socket.send.buffer.bytes socket.receive.buffer.bytes num.recovery.threads.per.data.dir
share.coordinator.state.topic.replication.factor share.coordinator.state.topic.min.isr transaction.state.log.replication.factor
transaction.state.log.min.isr""".split()


def a_file_made_for_kafka_starts_the_broker(tidelog):
    broker = rig.Broker(tidelog)
    path = os.path.join(broker.home, "server.properties")
    with open(path, "w", encoding="ascii") as f:
        f.write(KAFKAS_FILE.format(port=broker.port, data=broker.data))
    with open(broker.log, "ab") as out, broker_ends(broker):
        broker.process = subprocess.Popen([tidelog, "serve", "-c", path], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        rig.until(broker.accepts, "the broker's port accepts", 60)
        idle = [line for line in broker.said().splitlines() if "without effect: " in line]
        reasons = {key: line for line in idle for key in line.partition("without effect: ")[2].partition(" (")[0].split(", ")}
        assert set(reasons) == set(IDLE_IN_KAFKAS_FILE), broker.said()
        assert "`shards`" in reasons["num.io.threads"] and "one broker" in reasons["process.roles"], broker.said()
        broker.create("t")
        key = describe(broker, TOPIC, "t", ["retention.ms"])["retention.ms"]
        assert key[0] == str(48 * 3600 * 1000) and key[2] == 4, key
        assert broker.stop() == 0


class broker_ends:
    """Ends a broker that was not started by its own `start`."""

    def __init__(self, broker):
        self.broker = broker

    def __enter__(self):
        return self.broker

    def __exit__(self, kind, *rest):
        self.broker.__exit__(kind, *rest)


def main():
    args = rig.arguments()
    a_file_made_for_kafka_starts_the_broker(args.tidelog)
    print("ok a_file_made_for_kafka_starts_the_broker", flush=True)
    helpers = {"main", "run", "ask", "maybe", "alter", "describe", "produce", "append_time", "log_start", "cpu_of", "a_file_made_for_kafka_starts_the_broker"}
    checks = [check for name, check in globals().items()
              if callable(check) and not isinstance(check, type) and check.__module__ == "__main__" and name not in helpers]
    for shards in (1, 3):
        with rig.Broker(args.tidelog, f"shards={shards}", "max.connection.creation.rate=10000", "log.retention.check.interval.ms=100") as broker:
            for check in checks:
                check(broker)
                print(f"ok {check.__name__} with {shards} shard(s)", flush=True)
            assert broker.stop() == 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
