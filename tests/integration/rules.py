#!/usr/bin/env python3
"""Rules of the house that only a real connection can break (docs/guarantees.md), and what hostile bytes must not do."""
import socket
import struct
import sys
import time

import rig
import wire


def rule_r7_requests_of_one_connection_keep_their_order(broker):
    """A request that has to wait (its topic is made first) is not overtaken by the ones behind it, and answers leave in order."""
    for round_number in range(20):
        topic = f"r7-{round_number}"
        connection = rig.Wire(broker.port)
        sent = wire.frame(wire.METADATA, 4, 1, wire.metadata(topic))
        for n in range(2, 42):
            sent += wire.frame(wire.PRODUCE, 3, n, wire.produce(topic, 0, wire.batch(b"value %d" % n)))
        sent += wire.frame(wire.FETCH, 4, 42, wire.fetch(topic, 0, 0))
        connection.socket.sendall(sent)  # everything at once, so the broker has all of it before it answers any
        assert struct.unpack_from(">i", connection.receive())[0] == 1
        for n in range(2, 42):
            assert wire.produce_answer(connection.receive()) == (n, 0, n - 2), f"request {n} was overtaken"
        data = connection.receive()
        assert struct.unpack_from(">i", data)[0] == 42
        values = [data.index(b"value %d" % n) for n in range(2, 42)]
        assert values == sorted(values), "records are not in the order they were sent"
        connection.close()


def a_long_poll_is_answered_by_the_next_append(broker):
    broker.create("polled")
    reader, writer = rig.Wire(broker.port), rig.Wire(broker.port)
    reader.send(wire.FETCH, 4, 7, wire.fetch("polled", 0, 0, wait_ms=9000))
    began = time.monotonic()
    writer.send(wire.PRODUCE, 3, 1, wire.produce("polled", 0, wire.batch(b"wake up")))
    assert wire.produce_answer(writer.receive())[1] == 0
    data = reader.receive()
    assert b"wake up" in data and time.monotonic() - began < 5, "the poll slept although there was something to read"


def an_empty_long_poll_waits_its_time(broker):
    broker.create("quiet")
    reader = rig.Wire(broker.port)
    began = time.monotonic()
    reader.send(wire.FETCH, 4, 7, wire.fetch("quiet", 0, 0, wait_ms=300))
    reader.receive()
    waited = time.monotonic() - began
    assert 0.29 < waited < 5, f"it waited {waited:.3f} s instead of 0.3"


def a_retry_of_an_idempotent_batch_is_stored_once_even_after_a_crash(broker):
    broker.create("once")
    first = wire.batch(b"a", b"b", producer=4711, epoch=0, sequence=0)
    second = wire.batch(b"c", producer=4711, epoch=0, sequence=2)

    def send(records):
        connection = rig.Wire(broker.port)
        connection.send(wire.PRODUCE, 3, 1, wire.produce("once", 0, records))
        answer = wire.produce_answer(connection.receive())
        connection.close()
        return answer[1:]

    assert send(first) == (0, 0)
    assert send(first) == (0, 0), "the retry got another offset"
    assert send(second) == (0, 2)
    broker.kill()
    broker.start()
    assert send(first) == (0, 0), "the window of five batches did not survive the crash"
    assert send(second) == (0, 2)
    assert send(wire.batch(b"gap", producer=4711, epoch=0, sequence=9))[0] == 45


def hostile_bytes_close_their_connection_and_nothing_else(broker):
    bystander = rig.Wire(broker.port)
    hostile = [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 40,
               wire.frame(wire.FETCH, 99, 1, b""), wire.frame(77, 0, 1, b""), wire.frame(wire.PRODUCE, 2, 1, b""), wire.frame(wire.METADATA, 4, 1, b"\x7f\xff\xff\xff"),
               wire.frame(wire.PRODUCE, 3, 1, b"\0"), struct.pack(">i", 3) + b"abc"]
    for number, data in enumerate(hostile):
        victim = rig.Wire(broker.port)
        victim.socket.sendall(data)
        assert victim.receive() is None, f"case {number}: it was answered"
        victim.close()
        bystander.send(wire.METADATA, 4, number, wire.metadata("bystander"))
        assert struct.unpack_from(">i", bystander.receive())[0] == number


def a_reader_that_leaves_in_the_middle_ends_its_connection_and_nothing_else(broker):
    broker.create("left")
    writer = rig.Wire(broker.port)
    records = wire.batch(bytes(1_000_000))
    for n in range(16):
        writer.send(wire.PRODUCE, 3, n, wire.produce("left", 0, records))
        assert wire.produce_answer(writer.receive())[1] == 0
    for _ in range(10):
        reader = rig.Wire(broker.port)
        reader.send(wire.FETCH, 4, 1, wire.fetch("left", 0, 0, max_bytes=64 << 20))
        assert reader.exactly(4), "the answer has begun"
        # The end of its requests first, then a reset, as what it did not read is thrown away: the broker now writes into a broken pipe.
        reader.socket.shutdown(socket.SHUT_WR)
        reader.close()
        writer.send(wire.METADATA, 4, 1, wire.metadata("left"))
        assert writer.receive(), "the broker is gone"


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmRSS"))


def rule_r19_memory_follows_bytes_received(broker):
    before = resident_bytes(broker.process.pid)
    held = []
    for _ in range(100):
        connection = rig.Wire(broker.port)
        connection.socket.sendall(struct.pack(">i", 100_000_000) + b"xx")  # 100 MB announced, two bytes sent
        held.append(connection)
    probe = rig.Wire(broker.port)
    probe.send(wire.METADATA, 4, 1, wire.metadata("bystander"))
    assert probe.receive()
    grown = resident_bytes(broker.process.pid) - before
    assert grown < 30_000_000, f"{grown} bytes more for 600 bytes received"
    for connection in held:
        connection.close()


def main():
    args = rig.arguments()
    checks = [check for name, check in globals().items() if callable(check) and getattr(check, "__module__", "") == "__main__" and
              name not in ("main", "resident_bytes")]
    rig.run_checks(args.tidelog, checks)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
