#!/usr/bin/env python3
"""Log lines go in and come back byte for byte: every codec, through kcat and through our command line, and crosswise.

With --logs DIR its *.log files are used; otherwise lines made here: some of each kind that has broken a log shipper before.
"""
import glob
import os
import random
import struct
import subprocess
import sys
import tempfile

import rig

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
FILES, LINES = 12, 2000


def make_logs(folder):
    """Files like those of real systems: plain, very long, not ASCII, repetitive, empty lines, carriage returns, control characters."""
    dice = random.Random(3)
    kinds = [lambda i: f"Nov 24 12:{i % 60:02}:{i % 57:02} host{i % 9} app[{i}]: request {i} took {dice.random():.6f} s",
             lambda i: f"{i} " + "x" * dice.randrange(0, 9000), lambda i: "мир 世界 \u00e9 " + chr(0x1F600 + i % 60) * (i % 7),
             lambda i: "the same line again and again and again", lambda i: "" if i % 3 else f"after empty ones {i}",
             lambda i: f"ends in a carriage return {i}\r", lambda i: f"tab\tand\x01control\x1b[31m {i}",
             lambda i: "{" + f'"level":"info","n":{i},"msg":"{dice.getrandbits(256):x}"' + "}"]
    for n in range(FILES):
        with open(os.path.join(folder, f"made-{n:02}.log"), "w", encoding="utf-8", newline="") as f:
            for i in range(LINES):
                f.write(kinds[(n + (i % 2) * n) % len(kinds)](i) + "\n")


def produce(via, tidelog, broker, topic, codec, path):
    if via == "kcat":
        # kcat leaves out empty lines by nature, so it gets them as they are only from files without; see lines_for.
        command = ["kcat", "-P", "-b", broker.address, "-t", topic, "-p", "0", "-z", codec, "-l", path]
        subprocess.run(command, check=True, timeout=rig.seconds(120))
    else:
        with open(path, "rb") as source:
            done = subprocess.run([tidelog, "produce", topic, "-b", broker.address, "-z", codec], stdin=source, timeout=rig.seconds(120), capture_output=True)
            assert done.returncode == 0, done.stderr.decode()


def consume(via, tidelog, broker, topic):
    if via == "kcat":
        command = ["kcat", "-C", "-q", "-e", "-b", broker.address, "-t", topic, "-o", "beginning"]
    else:
        command = [tidelog, "consume", topic, "-b", broker.address, "-o", "start:end", "--raw"]
    return subprocess.run(command, check=True, timeout=rig.seconds(120), stdout=subprocess.PIPE).stdout


def stored_codecs(broker, topic):
    """The codecs of the batches on disk: a client that leaves a codec out says nothing, and the bytes come back all the same."""
    found = set()
    for path in glob.glob(os.path.join(broker.data, topic + "-0", "*.log")):
        with open(path, "rb") as f:
            data = f.read()
        at = 0
        while at + 61 <= len(data) and struct.unpack_from(">i", data, at + 8)[0] > 0:
            found.add(CODECS[struct.unpack_from(">h", data, at + 21)[0] & 7])
            at += 12 + struct.unpack_from(">i", data, at + 8)[0]
    return found


def lines_for(via, data):
    """kcat drops empty lines when it produces; everything else goes in as it is."""
    if not data.endswith(b"\n"):
        data += b"\n"
    if via == "tidelog":
        return data
    return b"".join(line + b"\n" for line in data.split(b"\n")[:-1] if line)


def main():
    args = rig.arguments(logs="")
    folder = args.logs
    made = tempfile.TemporaryDirectory(prefix="tidelog-lines-")
    if not folder:
        folder = made.name
        make_logs(folder)
    files = sorted(name for name in os.listdir(folder) if name.endswith(".log"))
    checked = 0
    with rig.Broker(args.tidelog) as broker:
        for codec in CODECS:
            for n, name in enumerate(files):
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    data = f.read()
                for writer in ("kcat", "tidelog"):
                    topic = f"log-{codec}-{n}-{writer}"
                    broker.create(topic)
                    produce(writer, args.tidelog, broker, topic, codec, path)
                    stored = stored_codecs(broker, topic)
                    # What a codec makes no smaller may stay as it is.
                    assert codec in stored and stored <= {codec, "none"}, f"{name}, {codec}, {writer}: stored as {stored}"
                    expected = lines_for(writer, data)
                    for reader in ("kcat", "tidelog"):
                        got = consume(reader, args.tidelog, broker, topic)
                        assert got == expected, f"{name}, {codec}, {writer} to {reader}: {len(got)} bytes came back, {len(expected)} went in"
                        checked += 1
        assert broker.stop() == 0, "the broker did not stop cleanly"
    print(f"{len(files)} files x {len(CODECS)} codecs x 2 writers x 2 readers: {checked} times the same bytes")
    made.cleanup()
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
