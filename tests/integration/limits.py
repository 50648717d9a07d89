#!/usr/bin/env python3
"""Limits of one node that only a real process meets (docs/limits.md): each does what it says, says so in the log, and is counted at stop."""
import gzip
import os
import socket
import struct
import subprocess
import sys
import threading
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


def unlawful_names(count):
    """A Metadata request for topics that cannot be, version 4: none is made."""
    return struct.pack(">i", count) + b"".join(wire.text(f"n/{n}") for n in range(count)) + b"\0"


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

        victim.send(wire.METADATA, 4, 1, unlawful_names(1001))
        assert victim.receive() is None, "1,001 elements were served"
        modest.send(wire.METADATA, 4, 1, unlawful_names(1000))
        assert struct.unpack_from(">i", modest.receive())[0] == 1
        assert answers(bystander)
        assert broker.stop() == 0
        assert "max.request.elements: closed the connection from" in broker.said()


def one_request_lays_out_no_more_than_there_is_memory_for(args):
    """Each element may come to a kilobyte; two shards share a megabyte. Alone or not, nobody gets more than the pool."""
    options = ["memory.budget.bytes=4194304", "socket.request.max.bytes=1048576", "shards=2"]
    with rig.Broker(args.tidelog, *options) as broker:
        bystander, victim, modest = (rig.Wire(broker.port) for _ in range(3))
        victim.send(wire.METADATA, 4, 1, unlawful_names(2000))
        assert victim.receive() is None, "2,000 elements were laid out in a megabyte"
        modest.send(wire.METADATA, 4, 1, unlawful_names(300))
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


def what_one_request_may_ask_for_does_not_shrink_with_the_shards(args):
    with rig.Broker(args.tidelog, "shards=16") as broker:
        asking = rig.Wire(broker.port)
        for _ in range(2):
            asking.send(wire.METADATA, 4, 1, unlawful_names(20_000))
            assert struct.unpack_from(">i", asking.receive())[0] == 1
        assert broker.stop() == 0


def peak_megabytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:")) / 1024


def describe_configs(*resources):
    """Version 4, all keys with synonyms and documentation; a resource is (type, name)."""
    return wire.compact_array([struct.pack(">b", kind) + wire.compact_text(name) + b"\0\0" for kind, name in resources]) + b"\1\1\0"


def described(payload):
    """Of each resource its error and how many keys are told."""
    answer = wire.Answer(payload, flexible=True)
    answer.take("i")

    def synonym(one):
        one.text(), one.text(), one.take("b"), one.tags()

    def config(one):
        one.text(), one.text(), one.take("?"), one.take("b"), one.take("?"), one.items(synonym), one.take("b"), one.text(), one.tags()

    def result(one):
        error = one.take("h")
        one.text(), one.take("b"), one.text()
        count = len(one.items(config))
        one.tags()
        return error, count

    return answer.items(result)


def a_few_bytes_do_not_bring_all_configs_again_and_again(args):
    invalid_request, policy_violation, broker_type, group_type = 42, 44, 4, 32
    with rig.Broker(args.tidelog, "shards=1", "memory.budget.bytes=33554432", "socket.request.max.bytes=1048576") as broker:
        asking = rig.Wire(broker.port)
        before = peak_megabytes(broker.process.pid)
        asking.send(32, 4, 1, describe_configs(*[(broker_type, "1")] * 140), flexible=True)
        answer = asking.receive()
        assert answer is not None, "the answer had no room: a kilobyte asked for it"
        results = described(answer)
        assert results[0][0] == 0 and results[0][1] > 100, results[0]
        assert set(results[1:]) == {(invalid_request, 0)}, "the same configs were told twice"
        # Groups need not be there, so there is no end of different ones. The pool has 8 MB.
        asking.send(32, 4, 2, describe_configs(*((group_type, f"g{n}") for n in range(2000))), flexible=True)
        results = described(asking.receive())
        assert results[0][0] == 0 and results[-1] == (policy_violation, 0), (results[0], results[-1])
        grown = peak_megabytes(broker.process.pid) - before
        # A sanitizer keeps memory of its own.
        assert args.slowness > 1 or grown < 16, f"{grown:.0f} MB for what fits a pool of 8"
        assert broker.stop() == 0


def wide(topic, partitions, each):
    return struct.pack(">i", 1) + wire.text(topic) + wire.array([each(n) for n in range(partitions)])


def wide_requests_are_served_beside_deaf_readers(args):
    """Answers that nobody reads may have most of the pool for a while; who reads is neither closed nor kept waiting."""
    options = ["shards=1", "memory.budget.bytes=67108864", "socket.request.max.bytes=16000000", "max.connection.creation.rate=0"]
    with rig.Broker(args.tidelog, *options) as broker:
        broker.create("wide", 200, "durability=page-cache")
        batch = wire.batch(b"v")
        produce = struct.pack(">hhi", -1, -1, 10000) + wide("wide", 200, lambda n: struct.pack(">ii", n, len(batch)) + batch)
        fetch = struct.pack(">iiiib", -1, 0, 1, 1 << 20, 0) + wide("wide", 200, lambda n: struct.pack(">iqi", n, 0, 1 << 20))
        question = wire.frame(32, 1, 1, wire.array([struct.pack(">b", 4) + wire.text("1") + struct.pack(">i", -1)]) + b"\1")
        honest, deaf = rig.Wire(broker.port), []
        # Once, such a question had three quarters of the pool at once.
        for _ in range(3):
            deaf.append(rig.Wire(broker.port))
            deaf[-1].socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf[-1].send(32, 4, 1, describe_configs(*[(4, "1")] * 60), flexible=True)
            assert answers(rig.Wire(broker.port))
        began = time.monotonic()
        while time.monotonic() - began < 4:
            for _ in range(4):
                deaf.append(rig.Wire(broker.port))
                deaf[-1].socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf[-1].socket.sendall(question * 30)
            asked = time.monotonic()
            for key, version, body in ((wire.PRODUCE, 3, produce), (wire.FETCH, 4, fetch)):
                honest.send(key, version, len(deaf), body)
                answer = honest.receive()
                assert answer is not None, f"a wide request {key} was closed beside {len(deaf)} deaf readers"
                assert struct.unpack_from(">i", answer)[0] == len(deaf)
            took = time.monotonic() - asked
            assert took < rig.seconds(3), f"wide requests waited {took:.1f} s"
        assert broker.stop() == 0


def fetches_that_wait_for_records_make_room_for_others(args):
    """Twenty of them want more than the pool of answers has, and each for a minute."""
    options = ["shards=1", "memory.budget.bytes=67108864", "socket.request.max.bytes=16000000", "max.connection.creation.rate=0"]
    with rig.Broker(args.tidelog, *options) as broker:
        broker.create("wide", 900, "durability=page-cache")
        waiting = struct.pack(">iiiib", -1, 60_000, 1, 1 << 20, 0) + wide("wide", 900, lambda n: struct.pack(">iqi", n, 0, 1 << 20))
        idle = [rig.Wire(broker.port) for _ in range(20)]
        for connection in idle:
            connection.send(wire.FETCH, 4, 1, waiting)
        batch = wire.batch(b"v")
        # To a topic that nobody waits for.
        broker.create("other", 900, "durability=page-cache")
        produce = struct.pack(">hhi", -1, -1, 10000) + wide("other", 900, lambda n: struct.pack(">ii", n, len(batch)) + batch)
        honest = rig.Wire(broker.port)
        honest.socket.settimeout(rig.seconds(5))
        for number in range(10):
            honest.send(wire.PRODUCE, 3, number, produce)
            assert struct.unpack_from(">i", honest.receive())[0] == number
        assert broker.stop() == 0


def fetches_that_wait_keep_nothing_of_their_requests(args):
    """What a fetch was padded with was once kept as long as it waited: eighty of them had all memory for requests."""
    options = ["shards=1", "memory.budget.bytes=4194304", "socket.request.max.bytes=1048576", "max.connection.creation.rate=0"]
    with rig.Broker(args.tidelog, *options) as broker:
        broker.create("quiet")
        broker.create("busy")
        padded = wire.fetch("quiet", 0, 0, wait_ms=60_000) + bytes(20_000)
        waiting = [rig.Wire(broker.port) for _ in range(80)]
        for connection in waiting:
            connection.send(wire.FETCH, 4, 1, padded)
        honest = rig.Wire(broker.port)
        for number in range(10):
            honest.send(wire.PRODUCE, 3, number, wire.produce("busy", 0, wire.batch(b"x" * 20_000)))
            assert wire.produce_answer(honest.receive()) == (number, 0, number)
        honest.send(wire.PRODUCE, 3, 11, wire.produce("quiet", 0, wire.batch(b"v")))
        assert wire.produce_answer(honest.receive())[:2] == (11, 0)
        for connection in waiting:
            answer = connection.receive()
            assert answer is not None, "a fetch that waited was closed"
            error, size = wire.fetch_error(answer[4:])
            assert error == 0 and size > 0, "it was answered before there was a record"
        assert broker.stop() == 0


def bomb(size, claimed=0):
    """A keyed record of zeros of time 0, in a batch that opens to a thousand times its size and claims a time."""
    body = b"\0" + wire.zigzag(0) + wire.zigzag(0) + wire.zigzag(1) + b"k" + wire.zigzag(size) + bytes(size) + wire.zigzag(0)
    records = gzip.compress(wire.zigzag(len(body)) + body, 9)
    tail = struct.pack(">hiqqqhii", 1, 0, 0, claimed, -1, -1, -1, 1) + records
    return struct.pack(">qiib", 0, 9 + len(tail), -1, 2) + struct.pack(">I", wire.crc32c(tail)) + tail


def batches_that_open_to_much_leave_the_shard_to_others(args):
    partitions = 60
    with rig.Broker(args.tidelog, "shards=1") as broker:
        broker.create("compacted", partitions, "cleanup.policy=compact", "durability=page-cache")
        broker.create("plain", 1, "durability=page-cache")
        batch = bomb(15_000_000)
        request = struct.pack(">hhi", -1, -1, 60000) + wide("compacted", partitions, lambda n: struct.pack(">ii", n, len(batch)) + batch)
        attacker, bystander, keyed = (rig.Wire(broker.port) for _ in range(3))
        attacker.socket.settimeout(rig.seconds(60))
        took = []

        def attack():
            began = time.monotonic()
            attacker.send(wire.PRODUCE, 3, 1, request)
            attacker.receive()
            took.append(time.monotonic() - began)

        attacking = threading.Thread(target=attack)
        attacking.start()
        small, slowest = bomb(100), {}
        while not took:
            for connection, topic, records in ((bystander, "plain", wire.batch(b"v")), (keyed, "compacted", small)):
                asked = time.monotonic()
                connection.send(wire.PRODUCE, 3, 7, wire.produce(topic, 0, records))
                assert wire.produce_answer(connection.receive())[:2] == (7, 0)
                slowest[topic] = max(slowest.get(topic, 0), time.monotonic() - asked)
        attacking.join()
        # Whatever machine this is, what others wait for is one batch or two, not the sixty.
        for topic, waited in slowest.items():
            assert waited < took[0] / 8, f"{topic}: waited {waited:.2f} s of the {took[0]:.2f} s that the attack took"
        assert broker.stop() == 0


def greatest_time(topic, partitions):
    """ListOffsets -3, version 7."""
    asked = wire.compact_array([struct.pack(">iiq", n, -1, -3) + b"\0" for n in range(partitions)])
    return struct.pack(">ib", -1, 0) + wire.compact_array([wire.compact_text(topic) + asked + b"\0"]) + b"\0"


def looking_for_times_leaves_the_shard_to_others(args):
    """Batches that open to 15 MB and claim a later time than they have: none of them is opened on a loop, and a stop does not wait for all."""
    partitions, times = 8, 30
    with rig.Broker(args.tidelog, "shards=1") as broker:
        broker.create("bombs", partitions, "durability=page-cache")
        broker.create("plain")
        bystander, filling = rig.Wire(broker.port), rig.Wire(broker.port)
        bystander.socket.settimeout(rig.seconds(60))
        batch = bomb(15_000_000, claimed=1000)
        request = struct.pack(">hhi", -1, -1, 60000) + wide("bombs", partitions, lambda n: struct.pack(">ii", n, len(batch)) + batch)
        for _ in range(times):
            assert filling.call(wire.PRODUCE, 3, request)
        first_of_one = wire.list_offsets("bombs", 0, 500)
        answer = rig.Wire(broker.port)
        answer.socket.settimeout(rig.seconds(60))
        told = struct.unpack_from(">ihqq", answer.call(2, 1, first_of_one), 4 + 2 + len("bombs") + 4)
        assert told == (0, 0, 1000, 16), f"{told}: sixteen are opened in vain, then the header is believed"

        attackers = [rig.Wire(broker.port) for _ in range(10)]
        for attacker in attackers:
            attacker.send(2, 7, 1, greatest_time("bombs", partitions), flexible=True)
        slowest, began = 0, time.monotonic()
        while time.monotonic() - began < 2:
            asked = time.monotonic()
            assert answers(bystander)
            # Its sync has a thread as well.
            bystander.send(wire.PRODUCE, 3, 7, wire.produce("plain", 0, wire.batch(b"v")))
            assert wire.produce_answer(bystander.receive())[:2] == (7, 0)
            bystander.send(2, 1, 9, wire.list_offsets("plain", 0, -1))
            assert struct.unpack_from(">i", bystander.receive())[0] == 9
            slowest = max(slowest, time.monotonic() - asked)
        for attacker in attackers:
            attacker.socket.setblocking(False)
        still_asking = sum(1 for attacker in attackers if is_silent(attacker))
        assert still_asking, "the attack was over before it was looked at"
        began = time.monotonic()
        assert broker.stop() == 0
        stopping = time.monotonic() - began
        # Ten times 8 partitions of 16 batches each are minutes of opening.
        assert slowest < rig.seconds(1), f"a bystander waited {slowest:.2f} s"
        assert stopping < rig.seconds(5), f"the stop took {stopping:.1f} s"


def is_silent(connection):
    """Whether neither an answer nor an end came. For a connection that does not block."""
    try:
        connection.socket.recv(1, socket.MSG_PEEK)
        return False
    except BlockingIOError:
        return True


def a_trickle_into_a_large_request_costs_little(args):
    """While memory is scarce; each byte once moved the whole request there and back."""
    options = ["shards=1", "memory.budget.bytes=536870912", "socket.request.max.bytes=100000000"]
    with rig.Broker(args.tidelog, *options) as broker:
        bystander, trickling, *hogs = (rig.Wire(broker.port) for _ in range(6))
        half = struct.pack(">i", 99_000_000) + bytes(15_000_000)
        for hog in hogs:
            hog.socket.sendall(half)
        trickling.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        trickling.socket.sendall(half[:5_000_000])

        def trickle(pieces, size):
            before = cpu_seconds(broker.process.pid)
            for _ in range(pieces):
                trickling.socket.sendall(bytes(size))
                assert answers(bystander)  # so that pieces are read one by one
            return cpu_seconds(broker.process.pid) - before

        trickle(5000, 1000)  # whatever block it had, it has outgrown that in small steps
        used = trickle(500, 1)
        assert used < 0.5 * args.slowness, f"{used:.2f} s of processor time for 500 bytes"
        assert broker.stop() == 0


def main():
    args = rig.arguments()
    for check in (a_flood_leaves_descriptors_to_the_logs, a_full_broker_makes_place_for_who_comes_next,
                  idle_and_half_served_peers_leave_at_their_time, without_an_idle_limit_connections_stay, one_request_names_no_more_than_it_may,
                  one_request_lays_out_no_more_than_there_is_memory_for, who_is_refused_and_stays_is_told_and_counted_too,
                  what_one_request_may_ask_for_does_not_shrink_with_the_shards, a_few_bytes_do_not_bring_all_configs_again_and_again,
                  wide_requests_are_served_beside_deaf_readers, fetches_that_wait_for_records_make_room_for_others,
                  fetches_that_wait_keep_nothing_of_their_requests,
                  batches_that_open_to_much_leave_the_shard_to_others, looking_for_times_leaves_the_shard_to_others,
                  a_trickle_into_a_large_request_costs_little):
        check(args)
        print(f"ok {check.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
