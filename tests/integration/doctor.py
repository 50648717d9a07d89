#!/usr/bin/env python3
"""`tidelog doctor` against brokers that are well, brokers that clients cannot use, and ports where no broker is."""
import http.server
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import rig

TIMEOUT = "2s"


def doctor(args, address, *words):
    done = subprocess.run([args.tidelog, "doctor", "-b", address, "--timeout", TIMEOUT, *words], capture_output=True, timeout=rig.seconds(60))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def checks(args, address):
    code, out, said = doctor(args, address, "--format", "json")
    told = json.loads(out)
    assert told["_command"] == "doctor" and not said, (out, said)
    return code, told["checks"]


def finds(args, address, *codes, hop=None):
    """Exactly these problems, each with a message and a hint; the same as text, three lines each."""
    code, told = checks(args, address)
    problems = [one for one in told if one["status"] == "error"]
    assert [one["code"] for one in problems] == list(codes), told
    assert code == (1 if codes else 0), (code, told)
    assert all(one["message"] and one["hint"] for one in problems), problems
    assert hop is None or all(one["hop"] == hop for one in problems), problems
    code, out, _ = doctor(args, address)
    lines = out.splitlines()
    for at, line in enumerate(lines):
        if line.startswith("error: "):
            assert lines[at + 1].startswith("  hint: ") and lines[at + 2].startswith("  code: "), out
    assert out.count("error: ") == len(codes), out
    return problems


def a_broker_that_is_well(args):
    with rig.Broker(args.tidelog) as broker:
        broker.create("well", 3)
        finds(args, broker.address)
        code, told = checks(args, broker.address)
        hops = [one["hop"] for one in told]
        assert code == 0 and hops[0] == "bootstrap" and hops[1].startswith("broker ") and hops[2] == "cluster", told
        assert all(one["status"] == "ok" and not one["code"] for one in told), told
        # A name with an address that nobody listens at is worth a word and no more.
        finds(args, f"localhost:{broker.port}")
        code, out, _ = doctor(args, broker.address)
        assert code == 0 and out.endswith("all well\n"), out
        # Before the broker in a list stands one that is not there: clients come in by the other.
        problems = finds(args, f"127.0.0.1:{rig.free_port()},{broker.address}", "CONNECTION_REFUSED", hop="bootstrap")
        assert len(problems) == 1


def a_topic_that_refuses_writes(args):
    with rig.Broker(args.tidelog) as broker:
        broker.create("strict", 2, "min.insync.replicas=2")
        problems = finds(args, broker.address, "NOT_ENOUGH_REPLICAS", hop="cluster")
        assert "strict-0, strict-1" in problems[0]["message"], problems


def own_address():
    """An address of this machine that is not loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # Nothing is sent.
            return probe.getsockname()[0]
        except OSError:
            return None


def addresses_that_lead_nowhere(args):
    closed = rig.free_port()
    for advertised, code in [(f"127.0.0.1:{closed}", "CONNECTION_REFUSED"), (f"no-such-host.invalid:{closed}", "NAME_NOT_FOUND")]:
        with rig.Broker(args.tidelog, f"advertised.listeners=PLAINTEXT://{advertised}") as broker:
            problems = finds(args, broker.address, code)
            assert problems[0]["hop"].startswith("broker ") and advertised in problems[0]["address"], problems
            assert "advertised.listeners" in problems[0]["hint"]


def loopback_to_everybody(args):
    address = own_address()
    if address is None or address.startswith("127."):
        print("skipped: this machine has no address but loopback")
        return
    with rig.Broker(args.tidelog) as broker:
        broker.stop()
        broker.options = (f"listeners=PLAINTEXT://0.0.0.0:{broker.port}", f"advertised.listeners=PLAINTEXT://localhost:{broker.port}")
        broker.start()
        problems = finds(args, f"{address}:{broker.port}", "ADVERTISED_LOOPBACK")
        assert "localhost" in problems[0]["message"] and address in problems[0]["message"], problems
        # From this machine itself it is as it should be.
        finds(args, broker.address)


def an_address_of_another_cluster(args):
    with rig.Broker(args.tidelog) as other:
        with rig.Broker(args.tidelog, f"advertised.listeners=PLAINTEXT://{other.address}") as broker:
            finds(args, broker.address, "WRONG_CLUSTER")
            finds(args, f"{other.address},{broker.address}", "WRONG_CLUSTER", hop="bootstrap")


class Server:
    """Accepts, and does with each connection what it is told; in threads of its own."""

    def __init__(self, handle):
        self.handle = handle
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.server.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            self.handle(connection)
        except OSError:
            pass
        finally:
            connection.close()


def ports_where_no_broker_is(args):
    finds(args, f"127.0.0.1:{rig.free_port()}", "CONNECTION_REFUSED", hop="bootstrap")
    finds(args, "no-such-host.invalid:9092", "NAME_NOT_FOUND", hop="bootstrap")
    with Server(lambda connection: None) as server:
        finds(args, server.address, "CLOSED_AT_ONCE")
    with Server(lambda connection: connection.recv(1)) as server:  # With a reset: what came is not read.
        finds(args, server.address, "CLOSED_AT_ONCE")
    def listen_only(connection):
        while connection.recv(4096):
            pass
    with Server(listen_only) as server:
        finds(args, server.address, "NO_ANSWER")
    def dribble(beginning):
        def serve(connection):
            request = next(frames(connection))
            connection.sendall(beginning.replace(b"NNNN", request[4:8]))
            listen_only(connection)
        return serve
    # An answer that came in part is a broker's; the same bytes under another number are not, nor is a length that no answer has.
    for beginning, code in [(b"\0\0\x02\0", "SLOW_ANSWER"), (b"\0\0\x02\0NNNN", "SLOW_ANSWER"), (b"\0\0\x02\0NNNN\0\0", "SLOW_ANSWER"),
                            (b"\0\0\x02\0\x7f\0\0\0\0\0", "BAD_ANSWER"), (b"\x7f\0\x02\0NNNN\0\0", "BAD_ANSWER")]:
        with Server(dribble(beginning)) as server:
            finds(args, server.address, code)
    def break_off(connection):
        connection.sendall(b"\0\0\x02\0" + next(frames(connection))[4:8])
    with Server(break_off) as server:
        finds(args, server.address, "BROKE_OFF")
    with Server(lambda connection: (connection.sendall(b"SSH-2.0-example\r\n"), connection.recv(4096))) as server:
        problems = finds(args, server.address, "OTHER_PROTOCOL")
        assert "SSH-2.0" in problems[0]["message"], problems
    with Server(lambda connection: (connection.recv(4096), connection.sendall(b"\0\0\0\x08\xff\xff\xff\xff\0\0\0\0"))) as server:
        finds(args, server.address, "BAD_ANSWER")


def ports_of_other_protocols(args, home):
    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    web.handle_error = lambda *_: None  # Who asks in other protocols does not wait for the end of the answer.
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        finds(args, "127.0.0.1:%d" % web.server_port, "SPEAKS_HTTP")
    finally:
        web.shutdown()
        web.server_close()
    pem = os.path.join(home, "throwaway.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", pem, "-out", pem + ".crt"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem + ".crt", pem)
    with Server(lambda connection: context.wrap_socket(connection, server_side=True).recv(1)) as server:
        finds(args, server.address, "SPEAKS_TLS")
    # One that says nothing to what is no TLS, as Java's do.
    def strict(connection):
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            context.wrap_socket(connection, server_side=True).recv(1)
    with Server(strict) as server:
        finds(args, server.address, "SPEAKS_TLS")


def an_address_of_another_broker(args):
    """Behind a forwarder that makes another number of the broker's: what is said about that broker leads to the one that is there."""
    number, other = (123456789).to_bytes(4, "big"), (123456790).to_bytes(4, "big")
    with rig.Broker(args.tidelog, "node.id=123456789") as broker:
        finds(args, broker.address)

        def forward(connection):
            with socket.create_connection(("127.0.0.1", broker.port)) as onward:
                while request := connection.recv(65536):
                    onward.sendall(request)
                    connection.sendall(onward.recv(65536).replace(number, other))
        with Server(forward) as server:
            finds(args, server.address, "WRONG_BROKER", hop="broker 123456790")


def frames(connection):
    stream = connection.makefile("rb")
    while size := stream.read(4):
        yield stream.read(int.from_bytes(size, "big"))


def answer(connection, request, body):
    connection.sendall((4 + len(body)).to_bytes(4, "big") + request[4:8] + body)


def old_versions(request, *keys):
    """ApiVersions of a broker that knows version 0 of it alone, and lists `keys` from 0 to 4."""
    if request[2:4] != b"\0\0":
        return b"\0\x23" + b"\0\0\0\0"  # UNSUPPORTED_VERSION
    return b"\0\0" + len(keys).to_bytes(4, "big") + b"".join(key.to_bytes(2, "big") + b"\0\0\0\4" for key in keys)


def a_broker_that_wants_a_login(args):
    """Answers ApiVersions, and SaslHandshake, and closes at anything else."""
    def handle(connection):
        for request in frames(connection):
            key = int.from_bytes(request[:2], "big")
            if key not in (17, 18):
                return
            mechanisms = b"\0\x21" + b"\0\0\0\2" + b"\0\5PLAIN" + b"\0\x0dSCRAM-SHA-256"
            answer(connection, request, mechanisms if key == 17 else old_versions(request, 3, 17, 18))
    with Server(handle) as server:
        problems = finds(args, server.address, "NEEDS_SASL")
        assert "PLAIN, SCRAM-SHA-256" in problems[0]["message"], problems


def listeners_that_serve_no_clients(args):
    def answers_with(*keys):
        return lambda connection: [answer(connection, request, old_versions(request, *keys)) for request in frames(connection)]
    with Server(answers_with(18, 52, 62)) as server:
        finds(args, server.address, "CONTROLLER_LISTENER")
    with Server(answers_with(18)) as server:
        finds(args, server.address, "UNSUPPORTED_VERSION")


def mistakes_of_the_command_line(args):
    for words in (["doctor", "-b", "a b"], ["doctor", "-b", ""], ["doctor", "--timeout", "soon"], ["doctor", "well"]):
        done = subprocess.run([args.tidelog, *words], capture_output=True, timeout=rig.seconds(60))
        assert done.returncode == 2 and b"  hint: " in done.stderr and not done.stdout, (words, done)


def main():
    args = rig.arguments()
    mistakes_of_the_command_line(args)
    ports_where_no_broker_is(args)
    with tempfile.TemporaryDirectory(prefix="tidelog-test-") as home:
        ports_of_other_protocols(args, home)
    a_broker_that_wants_a_login(args)
    listeners_that_serve_no_clients(args)
    a_broker_that_is_well(args)
    a_topic_that_refuses_writes(args)
    addresses_that_lead_nowhere(args)
    loopback_to_everybody(args)
    an_address_of_another_cluster(args)
    an_address_of_another_broker(args)
    print("the doctor knows them all")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
