#!/usr/bin/env python3
"""Limits of one node that only a real process meets (docs/limits.md): each does what it says, says so in the log, and is counted at stop."""
import gzip
import os
import struct
import subprocess
import sys
import time

import rig
import wire


def answers(connection, correlation=1):
    try:
        connection.send(wire.METADATA, 4, correlation, wire.metadata("bystander"))
        payload = connection.receive()
    except OSError:
        return False
    return payload is not None and struct.unpack_from(">i", payload)[0] == correlation


def connect_many(port, count):
    """Those that were accepted or wait for it; who is refused at once is left out."""
    held = []
    for _ in range(count):
        try:
            held.append(rig.Wire(port))
        except OSError:
            pass
    return held


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def a_flood_leaves_descriptors_to_the_logs(args):
    """F23: 256 descriptors and 400 connections. The bystander is served, segments roll, and waiting costs no processor time."""
    options = ["max.connection.creation.rate=0", "log.segment.bytes=1048576", "durability=page-cache"]
    with rig.Broker(args.tidelog, *options, under=("prlimit", "--nofile=256:256")) as broker:
        broker.create("bystander")
        bystander = rig.Wire(broker.port)
        assert answers(bystander)
        flood = connect_many(broker.port, 400)
        rig.until(lambda: "file descriptors:" in broker.said(), "the log says that descriptors ran out")
        before, began = cpu_seconds(broker.process.pid), time.monotonic()
        for number in range(40):
            bystander.send(wire.PRODUCE, 3, number, wire.produce("bystander", 0, wire.batch(b"x" * 200_000)))
            assert wire.produce_answer(bystander.receive()) == (number, 0, number), "the flood reached a log"
        segments = [name for name in os.listdir(os.path.join(broker.data, "bystander-0")) if name.endswith(".log")]
        assert len(segments) > 4, f"only {segments}: nothing rolled"
        rig.until(lambda: time.monotonic() - began > 1, "a second to watch")
        used = (cpu_seconds(broker.process.pid) - before) / (time.monotonic() - began)
        assert used < 0.8, f"{used:.2f} processors busy while nothing can be accepted"
        for connection in flood:
            connection.close()
        rig.until(lambda: answers(rig.Wire(broker.port)), "somebody new is served once the flood is gone")
        assert broker.stop() == 0


def a_full_broker_makes_place_for_who_comes_next(args):
    options = ["max.connections=20", "max.connection.creation.rate=0", "connections.max.idle.ms=2000"]
    with rig.Broker(args.tidelog, *options) as broker:
        held = connect_many(broker.port, 20)
        assert answers(held[0])

        def newcomer_is_served():
            assert answers(held[0]), "a client that is not idle lost its place"
            newcomer = rig.Wire(broker.port)
            served = answers(newcomer)
            newcomer.close()
            return served

        rig.until(newcomer_is_served, "a newcomer finds the place of an idle connection")
        assert broker.stop() == 0
        assert "max.connections: " in broker.said() and "limits that were met since the start: max.connections " in broker.said()


def idle_and_half_served_peers_leave_at_their_time(args):
    options = ["connections.max.idle.ms=500", "request.frame.timeout.ms=300", "max.connection.creation.rate=0"]
    with rig.Broker(args.tidelog, *options) as broker:
        idle, half, dribble = rig.Wire(broker.port), rig.Wire(broker.port), rig.Wire(broker.port)
        half.socket.sendall(struct.pack(">i", 1000) + b"half")
        whole = wire.frame(wire.METADATA, 4, 1, wire.metadata("bystander"))
        for byte in whole[:5]:
            dribble.socket.sendall(bytes([byte]))
        assert idle.receive() is None and half.receive() is None and dribble.receive() is None
        assert broker.stop() == 0
        said = broker.said()
        assert "connections.max.idle.ms: closed the connection from 127.0.0.1:" in said
        assert "request.frame.timeout.ms: closed the connection from 127.0.0.1:" in said
        assert "connections.max.idle.ms 1" in said and "request.frame.timeout.ms 2" in said, "the counts at stop are not true"


def without_an_idle_limit_connections_stay(args):
    with rig.Broker(args.tidelog, "connections.max.idle.ms=-1") as broker:
        connection = rig.Wire(broker.port)
        assert answers(connection)
        assert answers(rig.Wire(broker.port)) and answers(connection, 2)
        assert broker.stop() == 0


def one_request_names_no_more_than_it_may(args):
    with rig.Broker(args.tidelog, "max.request.elements=1000") as broker:
        bystander, victim, modest = (rig.Wire(broker.port) for _ in range(3))

        def names(count):
            return struct.pack(">i", count) + b"".join(wire.text(f"n/{n}") for n in range(count)) + b"\0"

        victim.send(wire.METADATA, 4, 1, names(1001))
        assert victim.receive() is None, "1,001 elements were served"
        modest.send(wire.METADATA, 4, 1, names(1000))
        assert struct.unpack_from(">i", modest.receive())[0] == 1
        assert answers(bystander)
        assert broker.stop() == 0
        assert "max.request.elements: closed the connection from" in broker.said()


def one_request_lays_out_no_more_than_there_is_memory_for(args):
    """Each element may come to a kilobyte; two shards share a megabyte. Alone or not, nobody gets more than the pool."""
    options = ["memory.budget.bytes=4194304", "socket.request.max.bytes=1048576", "shards=2"]
    with rig.Broker(args.tidelog, *options) as broker:
        bystander, victim, modest = (rig.Wire(broker.port) for _ in range(3))

        def names(count):
            return struct.pack(">i", count) + b"".join(wire.text(f"n/{n}") for n in range(count)) + b"\0"

        victim.send(wire.METADATA, 4, 1, names(1000))
        assert victim.receive() is None, "1,000 elements were laid out in half a megabyte"
        modest.send(wire.METADATA, 4, 1, names(300))
        assert struct.unpack_from(">i", modest.receive())[0] == 1
        assert answers(bystander)
        assert broker.stop() == 0
        assert "response.memory.bytes: closed the connection from" in broker.said()


def who_is_refused_and_stays_is_told_and_counted_too(args):
    with rig.Broker(args.tidelog, "message.max.bytes=10000", "shards=1") as broker:
        broker.create("plain")
        broker.create("opened", 1, "cleanup.policy=compact")
        connection = rig.Wire(broker.port)

        def produce(topic, records):
            connection.send(wire.PRODUCE, 3, 1, wire.produce(topic, 0, records))
            return wire.produce_answer(connection.receive())[1]

        assert produce("plain", wire.batch(b"x" * 10_001)) == 10
        # 17 MiB of nothing: the broker opens what goes to a compacted topic, up to 16 MiB.
        bomb = wire.batch(bytes(17 << 20), codec=1, compress=gzip.compress)
        assert len(bomb) < 100_000
        assert produce("opened", bomb) == 10, "the compressed size counts first"
        subprocess.run([args.tidelog, "config", "set", "max.message.bytes=1000000", "-b", broker.address, "--topic", "opened"], check=True)
        assert produce("opened", bomb) == 87
        many = struct.pack(">i", 1) + wire.text("many") + struct.pack(">ihii", 10_001, 1, 0, 0) + struct.pack(">i?", 10000, False)
        error = struct.unpack_from(">h", connection.call(19, 4, many), 4 + 4 + 2 + len("many"))[0]
        assert error == 44, error
        assert answers(connection), "the connection did not stay"
        assert broker.stop() == 0
        said = broker.said()
        assert "message.max.bytes: refused a batch from 127.0.0.1:" in said
        assert "max.decompressed.message.bytes: refused a batch from 127.0.0.1:" in said
        assert "size of one request: refused a request from 127.0.0.1:" in said
        assert "message.max.bytes 2" in said and "max.decompressed.message.bytes 1" in said, "the counts at stop are not true"


def main():
    args = rig.arguments()
    for check in (a_flood_leaves_descriptors_to_the_logs, a_full_broker_makes_place_for_who_comes_next,
                  idle_and_half_served_peers_leave_at_their_time, without_an_idle_limit_connections_stay, one_request_names_no_more_than_it_may,
                  one_request_lays_out_no_more_than_there_is_memory_for, who_is_refused_and_stays_is_told_and_counted_too):
        check(args)
        print(f"ok {check.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
