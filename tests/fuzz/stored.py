"""Seeds of what reads a disk: configurations, the small files beside logs (fuzz_checkpoint), and whole logs (fuzz_log)."""
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
import wire  # noqa: E402

FILE, FLAGS, TOPIC, LISTENER = range(4)
MANIFEST, SNAPSHOT, EPOCHS, INDEX, DIRECTORY = range(5)
INDEX_FILE, TIME_INDEX_FILE, SNAPSHOT_FILE, EPOCH_FILE, LOG_FILE = range(5)

CONFIGS = {
    "plain": (FILE, "# a broker\nnode.id=1\nlisteners=PLAINTEXT://127.0.0.1:9092,B://[::1]:0\nlistener.security.protocol.map=B:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
                    "advertised.listeners=B://b.example:1\nlog.dirs=./data\ncontroller.listener.names=\nbroker.rack = r\\u00e9\\\n  x\n"),
    "limits": (FILE, "max.connections: 5\nmax.message.bytes 1\n! no\nqueued.max.request.bytes=200000000\nlog.retention.hours=-1\nlog.cleanup.policy=compact,delete\n"),
    "kafkas": (FILE, "process.roles=broker,controller\nbroker.id=4\nlog.dir=/d\nlistener.name.x.ssl.client.auth=none\nsuper.users=User:a\nlog.cleaner.min.cleanable.ratio=0.5\n"),
    "flags": (FLAGS, "shards=2\nmemory.budget.bytes=8388608\nsocket.request.max.bytes=1000\ndurability=page-cache\nlog.level=warn\ncompression.type=zstd\n"),
    "topic": (TOPIC, "retention.ms=-1"), "policy": (TOPIC, "cleanup.policy=compact,delete"), "ratio": (TOPIC, "min.cleanable.dirty.ratio=0.25"),
    "throttled": (TOPIC, "leader.replication.throttled.replicas=0:1,1:2"),
    "listener": (LISTENER, "PLAINTEXT://[2001:db8::1]:9092"), "empty-host": (LISTENER, "A://:0"),
}


def manifest(version=2):
    """The first version knew of no journal."""
    entry = struct.pack(">Q16siqqqQ", 42, b"a topic's own id", 0, 0, 3, 0, 200)
    journal = struct.pack(">QQIQI", 11, 5, 1, 4096, 99) if version > 1 else b""
    body = struct.pack(">I16sI", 5 if version > 1 else 1, b"the boot's own i", 1) + journal + entry
    return b"tidemani" + struct.pack(">II", version, wire.crc32c(body)) + body


def snapshot():
    body = struct.pack(">i", 1) + struct.pack(">qhiqiqiq", 7, 0, 4, 4, 4, 1000, -1, -1)
    return struct.pack(">hI", 1, wire.crc32c(body)) + body


EPOCH_TEXT = b"0\n2\n0 0\n5 2\n"
OFFSETS, TIMES = struct.pack(">IIII", 2, 100, 8, 300), struct.pack(">qIqI", 1000, 2, 2000, 8)


def checkpoints():
    tag = b"version=1\nnode.id=1\ncluster.id=c\ndirectory.id=d\n"
    yield "manifest", MANIFEST, manifest()
    yield "first-manifest", MANIFEST, manifest(version=1)
    yield "snapshot", SNAPSHOT, snapshot()
    yield "epochs", EPOCHS, EPOCH_TEXT
    yield "index", INDEX, struct.pack(">HH", len(OFFSETS), 1) + OFFSETS + TIMES
    yield "directory", DIRECTORY, struct.pack(">H", len(tag)) + tag + manifest()


def file(kind, base, data):
    return bytes([kind, base]) + struct.pack(">H", len(data)) + data


def logs():
    """Without known ends, with them, and with what stands beside the records."""
    one, more = wire.batch(b"a", b"b"), wire.batch(b"c", producer=7, epoch=0, sequence=0, timestamp=1500)
    segments = file(LOG_FILE, 0, one + more + one) + file(LOG_FILE, 5, more * 3)
    beside = file(SNAPSHOT_FILE, 3, snapshot()) + file(EPOCH_FILE, 0, EPOCH_TEXT) + file(INDEX_FILE, 0, struct.pack(">II", 2, len(one)))
    yield "unknown", bytes(6) + segments + beside
    yield "known", bytes([0, 4, 0, 0, 0, 0]) + segments + beside + file(TIME_INDEX_FILE, 0, TIMES[:12])
    yield "full-check", bytes([0, 5, 0, 0, 0, 0]) + segments
    yield "torn", bytes(6) + file(LOG_FILE, 0, one + more[:-5])
    yield "as-they-are", bytes([1, 0, 0, 0, 0, 0]) + file(LOG_FILE, 0, one)


def write_configs(folder):
    for name, (kind, text) in CONFIGS.items():
        (folder / name).write_bytes(bytes([kind]) + text.encode())
    return len(CONFIGS)


def write_checkpoints(folder):
    return len([(folder / name).write_bytes(bytes([kind]) + data) for name, kind, data in checkpoints()])


def write_logs(folder):
    return len([(folder / name).write_bytes(data) for name, data in logs()])
