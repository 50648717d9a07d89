"""Just enough of a client for what bench/load does not do: a steady load that knows what was acknowledged, and asking every partition."""
import os
import select
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "integration"))
import wire  # noqa: E402  (the path stands above)

from peer_process import PATIENCE_SECONDS, Trouble

FETCH_VERSION, LIST_OFFSETS_VERSION, PRODUCE_VERSION, ALTER_CONFIGS_VERSION = 4, 1, 3, 0
INCREMENTAL_ALTER_CONFIGS = 44
# What a broker says while it comes up: not known yet, no leader yet, not the leader yet, not available.
NOT_YET = {3, 5, 6, 8}
WINDOW = 64  # requests in flight when every partition is asked
CORRELATION_AT = 8  # in a frame


class Connection:
    """Whole frames over one connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, frame):
        self.socket.sendall(frame)

    def take(self):
        """A frame that was received, without its length; None if no whole one was."""
        if len(self.buffer) < 4:
            return None
        size = struct.unpack_from(">i", self.buffer)[0]
        if len(self.buffer) < 4 + size:
            return None
        frame = bytes(self.buffer[4:4 + size])
        del self.buffer[:4 + size]
        return frame

    def receive_some(self):
        """ConnectionError when the other side is gone."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionError("closed")
        self.buffer += part

    def receive(self):
        while True:
            frame = self.take()
            if frame is not None:
                return frame
            self.receive_some()

    def call(self, key, version, body):
        self.send(wire.frame(key, version, 1, body))
        return self.receive()

    def call_many(self, requests):
        """`requests`: number -> (key, version, body), sent in a window. Yields (number, answer) as they come."""
        left = list(requests.items())
        left.reverse()
        in_flight = 0
        while left or in_flight:
            while left and in_flight < WINDOW:
                number, (key, version, body) = left.pop()
                self.send(wire.frame(key, version, number, body))
                in_flight += 1
            answer = self.receive()
            in_flight -= 1
            yield struct.unpack_from(">i", answer)[0], answer


def set_topic_config(port, topic, name, value):
    config = wire.text(name) + b"\0" + wire.text(value)  # 0: set
    body = wire.array([b"\2" + wire.text(topic) + wire.array([config])]) + b"\0"
    with Connection(port) as connection:
        answer = connection.call(INCREMENTAL_ALTER_CONFIGS, ALTER_CONFIGS_VERSION, body)
    error = struct.unpack_from(">h", answer, 12)[0]
    if error != 0:
        raise Trouble(f"setting {name}={value} of {topic} was refused with error code {error}")


def end_offsets(port, topic, partitions):
    """Of each partition the offset that the next record gets."""
    ends = {}
    with Connection(port) as connection:
        asked = {p: (wire.LIST_OFFSETS, LIST_OFFSETS_VERSION, wire.list_offsets(topic, p, -1)) for p in range(partitions)}
        for _, answer in connection.call_many(asked):
            partition, error, _, offset = struct.unpack(">ihqq", answer[-22:])
            if error != 0:
                raise Trouble(f"the end of {topic}-{partition} is not told: error code {error}")
            ends[partition] = offset
    return ends


def produce_once(port, topic):
    """One record to partition 0, again until it is acknowledged. Its offset."""
    frame = wire.frame(wire.PRODUCE, PRODUCE_VERSION, 1, wire.produce(topic, 0, wire.batch(b"first")))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            with Connection(port) as connection:
                while time.monotonic() < deadline:
                    connection.send(frame)
                    _, error, base = wire.produce_answer(connection.receive())
                    if error == 0:
                        return base
                    if error not in NOT_YET:
                        raise Trouble(f"the first record was refused with error code {error}")
                    time.sleep(0.002)
        except OSError:
            time.sleep(0.002)  # it accepts before it serves
    raise Trouble("the first record is not acknowledged")


def fetched_range(answer):
    """(error, first offset, offset behind the last) of the first batch in a one-partition answer to Fetch version 4."""
    at = 4 + 4 + 4 + 2 + struct.unpack_from(">h", answer, 12)[0] + 4
    _, error, _, _, aborted = struct.unpack_from(">ihqqi", answer, at)
    size = struct.unpack_from(">i", answer, at + 26 + 16 * max(aborted, 0))[0]
    if error != 0 or size < 61:
        return error, 0, 0
    batch = at + 26 + 16 * max(aborted, 0) + 4
    base = struct.unpack_from(">q", answer, batch)[0]
    return error, base, base + struct.unpack_from(">i", answer, batch + 23)[0] + 1


def fetch_each(port, topic, offsets):
    """Reads the batch with the given offset of each partition, again until all gave it."""
    left = dict(offsets)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with Connection(port) as connection:
        while left:
            asked = {p: (wire.FETCH, FETCH_VERSION, wire.fetch(topic, p, offset, max_bytes=1)) for p, offset in left.items()}
            for partition, answer in connection.call_many(asked):
                error, first, end = fetched_range(answer)
                if error == 0 and first <= offsets[partition] < end:
                    del left[partition]
                elif error not in NOT_YET:
                    raise Trouble(f"{topic}-{partition} does not give offset {offsets[partition]}, which was acknowledged: "
                                  f"error code {error}, offsets {first} to {end}")
            if time.monotonic() > deadline:
                raise Trouble(f"{len(left)} partitions of {topic} do not serve")


class SteadyLoad:
    """Batches at a steady rate to all partitions in turn, over one connection, until the broker is gone. `last`: of each partition the
    highest offset that was acknowledged, to begin with the one before the load."""

    def __init__(self, port, topic, last, shape):
        """`shape`: rate (bytes a second), batch_bytes, window (requests in flight)."""
        self.last = dict(last)
        self.rate, self.window = shape["rate"], shape["window"]
        self.records = max(1, shape["batch_bytes"] // 1100)
        batch = wire.batch(*[os.urandom(1024) for _ in range(self.records)], timestamp=int(time.time() * 1000))
        self.batch_bytes = len(batch)
        self.frames = [bytearray(wire.frame(wire.PRODUCE, PRODUCE_VERSION, 0, wire.produce(topic, p, batch))) for p in range(len(last))]
        self.connection = Connection(port)
        self.issued = self.acked = 0
        self.failure = None
        self.begun = time.monotonic()
        self.ended = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while True:
                self.send_what_is_due()
                if select.select([self.connection.socket], [], [], 0.001)[0]:
                    self.connection.receive_some()
                    self.take_answers()
        except OSError:  # the broker is gone: whether that was wanted, `finish` knows
            pass
        except Trouble as trouble:
            self.failure = trouble
        self.ended = time.monotonic()

    def send_what_is_due(self):
        due = int((time.monotonic() - self.begun) * self.rate / self.batch_bytes) + 1
        while self.issued < min(due, self.acked + self.window):
            frame = self.frames[self.issued % len(self.frames)]
            struct.pack_into(">i", frame, CORRELATION_AT, self.issued)
            self.connection.send(frame)
            self.issued += 1

    def take_answers(self):
        for answer in iter(self.connection.take, None):
            number, error, base = wire.produce_answer(answer)
            partition = self.acked % len(self.frames)
            if error != 0 or number != self.acked or base <= self.last[partition]:
                raise Trouble(f"the load was answered wrongly: request {number} of {self.acked}, error code {error}, offset {base} "
                              f"behind {self.last[partition]}")
            self.last[partition] = base + self.records - 1
            self.acked += 1

    def check(self):
        """While it should be going on."""
        if not self.thread.is_alive():
            raise self.failure or Trouble("the broker closed the connection of the load")

    def finish(self):
        """After the broker was killed. Figures of the load."""
        self.thread.join(60)
        self.connection.socket.close()
        if self.failure or self.thread.is_alive():
            raise self.failure or Trouble("the load does not notice that the broker is gone")
        if self.acked == 0:
            raise Trouble("nothing was acknowledged before the broker was killed")
        seconds = self.ended - self.begun
        size = self.acked * self.batch_bytes
        return {"load_s": seconds, "load_bytes": size, "load_mb_per_s": size / 1e6 / seconds, "in_flight_at_kill": self.issued - self.acked}
