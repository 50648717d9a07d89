#!/usr/bin/env python3
"""A broker with several listeners: all serve, and a client is sent on to the address that belongs to the one it came by."""
import socket
import subprocess
import sys
import tempfile

import messages
import rig

APIS = messages.load()
NAMES = "listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,PLAIN:PLAINTEXT"


def ask(port, name, version, value):
    api = APIS[name]
    payload = api.encode(version, 1, value)
    with socket.create_connection(("127.0.0.1", port), rig.seconds(10)) as connection:
        connection.sendall(len(payload).to_bytes(4, "big") + payload)
        stream = connection.makefile("rb")
        size = stream.read(4)
        if len(size) < 4:
            raise ConnectionError("closed without an answer")
        return api.decode(version, stream.read(int.from_bytes(size, "big")))


def addresses(port):
    """Where a client that came to `port` is sent on to, by each answer that says so."""
    members = ask(port, "Metadata", 12, {"topics": []})["brokers"] + ask(port, "DescribeCluster", 1, {})["brokers"]
    return {(member["host"], member["port"]) for member in members}


def each_listener_has_its_own_address(args):
    inside, outside, plain = (rig.free_port() for _ in range(3))
    listeners = f"listeners=INSIDE://127.0.0.1:{inside},OUTSIDE://127.0.0.1:{outside},PLAIN://127.0.0.1:{plain}"
    advertised = f"advertised.listeners=OUTSIDE://broker.example:19092,INSIDE://localhost:{inside}"
    for shards in (1, 3):
        broker = rig.Broker(args.tidelog, listeners, advertised, NAMES, f"shards={shards}")
        broker.port, broker.address = inside, f"127.0.0.1:{inside}"
        with broker:
            for _ in range(4):  # By turns on every shard.
                assert addresses(inside) == {("localhost", inside)}
                assert addresses(outside) == {("broker.example", 19092)}
                assert addresses(plain) == {("127.0.0.1", plain)}, "of a listener without one, the address it was reached at"
            said = broker.said()
            assert f"serves on 127.0.0.1:{inside}, 127.0.0.1:{outside}, 127.0.0.1:{plain} with" in said and "warn" not in said, said
            assert broker.stop() == 0
            assert not any(map(rig.answers, (inside, outside, plain)))


def all_of_them_count_for_the_caps(args):
    one, two = rig.free_port(), rig.free_port()
    broker = rig.Broker(args.tidelog, f"listeners=INSIDE://127.0.0.1:{one},OUTSIDE://127.0.0.1:{two}", NAMES, "max.connections=2")
    broker.port, broker.address = one, f"127.0.0.1:{one}"
    with broker:
        rig.until(lambda: serves(one), "the connection of the look at the port has ended")
        with socket.create_connection(("127.0.0.1", one)), socket.create_connection(("127.0.0.1", two)):
            rig.until(lambda: not serves(two), "both listeners' connections are counted")
            assert "max.connections" in broker.said(), broker.said()


def an_ipv4_address_counts_once_by_whichever_socket_it_comes(args):
    if not socket.has_dualstack_ipv6():
        print("not tried: this machine has no IPv6")
        return
    one, two = rig.free_port(), rig.free_port()
    broker = rig.Broker(args.tidelog, f"listeners=INSIDE://127.0.0.1:{one},OUTSIDE://[::]:{two}", NAMES, "max.connections.per.ip=2")
    broker.port, broker.address = one, f"127.0.0.1:{one}"
    with broker:
        # Not before those that looked whether it is there have ended.
        held = [rig.until(lambda port=port: hold(port), "both listeners serve") for port in (one, two)]
        assert len(held) == 2 and not serves(one) and not serves(two), "the connections of both sockets are counted together"
        rig.until(lambda: "max.connections.per.ip" in broker.said(), "and it is told")
        assert "max.connections.per.ip: refused a connection from 127.0.0.1" in broker.said(), broker.said()


def hold(port):
    """A connection that was served and stays open; nothing if it was refused."""
    try:
        connection = rig.Wire(port)
        connection.send(18, 0, 1, b"")
        return connection if connection.receive() else None
    except OSError:
        return None


def serves(port):
    try:
        return bool(ask(port, "ApiVersions", 0, {}))
    except OSError:
        return False


def one_that_cannot_be_had_keeps_the_broker_from_serving(args):
    free = rig.free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with tempfile.TemporaryDirectory(prefix="tidelog-test-") as home:
            words = ["-o", f"log.dirs={home}/data", "-o", NAMES, "-o", f"listeners=INSIDE://127.0.0.1:{free},OUTSIDE://127.0.0.1:{port}"]
            done = subprocess.run([args.tidelog, "serve", *words], capture_output=True, text=True, timeout=rig.seconds(60))
    assert done.returncode == 1 and f"cannot listen on 127.0.0.1:{port}" in done.stderr and "hint:" in done.stderr, done


def main():
    args = rig.arguments()
    each_listener_has_its_own_address(args)
    all_of_them_count_for_the_caps(args)
    an_ipv4_address_counts_once_by_whichever_socket_it_comes(args)
    one_that_cannot_be_had_keeps_the_broker_from_serving(args)
    print("every listener serves")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
