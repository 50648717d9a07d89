#!/usr/bin/env python3
"""Apache Kafka's own DumpLogSegments reads what we write: every record of every segment, and the indexes beside them.

usage: KAFKA_PEER=PROGRAM tests/compat/dump_segments.py --tidelog build/release/tidelog     (PROGRAM tool CLASS ARGS... runs a tool of Kafka's)"""
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import rig  # noqa: E402

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
RECORD = re.compile(r"^\| offset: (\d+) .*?keySize: (-?\d+) valueSize: (-?\d+).*? payload: (.*)$")
LINES = [f"line {n:05} {'x' * (n % 300)}" for n in range(4000)]
TOOL_SECONDS = 120


def dump(program, *words):
    done = subprocess.run([program, "tool", "DumpLogSegments", *words], capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)
    assert done.returncode == 0, f"DumpLogSegments ended with {done.returncode}: {done.stderr[-1500:]}"
    return done.stdout


def fill(args, broker, topic, codec):
    subprocess.run([args.tidelog, "topic", "create", topic, "-b", broker.address, "-p", "1", "-c", "segment.bytes=1048576", "-c",
                    "index.interval.bytes=1024"], check=True, stdout=subprocess.DEVNULL)
    command = ["kcat", "-b", broker.address, "-P", "-t", topic, "-z", codec, "-X", "batch.size=16384"]
    for _ in range(3):
        subprocess.run(command, input="\n".join(LINES) + "\n", text=True, check=True)


def check_records(program, codec, logs):
    offset = 0
    said = dump(program, "--files", ",".join(logs), "--print-data-log")
    for line in said.splitlines():
        found = RECORD.match(line)
        if not found:
            assert not line.startswith("| offset"), f"{codec}: not understood: {line}"
            continue
        expected = LINES[offset % len(LINES)]
        assert int(found[1]) == offset and int(found[3]) == len(expected) and found[4] == expected, f"{codec}: at {offset}: {line}"
        offset += 1
    assert "isvalid: false" not in said, f"{codec}: a checksum does not fit"
    assert offset == 3 * len(LINES), f"{codec}: {offset} records instead of {3 * len(LINES)}"
    return offset


def check_indexes(program, directory):
    indexes = sorted(glob.glob(os.path.join(directory, "*index")))
    said = dump(program, "--files", ",".join(indexes), "--index-sanity-check")
    complaints = [line for line in said.splitlines() if "failed" in line.lower() or "mismatch" in line.lower()]
    assert not complaints, complaints[:5]
    return len(indexes)


def main():
    args = rig.arguments()
    program = os.environ.get("KAFKA_PEER")
    if not program:
        raise SystemExit("KAFKA_PEER is not set: it names a program that runs Kafka's tools, as PROGRAM tool CLASS ARGS...")
    records = segments = indexes = 0
    with rig.Broker(args.tidelog) as broker:
        for codec in CODECS:
            fill(args, broker, f"dump-{codec}", codec)
        assert broker.stop() == 0
        for codec in CODECS:
            directory = os.path.join(broker.data, f"dump-{codec}-0")
            logs = sorted(glob.glob(os.path.join(directory, "*.log")))
            records += check_records(program, codec, logs)
            segments += len(logs)
            indexes += check_indexes(program, directory)
    print(f"DumpLogSegments read {records} records of {segments} segments, and {indexes} indexes, as they were written")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
