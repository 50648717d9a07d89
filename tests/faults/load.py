"""Producers that keep a ledger: acks=all, without idempotence and without retries: a record is sent once, and its outcome is known or not.

What they write makes every part of the storage engine work: many partitions with a few bytes each (rounds of the journal), segments that
fill and go by retention, segments that age, a compacted topic, and log starts that are moved."""
import collections
import random
import struct
import subprocess
import threading
import time

import ledger
import rig
import wire

STORAGE_ERROR, TIMED_OUT = 56, 7
LOST_CONNECTION = -1000
BEGAN_MS = int(time.time() * 1000)

Plan = collections.namedtuple("Plan", "topic partitions size keeps parts pause configs")
PLANS = (
    Plan("many", 48, 100, ledger.EVERYTHING, 8, 0.01, ()),
    Plan("rolling", 2, 4000, 3 << 20, 1, 0.02, ("segment.bytes=1048576", f"retention.bytes={3 << 20}")),
    Plan("aging", 8, 150, 16384, 8, 0.05, ("segment.ms=300", "retention.bytes=16384")),
    Plan("compacted", 4, 120, ledger.NEWEST_OF_KEY, 2, 0.02,
         ("cleanup.policy=compact", "segment.ms=500", "min.cleanable.dirty.ratio=0.01")),
)


def produce_request(parts, timeout_ms):
    """Version 3, acks=all; `parts`: [(topic, partition, batch)]."""
    topics = collections.defaultdict(list)
    for topic, partition, data in parts:
        topics[topic].append(struct.pack(">ii", partition, len(data)) + data)
    body = struct.pack(">hhi", -1, -1, timeout_ms)
    return body + wire.array([wire.text(topic) + wire.array(items) for topic, items in topics.items()])


def produce_answer(payload):
    """{(topic, partition): (error, base offset)}"""
    answer, found = wire.Answer(payload), {}

    def topic(a):
        name = a.text()
        for partition, error, base, _ in a.items(lambda part: part.take("ihqq")):
            found[name, partition] = error, base

    answer.items(topic)
    return found


class Producer(threading.Thread):
    """One connection with some requests under way. Whatever ends it is connected again; what was under way then is never sent again."""

    def __init__(self, port, plan, partitions, window=4, timeout_ms=10000):
        super().__init__(daemon=True)
        self.port, self.plan, self.partitions, self.window, self.timeout_ms = port, plan, partitions, window, timeout_ms
        self.stopping = threading.Event()
        self.dice = random.Random(plan.topic)
        self.outcomes = collections.Counter()  # error code -> partitions' answers
        self.slowest = 0.0  # seconds from a request to its answer or to the end of its connection
        self.oldest = None  # when the request was sent that waits for its answer the longest
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    self.talk(rig.Wire(self.port))
                except OSError:
                    self.stopping.wait(0.01)  # The broker is away now and then: that is the test.
        except BaseException as problem:  # Told by whoever stops us: nobody sees a thread's.
            self.failure = problem

    def talk(self, connection):
        connection.socket.settimeout(rig.seconds(60))
        under_way, correlation = collections.deque(), 0
        try:
            self.oldest = None
            while not self.stopping.is_set() or under_way:
                while len(under_way) < self.window and not self.stopping.is_set():
                    correlation += 1
                    parts = self.parts()
                    under_way.append((correlation, time.monotonic(), parts))
                    connection.socket.sendall(wire.frame(wire.PRODUCE, 3, correlation, produce_request(parts, self.timeout_ms)))
                    self.oldest = under_way[0][1]
                    self.stopping.wait(self.plan.pause)
                self.take_answer(connection, under_way)
                self.oldest = under_way[0][1] if under_way else None
        finally:
            for _, began, parts in under_way:
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.outcomes[LOST_CONNECTION] += len(parts)
            self.oldest = None
            connection.close()

    def parts(self):
        now = int(time.time() * 1000)
        chosen = self.dice.sample(self.partitions, min(self.plan.parts, len(self.partitions)))
        return [(p.topic, p.index, p.next(now)) for p in chosen]

    def take_answer(self, connection, under_way):
        payload = connection.receive()
        if payload is None:
            raise ConnectionError("closed")
        correlation, began, parts = under_way[0]
        assert struct.unpack_from(">i", payload)[0] == correlation, "answers come out of order"
        under_way.popleft()
        self.slowest = max(self.slowest, time.monotonic() - began)
        places = {(p.topic, p.index): p for p in self.partitions}
        answers = produce_answer(payload)
        for topic, partition, data in parts:
            error, base = answers[topic, partition]
            self.outcomes[error] += 1
            if error == 0:
                places[topic, partition].note(data, base)


class Load:
    """All producers against one broker, and the ledger of what they did."""

    def __init__(self, broker, plans=PLANS, **more):
        self.broker, self.plans, self.more = broker, plans, more
        self.producers, self.earlier = [], collections.Counter()
        self.partitions = {(plan.topic, index): ledger.Partition(plan.topic, index, plan.size, plan.keeps)
                           for plan in plans for index in range(plan.partitions)}

    def __enter__(self):
        for plan in self.plans:
            self.broker.create(plan.topic, plan.partitions, *plan.configs)
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Also once more after `stop`, with the numbers going on."""
        assert not self.producers
        for plan in self.plans:
            mine = [partition for partition in self.partitions.values() if partition.topic == plan.topic]
            self.producers.append(Producer(self.broker.port, plan, mine, **self.more))
        for producer in self.producers:
            producer.start()

    def stop(self):
        for producer in self.producers:
            producer.stopping.set()
        for producer in self.producers:
            producer.join(rig.seconds(90))
            assert not producer.is_alive(), f"the producer of {producer.plan.topic} does not end"
        self.is_well()
        self.earlier = self.outcomes()
        self.producers = []

    def leave_out(self, topic):
        """It was deleted."""
        self.plans = [plan for plan in self.plans if plan.topic != topic]
        self.partitions = {place: partition for place, partition in self.partitions.items() if partition.topic != topic}

    def is_well(self):
        for producer in self.producers:
            if producer.failure:
                raise AssertionError(f"the producer of {producer.plan.topic} failed") from producer.failure

    def look(self):
        return {place: partition.look() for place, partition in self.partitions.items()}

    def acked(self):
        return sum(partition.look().acked for partition in self.partitions.values())

    def until_acked(self, more):
        """Some more records of every topic are acknowledged."""
        def of(topic):
            return sum(p.look().acked for p in self.partitions.values() if p.topic == topic)

        before = {plan.topic: of(plan.topic) for plan in self.plans}

        def is_there():
            self.is_well()
            return all(of(topic) >= count + more for topic, count in before.items())

        rig.until(is_there, f"{more} more records of every topic are acknowledged", 60, 0.02)

    def outcomes(self):
        """Error code, or LOST_CONNECTION -> how many partitions' answers."""
        return sum((producer.outcomes for producer in self.producers), self.earlier)

    def refused(self):
        return sum(count for outcome, count in self.outcomes().items() if outcome != 0)

    def slowest(self):
        """Those that still wait count as well."""
        now = time.monotonic()
        return max(max(producer.slowest, now - (producer.oldest or now)) for producer in self.producers)


class Changes(threading.Thread):
    """Topics that come and go, each name twice, and log starts that are moved: what was answered has to hold after any power loss."""

    def __init__(self, load):
        super().__init__(daemon=True)
        self.load, self.broker = load, load.broker
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.states = {}  # name -> (incarnation, "made" | "there" | "gone" | "unknown")
        self.failure = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(rig.seconds(90))
        assert not self.is_alive(), "the thread that changes topics does not end"
        if self.failure:
            raise AssertionError("changes of topics failed") from self.failure

    def run(self):
        number = 0
        try:
            while not self.stopping.is_set():
                number += 1
                self.live_twice(f"passing-{number}")
                self.trim()
        except BaseException as problem:
            self.failure = problem

    def look(self):
        with self.lock:
            return dict(self.states)

    def note(self, name, *state):
        with self.lock:
            self.states[name] = state

    def live_twice(self, name):
        for incarnation in (1, 2):
            try:
                self.note(name, incarnation, "unknown")
                self.tidelog("create", name)
                self.note(name, incarnation, "made")
                self.write(name, incarnation)
                self.stopping.wait(0.3)
                self.note(name, incarnation, "unknown")
                self.tidelog("delete", name, "--yes")
                self.note(name, incarnation, "gone")
                self.stopping.wait(0.1)
            except (subprocess.CalledProcessError, OSError):
                self.note(name, incarnation, "unknown")  # The broker was killed meanwhile.
                self.stopping.wait(0.2)
                return

    def tidelog(self, *words):
        command = [self.broker.tidelog, "topic", *words, "-b", self.broker.address]
        subprocess.run(command, check=True, capture_output=True, timeout=rig.seconds(60))

    def write(self, name, incarnation):
        connection = rig.Wire(self.broker.port)
        try:
            connection.send(wire.PRODUCE, 3, 1, wire.produce(name, 0, passing_batch(name, incarnation)))
            answer = connection.receive()
            if answer is None:
                raise ConnectionError("closed")
            error = wire.produce_answer(answer)[1]
            assert error == 0, f"producing to {name}: error {error}"
            self.note(name, incarnation, "there")
        finally:
            connection.close()

    def trim(self):
        keeping = [p for p in self.load.partitions.values() if p.keeps == ledger.EVERYTHING and p.index < 4 and p.acked]
        if not keeping:
            return
        partition = random.choice(keeping)
        with partition.lock:
            offset = partition.acked[len(partition.acked) // 2].base
            partition.trim_asked = max(partition.trim_asked, offset)
        try:
            connection = rig.Wire(self.broker.port)
            answer = connection.call(wire.DELETE_RECORDS, 0, wire.delete_records(partition.topic, partition.index, offset))
            connection.close()
        except (OSError, AssertionError):
            return
        low, error = wire.delete_records_answer(answer)
        if error == 0:
            with partition.lock:
                partition.trim_done = max(partition.trim_done, low)


def passing_batch(name, incarnation):
    """The same bytes whenever it is asked for, and not so old that retention takes it."""
    return wire.batch(f"{name} incarnation {incarnation}".encode(), timestamp=BEGAN_MS)
