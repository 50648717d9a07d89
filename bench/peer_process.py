"""A broker that a benchmark starts, kills and starts again, and what the kernel says of it."""
import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATIENCE_SECONDS = 600  # for a start, a stop and a recovery; whoever needs more ends the benchmark


class Trouble(Exception):
    """Why there is no figure."""


def setting(name, otherwise):
    """A knob of the environment; its kind is that of the default."""
    text = os.environ.get(name, "")
    return type(otherwise)(text) if text else otherwise


class Settings:
    """What all benchmarks of this kind share; the names are those of bench/peers.sh."""

    def __init__(self):
        self.build_dir = setting("BUILD_DIR", "build/release")
        self.data_dir = os.path.join(ROOT, setting("BENCH_DATA", "build/bench-data"))
        self.port = setting("PORT", 29610)
        self.kafka_port = setting("KAFKA_PORT", 29620)
        self.broker_cpu = setting("BROKER_CPU", 0)
        self.load_cpu = setting("LOAD_CPU", 1)
        self.tidelog = os.path.join(ROOT, setting("TIDELOG", f"{self.build_dir}/tidelog"))
        self.load = os.path.join(ROOT, setting("LOAD", f"{self.build_dir}/bench/tidelog-load"))
        self.kafka_peer = setting("KAFKA_PEER", "")
        self.peers = [peer for peer in setting("PEERS", "tidelog kafka").split() if peer != "kafka" or self.kafka_peer]

    def make(self, name):
        return {"tidelog": Tidelog, "kafka": Kafka}[name](self)

    def check(self):
        if not self.peers or not set(self.peers) <= {"tidelog", "kafka"}:
            raise Trouble(f"PEERS are tidelog and kafka (with KAFKA_PEER), not {self.peers}")
        for program in (self.load, *([self.tidelog] if "tidelog" in self.peers else [])):
            if not os.access(program, os.X_OK):
                raise Trouble(f"{program} is not built (make build, cmake --build build/release --target bench_programs)")
        for port in (self.port, self.kafka_port):
            if accepts(port):
                raise Trouble(f"something listens on port {port} already: it would be measured instead")

    def run_load(self, *arguments):
        """The load generator, to its end; what it printed."""
        done = subprocess.run([self.load, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Trouble(f"tidelog-load {' '.join(map(str, arguments))} failed: {done.stdout or 'see above'}")
        return done.stdout


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    except OSError:
        return False


@contextlib.contextmanager
def on_cpu(cpu):
    """What is started inside stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def is_alive(pid):
    """A zombie is dead: nobody may be there to bury a process whose parent ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def await_end(pid):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while is_alive(pid):
        if time.monotonic() > deadline:
            raise Trouble(f"process {pid} does not end")
        time.sleep(0.01)


class Process:
    """What the kernel says of a process."""

    def __init__(self, pid):
        self.folder = f"/proc/{pid}"

    def fields(self, name):
        with open(f"{self.folder}/{name}", encoding="utf-8") as file:
            return dict(line.split(":", 1) for line in file if ":" in line)

    def memory_bytes(self, key="VmRSS"):
        return int(self.fields("status")[key].split()[0]) * 1024

    def bytes_read(self):
        """By read calls of every kind, from the page cache or the disk; not from mapped files and not from sockets by recv."""
        return int(self.fields("io")["rchar"])

    def cpu_seconds(self):
        with open(f"{self.folder}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self):
        """Where its descriptors lead."""
        found = []
        for name in os.listdir(f"{self.folder}/fd"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found.append(os.readlink(f"{self.folder}/fd/{name}"))
        return found

    def mapped_files(self):
        with open(f"{self.folder}/maps", encoding="utf-8", errors="replace") as file:
            return [line.split(maxsplit=5)[5].rstrip("\n") for line in file if "/" in line]


class Tidelog:
    """`tidelog serve` in a folder of its own, which it keeps from start to start until `remove`."""
    name = "tidelog"

    def __init__(self, settings):
        self.settings, self.port = settings, settings.port
        self.data = os.path.join(settings.data_dir, "tidelog")
        self.log = os.path.join(settings.data_dir, "tidelog.log")
        self.options = {}  # Over the usual ones.
        self.process = None
        self.log_mark = 0

    def prepare(self):
        """A fresh, empty one, not started."""
        shutil.rmtree(self.data, ignore_errors=True)
        os.makedirs(self.data)
        with open(self.log, "wb"):
            pass

    def spawn(self):
        where = f"PLAINTEXT://127.0.0.1:{self.port}"
        command = [self.settings.tidelog, "serve"]
        more = (f"{key}={value}" for key, value in self.options.items())
        for option in (f"listeners={where}", f"advertised.listeners={where}", f"log.dirs={self.data}", "log.level=info", *more):
            command += ["-o", option]
        with open(self.log, "ab") as out, on_cpu(self.settings.broker_cpu):
            self.log_mark = out.tell()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def spawned(self):
        """After the broker answered: its start is over."""

    @property
    def pid(self):
        return self.process.pid

    def check_alive(self):
        if self.process.poll() is not None:
            raise Trouble(f"tidelog ended while starting, with {self.process.returncode}: see {self.log}")

    def said(self):
        """Since it was last started."""
        with open(self.log, encoding="utf-8", errors="replace") as file:
            file.seek(self.log_mark)
            return file.read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE_SECONDS)
        if status != 0:
            raise Trouble(f"tidelog stopped with {status}: see {self.log}")

    def folders_of(self, topic):
        return glob.glob(os.path.join(glob.escape(self.data), f"{topic}-*"))

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.data, ignore_errors=True)


class Kafka:
    """Apache Kafka as the executable KAFKA_PEER runs it: start, restart, stop; node 1 has its pid, log and data below DIR/1."""
    name = "kafka"

    def __init__(self, settings):
        self.settings, self.port = settings, settings.kafka_port
        self.home = os.path.join(settings.data_dir, "kafka")
        self.log = os.path.join(self.home, "1", "log")
        self.data = os.path.join(self.home, "1", "data")
        self.options = {}  # Over the usual ones.
        self.script = None

    def call(self, *arguments):
        done = subprocess.run([self.settings.kafka_peer, *arguments, "-d", self.home], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode != 0:
            raise Trouble(f"{self.settings.kafka_peer} {' '.join(arguments)} failed: {done.stdout}")

    def prepare(self):
        if os.path.exists(self.home):
            self.call("stop")
        options = ["-o", "auto.create.topics.enable=false", "-o", "log.segment.delete.delay.ms=500"]
        for key, value in self.options.items():
            options += ["-o", f"{key}={value}"]
        with on_cpu(self.settings.broker_cpu):
            self.call("start", "-p", str(self.port), *options)
        self.stop()

    def spawn(self):
        pid_file = os.path.join(self.home, "1", "pid")
        if os.path.exists(pid_file):
            os.remove(pid_file)
        with on_cpu(self.settings.broker_cpu):
            self.script = subprocess.Popen([self.settings.kafka_peer, "restart", "1", "-d", self.home], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def spawned(self):
        if self.script.wait(PATIENCE_SECONDS) != 0:
            raise Trouble(f"Apache Kafka did not start: see {self.log}")

    @property
    def pid(self):
        with open(os.path.join(self.home, "1", "pid"), encoding="ascii") as file:
            return int(file.read())

    def check_alive(self):
        if self.script.poll() not in (None, 0):
            raise Trouble(f"Apache Kafka ended while starting: see {self.log}")

    def said(self):
        return ""  # at its level of logging nothing of recovery

    def kill(self):
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        await_end(pid)

    def stop(self):
        pid = self.pid
        os.kill(pid, signal.SIGTERM)
        await_end(pid)

    def folders_of(self, topic):
        return glob.glob(os.path.join(glob.escape(self.data), f"{topic}-*"))

    def remove(self):
        if os.path.exists(self.home):
            self.call("stop")


def start_until_open(peer):
    """Starts it and tries to connect without a pause. (when it was spawned, seconds until the port accepted)"""
    begun = time.perf_counter()
    peer.spawn()
    while not accepts(peer.port):
        peer.check_alive()
        if time.perf_counter() - begun > PATIENCE_SECONDS:
            raise Trouble(f"{peer.name} does not open port {peer.port}")
    return begun, time.perf_counter() - begun


def start(peer):
    """Returns when it serves."""
    taken = start_until_open(peer)[1]
    peer.spawned()
    return taken


def run(main):
    """Runs a benchmark: a signal ends it as an error does, with its processes. Returns its exit status."""
    def give_up(number, _):
        raise Trouble(f"ended by signal {number}")

    signal.signal(signal.SIGTERM, give_up)
    signal.signal(signal.SIGHUP, give_up)
    try:
        main()
    except (Trouble, KeyboardInterrupt) as trouble:
        print(f"bench: {str(trouble) or 'interrupted'}", file=sys.stderr, flush=True)
        return 1
    return 0
