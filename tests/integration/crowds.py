#!/usr/bin/env python3
"""Crowds of peers that only a real process meets (docs/limits.md): memory, deadlines and caps hold, and whoever stands by is served."""
import os
import resource
import select
import socket
import struct
import sys
import threading
import time

import rig
import wire

MEGABYTE = 1 << 20
CLIENTS = 1000


def memory(pid, which):
    """VmRSS or VmHWM in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(which + ":"))


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")


def sockets(pid):
    """How many the broker has open. Its peers cannot tell: what the kernel still holds for them comes before the end."""
    directory = f"/proc/{pid}/fd"
    count = 0
    for name in os.listdir(directory):
        try:
            count += os.readlink(os.path.join(directory, name)).startswith("socket:")
        except FileNotFoundError:
            pass
    return count


def dial(port, receive_buffer=0, source="127.0.0.1"):
    """A socket that does not block; None if the broker refused it at once."""
    peer = socket.socket()
    if receive_buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        peer.bind((source, 0))
        peer.connect(("127.0.0.1", port))
    except OSError:
        peer.close()
        return None
    peer.setblocking(False)
    return peer


def is_closed(peer, most=1 << 16):
    """Reads what is there; whether the broker closed."""
    try:
        while data := peer.recv(most):
            if len(data) < most:
                return False
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


class Crowd(list):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self:
            peer.close()

    def fill(self, count, port, receive_buffer=0, source="127.0.0.1"):
        for _ in range(count):
            peer = dial(port, receive_buffer, source)
            if peer is not None:
                self.append(peer)
        return self

    def drop_closed(self):
        for peer in [peer for peer in self if is_closed(peer)]:
            peer.close()
            self.remove(peer)


class Bystander(threading.Thread):
    """Somebody ordinary: produces a record and fetches it, again and again. Every request must succeed."""

    def __init__(self, broker):
        super().__init__(daemon=True)
        broker.create("bystander")
        self.connection = rig.Wire(broker.port, "127.0.9.9")
        self.latencies, self.failure, self.is_over = [], None, False

    def run(self):
        try:
            while not self.is_over:
                self.once(len(self.latencies))
        except Exception as error:  # noqa: BLE001  whatever it is, the test has to hear of it
            self.failure = error

    def once(self, number):
        began = time.monotonic()
        self.connection.send(wire.PRODUCE, 3, number, wire.produce("bystander", 0, wire.batch(b"record %d" % number)))
        assert wire.produce_answer(self.connection.receive()) == (number, 0, number)
        self.connection.send(wire.FETCH, 4, number, wire.fetch("bystander", 0, number))
        assert b"record %d" % number in self.connection.receive(), "the record is not there"
        self.latencies.append(time.monotonic() - began)

    def slowest(self, share, since=0):
        """The latency that this share of its rounds kept to."""
        rounds = sorted(self.latencies[since:])
        return rounds[min(len(rounds) - 1, int(share * len(rounds)))]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.is_over = True
        self.join()
        assert kind is not None or self.failure is None, f"the bystander was not served: {self.failure!r}"


def pump(crowd, payloads, usual):
    """Sends to everybody what is left for them, as fast as it is taken, for so long."""
    poll = select.poll()
    left = {peer.fileno(): (peer, memoryview(payload)) for peer, payload in zip(crowd, payloads)}
    for number in left:
        poll.register(number, select.POLLOUT)
    until = time.monotonic() + usual
    while left and time.monotonic() < until:
        for number, _ in poll.poll(100):
            peer, payload = left[number]
            try:
                payload = payload[peer.send(payload[:1 << 18]):]
            except BlockingIOError:
                continue
            except OSError:
                payload = payload[:0]
            left[number] = (peer, payload)
            if not payload:
                poll.unregister(number)
                del left[number]


def drop_from_cache(broker, topic):
    """What is on the disk is no longer in memory."""
    directory = os.path.join(broker.data, f"{topic}-0")
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), "rb") as f:
            os.fsync(f.fileno())
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def fill(broker, topic, batches, size):
    broker.create(topic)
    connection = rig.Wire(broker.port)
    produce = wire.produce(topic, 0, wire.batch(os.urandom(size)))
    for number in range(batches):
        connection.send(wire.PRODUCE, 3, number, produce)
        assert wire.produce_answer(connection.receive())[:2] == (number, 0)


def read_cold(broker, batches, failures):
    """Reads all of a topic that is not in memory, one batch after the other, as long as the broker is asked by others too."""
    try:
        connection = rig.Wire(broker.port, "127.0.9.8")
        for offset in range(batches):
            if offset % 8 == 0:
                drop_from_cache(broker, "cold")
            connection.send(wire.FETCH, 4, offset, wire.fetch("cold", 0, offset, max_bytes=4 * MEGABYTE))
            error, size = wire.fetch_error(connection.receive()[4:])
            assert error == 0 and size > 500_000
    except Exception as error:  # noqa: BLE001
        failures.append(f"cold reader: {error!r}")


def send_whole(broker, size, failures):
    """A few requests of the greatest size that do come whole; each is answered, or closed for want of memory."""
    try:
        # A Produce of no topic with much behind it; acks=all, or nobody would answer.
        whole = struct.pack(">i", size) + struct.pack(">hhih", wire.PRODUCE, 3, 1, -1) + struct.pack(">hhii", -1, -1, 1000, 0)
        whole += bytes(4 + size - len(whole))
        for _ in range(3):
            connection = rig.Wire(broker.port, "127.0.9.7")
            connection.socket.settimeout(rig.seconds(60))
            try:
                connection.socket.sendall(whole)
            except ConnectionError:
                continue
            connection.receive()
    except Exception as error:  # noqa: BLE001
        failures.append(f"whole request: {error!r}")


def a_small_machine_takes_a_thousand_clients_with_huge_requests(args):
    """F24: 256 MiB for everything, 1,000 clients that send requests of 100 MiB, and readers of what is not in memory."""
    budget, request, batches = 256 * MEGABYTE, 100 * MEGABYTE, 64
    options = [f"memory.budget.bytes={budget}", f"socket.request.max.bytes={request}", f"queued.max.request.bytes={request}",
               "max.connection.creation.rate=0", "max.connections.per.ip=2000", "request.frame.timeout.ms=6000", "durability=page-cache"]
    failures = []
    with rig.Broker(args.tidelog, *options) as broker:
        fill(broker, "cold", batches, 900_000)
        forget_peak(broker.process.pid)
        with Bystander(broker) as bystander, Crowd().fill(CLIENTS, broker.port) as crowd:
            beside = [threading.Thread(target=read_cold, args=(broker, batches, failures)),
                      threading.Thread(target=send_whole, args=(broker, request, failures))]
            for thread in beside:
                thread.start()
            head = struct.pack(">i", request) + struct.pack(">hhih", wire.PRODUCE, 3, 1, -1)
            body = memoryview(head + bytes(request))[:request]  # all but the last bytes, shared by everybody
            pump(crowd, [body] * len(crowd), rig.seconds(6))
            for thread in beside:
                thread.join()
            peak = memory(broker.process.pid, "VmHWM")
        assert not failures, failures
        # A sanitizer keeps memory of its own.
        assert rig.slowness > 1 or peak <= budget * 1.1, f"{peak / MEGABYTE:.0f} MiB at the peak"
        assert len(bystander.latencies) > 20
        assert broker.stop() == 0
        assert "queued.max.request.bytes: " in broker.said()
        print(f"   peak {peak / MEGABYTE:.0f} MiB of {budget / MEGABYTE:.0f}, bystander {len(bystander.latencies)} rounds, "
              f"99 of 100 within {bystander.slowest(0.99) * 1000:.0f} ms", flush=True)


def slow_and_deaf_readers_go_at_their_deadline(args):
    """F25: 1,000 readers of 1 KiB a second, and writers that read nothing of what they are answered."""
    options = ["response.write.timeout.ms=2000", "memory.budget.bytes=536870912", "max.connection.creation.rate=0", "max.connections.per.ip=2000",
               "durability=page-cache", "shards=1"]
    with rig.Broker(args.tidelog, *options) as broker:
        fill(broker, "tall", 16, 900_000)
        with Bystander(broker) as bystander:
            rig.until(lambda: len(bystander.latencies) > 300, "some rounds in peace")
            quiet, rounds = bystander.slowest(0.99), len(bystander.latencies)
            before, alone = memory(broker.process.pid, "VmRSS"), sockets(broker.process.pid)
            with Crowd().fill(CLIENTS, broker.port, 4096) as readers, Crowd().fill(50, broker.port, 4096, "127.0.0.2") as deaf:
                # More than the kernel keeps for a connection: the broker has to hold the rest, or let go.
                asks = b"".join(wire.frame(wire.FETCH, 4, n, wire.fetch("tall", 0, 0, max_bytes=14 * MEGABYTE)) for n in range(4))
                pump(readers, [asks] * len(readers), rig.seconds(5))
                rig.until(lambda: sockets(broker.process.pid) >= alone + len(readers), "the readers are served")
                slow = memory(broker.process.pid, "VmRSS") - before
                writes = b"".join(wire.frame(wire.METADATA, 4, n, wire.metadata("tall")) for n in range(20_000))
                pump(deaf, [writes] * len(deaf), rig.seconds(1))
                peaks = []

                def all_are_gone():
                    began = time.monotonic()
                    for peer in readers:
                        try:
                            peer.recv(1024)
                        except OSError:
                            pass
                    peaks.append(memory(broker.process.pid, "VmRSS"))
                    rig.until(lambda: time.monotonic() - began > 1, "a second for each KiB", pause=0.05)
                    return sockets(broker.process.pid) <= alone

                rig.until(all_are_gone, "every reader that is too slow was closed", 20)
            noisy = bystander.slowest(0.99, rounds)
        grown = max(peaks) - before
        # Records lie in the file, so their readers cost next to nothing; answers that are made share one pool, a quarter of the budget.
        assert rig.slowness > 1 or slow < 48 * MEGABYTE, f"{CLIENTS} slow readers cost {slow / MEGABYTE:.0f} MiB"
        assert rig.slowness > 1 or grown < (128 + 48) * MEGABYTE, f"slow and deaf readers cost {grown / MEGABYTE:.0f} MiB"
        assert noisy < max(2 * quiet, rig.seconds(0.25)), f"the bystander took {noisy:.3f} s, and {quiet:.3f} s in peace"
        assert broker.stop() == 0
        assert "response.write.timeout.ms: " in broker.said()
        print(f"   {slow / MEGABYTE:.0f} MiB for slow readers, {grown / MEGABYTE:.0f} with deaf ones, bystander 99 of 100 within {noisy * 1000:.1f} ms (in peace {quiet * 1000:.1f} ms)", flush=True)


def storms_and_crowds_meet_the_caps(args):
    """F26: connections as fast as they can be made, 20,000 that do nothing, beginnings of frames and of TLS handshakes."""
    most = 2000
    options = [f"max.connections={most}", "max.connections.per.ip=1500", "max.connection.creation.rate=200", "request.frame.timeout.ms=1500", "shards=1"]
    with rig.Broker(args.tidelog, *options) as broker:
        with Bystander(broker) as bystander:
            began, dialled = time.monotonic(), 0
            while time.monotonic() - began < 2:
                with Crowd().fill(50, broker.port, source="127.0.5.1") as storm:
                    dialled += len(storm)
            rig.until(lambda: "max.connection.creation.rate: " in broker.said(), "the storm met the rate of its address")

            with Crowd() as begun:
                for third in range(3):  # within the rate of each address
                    begun.fill(150, broker.port, source=f"127.0.6.{third + 1}")
                for peer, beginning in zip(begun, (b"\x16\x03\x01", b"\0\0\x10\0half a frame", b"\0") * 150):
                    peer.send(beginning)
                count, deadline = len(begun), time.monotonic()
                rig.until(lambda: begun.drop_closed() or not begun, f"{count} half-served peers went", 10)
                waited = time.monotonic() - deadline
            assert "request.frame.timeout.ms: " in broker.said()

            before = memory(broker.process.pid, "VmRSS")
            with Crowd() as idle:
                for address in range(200):
                    idle.fill(100, broker.port, source=f"127.0.7.{address + 1}")
                    idle.drop_closed()
                rig.until(lambda: idle.drop_closed() or len(idle) < most, f"no more than {most} stay, {len(idle)} do", 10)
                grown = memory(broker.process.pid, "VmRSS") - before
                rig.until(lambda: len(bystander.latencies) > 0 and bystander.failure is None, "the bystander is still there")
                assert len(idle) > most * 9 // 10, f"only {len(idle)} of 20,000 stayed, and {most} may"
            assert rig.slowness > 1 or grown < 64 * MEGABYTE, f"{most} idle connections cost {grown / MEGABYTE:.0f} MiB"
        assert broker.stop() == 0
        assert "max.connections: " in broker.said()
        print(f"   {dialled} connections in 2 s, half-served ones gone after {waited:.1f} s, {most} idle ones cost {grown / MEGABYTE:.0f} MiB", flush=True)


def everybody_behind_one_address_may_come_back_at_once(args):
    """Clients that share an address lose their connections together, as when the broker starts again: with limits as they come, each finds its place."""
    with rig.Broker(args.tidelog) as broker, Crowd().fill(CLIENTS, broker.port, source="127.0.8.1") as crowd:
        ask = wire.frame(wire.METADATA, 4, 1, wire.metadata("nothing"))
        for peer in crowd:
            peer.send(ask)
        waiting = list(crowd)

        def are_answered():
            waiting[:] = [peer for peer in waiting if not is_answered(peer)]
            return not waiting

        rig.until(are_answered, f"{CLIENTS} clients of one address are served")


def is_answered(peer):
    try:
        assert peer.recv(4096), "a client was refused"
        return True
    except BlockingIOError:
        return False


def producer_ids_that_are_used_once_are_forgotten(args):
    """F28: a new producer id for every batch. What a log remembers of them has an end, and who goes on producing is not forgotten."""
    rounds = (104_000, 40_000)  # at first more than the 100,000 that a log remembers
    with rig.Broker(args.tidelog, "durability=page-cache", "shards=1") as broker:
        broker.create("churn")
        faithful, churner = rig.Wire(broker.port), rig.Wire(broker.port)
        sequence, sizes = 0, []

        def go_on():
            """The faithful producer's next batch, and a retry of it, which is known as one."""
            nonlocal sequence
            offsets = []
            for _ in range(2):
                faithful.send(wire.PRODUCE, 3, 1, wire.produce("churn", 0, wire.batch(b"f", producer=1, epoch=0, sequence=sequence)))
                _, error, offset = wire.produce_answer(faithful.receive())
                assert error == 0, error
                offsets.append(offset)
            assert offsets[0] == offsets[1], "a retry was stored again"
            sequence += 1

        next_id = 1000
        for count in rounds:
            for first in range(0, count, 500):
                ids = range(next_id, next_id + 500)
                next_id += 500
                churner.socket.sendall(b"".join(
                    wire.frame(wire.PRODUCE, 3, n, wire.produce("churn", 0, wire.batch(b"c", producer=n, epoch=0, sequence=0))) for n in ids))
                for n in ids:
                    assert wire.produce_answer(churner.receive())[:2] == (n, 0)
                if first % 50_000 == 0:
                    go_on()
            sizes.append(memory(broker.process.pid, "VmRSS"))
        assert rig.slowness > 1 or sizes[1] - sizes[0] < 5 * MEGABYTE, f"another {rounds[1]} producers cost {(sizes[1] - sizes[0]) / MEGABYTE:.0f} MiB"
        assert broker.stop() == 0
        print(f"   {sizes[0] / MEGABYTE:.0f} MiB after {rounds[0]} producers, {sizes[1] / MEGABYTE:.0f} MiB after {sum(rounds)}", flush=True)


def main():
    args = rig.arguments()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for check in (a_small_machine_takes_a_thousand_clients_with_huge_requests, slow_and_deaf_readers_go_at_their_deadline,
                  storms_and_crowds_meet_the_caps, everybody_behind_one_address_may_come_back_at_once, producer_ids_that_are_used_once_are_forgotten):
        began = time.monotonic()
        check(args)
        print(f"ok {check.__name__} in {time.monotonic() - began:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
