"""What the integration tests share: a real broker process in a directory of its own, and waiting for conditions instead of sleeping."""
import argparse
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import sanitizers

# Below the range from which the kernel hands out client ports, so that no client owns the port while the broker is away.
PORTS = range(20000, 32000)

slowness = 1.0  # of the programs under test: what a sanitizer costs


def arguments(**more):
    global slowness
    parser = argparse.ArgumentParser()
    parser.add_argument("--tidelog", required=True)
    parser.add_argument("--tools", default=".")
    parser.add_argument("--slowness", type=float, default=slowness, help="how many times longer a deadline is; no expectation depends on it")
    for name, default in more.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    args = parser.parse_args()
    slowness = args.slowness
    return args


def seconds(usual):
    """A deadline for programs of the given slowness."""
    return usual * slowness


def run(main):
    """Runs a test to its end. Returns its exit status, which is a failure if a sanitizer said anything about any process of it."""
    with sanitizers.reports() as reports:
        try:
            status = main()
        finally:
            texts = list(reports.texts())
            sys.stderr.write("".join(f"---- a sanitizer said:\n{text}" for text in texts))
    return 1 if texts else status


def free_port():
    for port in random.sample(PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SystemExit("no free port")


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def until(condition, what, usual=30.0, pause=0.005):
    """Returns the first true value of `condition`; fails loudly when the time is over."""
    deadline = time.monotonic() + seconds(usual)
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(pause)  # between two looks, not instead of one
    raise AssertionError(f"did not happen within {seconds(usual)} s: {what}")


class Broker:
    """One `tidelog serve`. Ends with the test, whatever happens."""

    def __init__(self, tidelog, *options, under=()):
        self.tidelog, self.options = tidelog, options
        self.under = under  # a command that the broker runs under
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.home = tempfile.mkdtemp(prefix="tidelog-test-")
        self.data = os.path.join(self.home, "data")
        self.log = os.path.join(self.home, "log")
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind is not None:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                sys.stderr.write("---- the broker said:\n" + f.read()[-4000:])
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self):
        command = [*self.under, self.tidelog, "serve", "-o", f"listeners=PLAINTEXT://{self.address}", "-o", f"log.dirs={self.data}"]
        for option in self.options:
            command += ["-o", option]
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until(self.accepts, "the broker's port accepts", 60)

    def accepts(self):
        assert self.process.poll() is None, "the broker ended by itself"
        return answers(self.port)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds(30))

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def create(self, topic, partitions=1, *configs):
        command = [self.tidelog, "topic", "create", topic, "-b", self.address, "--partitions", str(partitions), "--replication-factor", "1"]
        for config in configs:
            command += ["-c", config]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Wire:
    """A connection that speaks raw frames, for what no client would send."""

    def __init__(self, port, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), seconds(10), (source, 0))
        self.socket.settimeout(seconds(10))

    def send(self, key, version, correlation, body, flexible=False, client=None):
        name = struct.pack(">h", -1) if client is None else struct.pack(">h", len(client)) + client.encode()
        header = struct.pack(">hhi", key, version, correlation) + name + (b"\0" if flexible else b"")
        self.socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)

    def receive(self):
        """One frame's payload; None if the broker closed."""
        size = self.exactly(4)
        return None if size is None else self.exactly(struct.unpack(">i", size)[0])

    def call(self, key, version, body, flexible=False, client=None):
        """The answer's body, behind its header."""
        self.send(key, version, 1, body, flexible, client)
        answer = self.receive()
        assert answer is not None, f"request {key} version {version} closed the connection"
        return answer[5 if flexible else 4:]

    def exactly(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionError:
                return None
            if not part:
                return None
            data += part
        return data

    def close(self):
        self.socket.close()


def run_checks(tidelog, checks, make=Broker):
    """Each check once against a broker of one shard and of three."""
    for shards in (1, 3):
        with make(tidelog, f"shards={shards}", "max.connection.creation.rate=10000") as broker:
            for check in checks:
                check(broker)
                print(f"ok {check.__name__} with {shards} shard(s)", flush=True)
            assert broker.stop() == 0
