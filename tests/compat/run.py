#!/usr/bin/env python3
"""Kafka clients by others against a fresh broker: each writes the same lines, each reads what every other wrote, byte for byte and in order.

usage: tests/compat/run.py [CLIENT...]     all of them if none is named; tidelog (our own) and kcat are always there

| client           | from                       | writes                       | reads                         |
|------------------|----------------------------|------------------------------|-------------------------------|
| tidelog          | this tree                  | none gzip snappy lz4 zstd    | yes                           |
| kcat             | Debian (librdkafka)        | none gzip snappy lz4 zstd    | yes                           |
| confluent-kafka  | PyPI (librdkafka, newer)   | none gzip snappy lz4 zstd    | yes                           |
| kafka-python     | PyPI                       | none gzip snappy lz4 zstd    | yes                           |
| kafkajs          | npm                        | none gzip                    | no: it reads in groups only   |
| franz-go         | Go module                  | none gzip snappy lz4 zstd    | yes                           |
| java             | Maven Central              | none gzip snappy lz4 zstd    | yes                           |

What is fetched is kept below build/compat. A client whose tools are missing fails, and the line says what to install. The last line is
N passed, N failed. CONFORM=PROGRAM runs a conformance runner instead, as `PROGRAM run HOST:PORT --level LEVEL` (CONFORM_LEVEL, else single)."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests" / "compat"
BUILD = ROOT / "build" / "compat"
TIDELOG = ROOT / "build" / "release" / "tidelog"
LINES = 2000
SECONDS = 180  # of one client writing or reading everything
INSTALL_SECONDS = 900
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
# kafka-python takes its codecs from the rest.
PACKAGES = ("confluent-kafka==2.16.1", "kafka-python==3.0.12", "python-snappy==0.7.3", "lz4==4.4.5", "zstandard==0.25.0")

sys.path.insert(0, str(ROOT / "tests" / "integration"))
import rig  # noqa: E402


class Missing(Exception):
    """A client cannot be had; the text says what to install."""


def run(command, **more):
    """Runs to the end; what it said is the error if it fails."""
    done = subprocess.run([str(part) for part in command], stdin=more.pop("stdin", subprocess.DEVNULL), stderr=subprocess.PIPE,
                          stdout=more.pop("stdout", subprocess.PIPE), timeout=more.pop("seconds", SECONDS), check=False, **more)
    if done.returncode != 0:
        said = ((done.stderr or b"") + (done.stdout or b"")).decode(errors="replace").strip()
        raise RuntimeError(f"{Path(str(command[0])).name} ended with {done.returncode}: {said[-1500:]}")


def need(tool, hint):
    if shutil.which(tool) is None:
        raise Missing(f"{tool} is not on the path: {hint}")
    return tool


class Client:
    """`produce` writes the lines of a file to topics, `consume` reads topics into a folder, a file for each."""
    codecs = CODECS
    reads = True

    def install(self):
        pass

    def command(self, action, address, where, targets):
        raise NotImplementedError

    def produce(self, address, lines, targets):
        run(self.command("produce", address, lines, [f"{topic}:{codec}" for topic, codec in targets]), **self.options())

    def consume(self, address, folder, topics):
        run(self.command("consume", address, folder, topics), **self.options())

    def options(self):
        return {}


class Tidelog(Client):
    name = "tidelog"

    def produce(self, address, lines, targets):
        for topic, codec in targets:
            with open(lines, "rb") as stdin:
                run([TIDELOG, "produce", topic, "-b", address, "-z", codec], stdin=stdin)

    def consume(self, address, folder, topics):
        for topic in topics:
            with open(folder / topic, "wb") as out:
                run([TIDELOG, "consume", topic, "-b", address, "-o", "start:end", "--raw"], stdout=out)


class Kcat(Client):
    name = "kcat"

    def install(self):
        need("kcat", "deploy/packages.sh test")

    def produce(self, address, lines, targets):
        for topic, codec in targets:
            with open(lines, "rb") as stdin:
                run(["kcat", "-q", "-b", address, "-P", "-t", topic, "-p", "0", "-z", codec, "-X", "acks=all", "-X", "enable.idempotence=true"], stdin=stdin)

    def consume(self, address, folder, topics):
        for topic in topics:
            with open(folder / topic, "wb") as out:
                run(["kcat", "-q", "-b", address, "-C", "-t", topic, "-o", "beginning", "-e"], stdout=out)


class Python(Client):
    """A client from PyPI, in a virtual environment that all of them share."""
    script = ""
    environment = BUILD / "python"

    def install(self):
        stamp = self.environment / "installed"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == "\n".join(PACKAGES):
            return
        need("python3", "apt-get install python3 python3-venv")
        try:
            run([sys.executable, "-m", "venv", "--clear", self.environment], seconds=INSTALL_SECONDS)
        except RuntimeError as error:
            raise Missing(f"no virtual environment could be made: apt-get install python3-venv ({error})") from error
        run([self.environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES], seconds=INSTALL_SECONDS)
        stamp.write_text("\n".join(PACKAGES), encoding="utf-8")

    def command(self, action, address, where, targets):
        return [self.environment / "bin" / "python", HERE / "python" / self.script, action, address, where, *targets]


class Confluent(Python):
    name, script = "confluent-kafka", "confluent.py"


class KafkaPython(Python):
    name, script = "kafka-python", "kafka_python.py"


class KafkaJs(Client):
    name, codecs, reads = "kafkajs", ("none", "gzip"), False
    home = BUILD / "kafkajs"

    def install(self):
        need("node", "Node.js 18 or newer, for example apt-get install nodejs npm")
        need("npm", "apt-get install npm")
        self.home.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "client.js"):
            shutil.copy(HERE / "kafkajs" / file, self.home / file)
        run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"], cwd=self.home, seconds=INSTALL_SECONDS)

    def command(self, action, address, where, targets):
        return ["node", self.home / "client.js", action, address, where, *targets]

    def options(self):
        return {"env": {**os.environ, "KAFKAJS_NO_PARTITIONER_WARNING": "1"}}


class FranzGo(Client):
    name = "franz-go"
    program = BUILD / "franz-go"

    def install(self):
        need("go", "Go 1.26 or newer from https://go.dev/dl (Debian 12 has an older one)")
        run(["go", "build", "-o", self.program, "."], cwd=HERE / "franz-go", seconds=INSTALL_SECONDS)

    def command(self, action, address, where, targets):
        return [self.program, action, address, where, *targets]


class Java(Client):
    name = "java"
    home = BUILD / "java"

    def install(self):
        need("java", "apt-get install openjdk-17-jdk-headless")
        need("mvn", "apt-get install maven")
        run(["mvn", "-q", "-B", "-f", HERE / "java" / "pom.xml", f"-Dcompat.build={self.home}", "compile", "dependency:copy-dependencies",
             f"-DoutputDirectory={self.home}/libs"], seconds=INSTALL_SECONDS)

    def command(self, action, address, where, targets):
        return ["java", "-cp", f"{self.home}/classes:{self.home}/libs/*", "Client", action, address, where, *targets]


CLIENTS = (Tidelog(), Kcat(), Confluent(), KafkaPython(), KafkaJs(), FranzGo(), Java())
ALWAYS = ("tidelog", "kcat")


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, action):
        """Runs `action`; true if it went well. One line either way."""
        try:
            action()
        except (Missing, RuntimeError, AssertionError, OSError, subprocess.TimeoutExpired) as error:
            self.failed += 1
            print(f"FAIL  {name}: {error}", flush=True)
            return False
        self.passed += 1
        print(f"ok    {name}", flush=True)
        return True


def topic_of(writer, codec):
    return f"compat-{writer.name}-{codec}"


def write_all(clients, broker, lines, tally):
    """Returns the topics that were written, with who wrote them."""
    written = []
    for writer in clients:
        targets = [(topic_of(writer, codec), codec) for codec in writer.codecs]
        for topic, _ in targets:
            broker.create(topic)
        if tally.check(f"{writer.name} writes {LINES} lines with {' '.join(writer.codecs)}", lambda w=writer, t=targets: w.produce(broker.address, lines, t)):
            written += [topic for topic, _ in targets]
    return written


def read_all(clients, broker, lines, written, tally):
    wanted = lines.read_bytes()
    for reader in clients:
        if not reader.reads:
            continue
        folder = lines.parent / reader.name
        folder.mkdir()
        if not tally.check(f"{reader.name} reads {len(written)} topics", lambda r=reader, f=folder: r.consume(broker.address, f, written)):
            continue
        for topic in written:
            def same(path=folder / topic):
                assert path.read_bytes() == wanted, f"other bytes than were sent: see {path}"
            tally.check(f"{reader.name} got the lines of {topic}", same)


def keeps_keys_and_headers(broker):
    broker.create("compat-headers")
    pipe = subprocess.run(["kcat", "-q", "-b", broker.address, "-P", "-t", "compat-headers", "-K:", "-H", "name=tide"], input=b"key:value\n",
                          timeout=SECONDS, check=True)
    assert pipe.returncode == 0
    got = subprocess.run(["kcat", "-q", "-b", broker.address, "-C", "-t", "compat-headers", "-o", "beginning", "-e", "-f", "%k %s %h\\n"],
                         stdout=subprocess.PIPE, timeout=SECONDS, check=True).stdout
    assert got == b"key value name=tide\n", got


def main():
    unknown = set(sys.argv[1:]) - {client.name for client in CLIENTS}
    if unknown or not TIDELOG.exists():
        sys.exit(f"compat: no such client: {' '.join(sorted(unknown))}" if unknown else f"compat: {TIDELOG} is missing: make build")
    chosen = [client for client in CLIENTS if len(sys.argv) == 1 or client.name in (*sys.argv[1:], *ALWAYS)]
    BUILD.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    with rig.Broker(str(TIDELOG)) as broker:
        if "CONFORM" in os.environ:
            sys.exit(subprocess.call([os.environ["CONFORM"], "run", broker.address, "--level", os.environ.get("CONFORM_LEVEL", "single")]))
        there = [client for client in chosen if tally.check(f"{client.name} is there", client.install)]
        work = BUILD / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        lines = work / "lines"
        with open(lines, "wb") as out:
            run([ROOT / "deploy" / "make-log-lines.sh", LINES], stdout=out)
        written = write_all(there, broker, lines, tally)
        read_all(there, broker, lines, written, tally)
        if any(client.name == "kcat" for client in there):
            tally.check("kcat gets keys and headers back", lambda: keeps_keys_and_headers(broker))
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
