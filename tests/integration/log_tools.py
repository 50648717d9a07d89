#!/usr/bin/env python3
"""`tidelog debug log-dump` and `log-verify` beside a running broker: what they print is what the batches hold and what consumers get, they
change nothing, and damage is told with file, offset, cause and hint."""
import glob
import hashlib
import json
import os
import random
import re
import struct
import subprocess
import sys

import rig
import wire

# Kafka's record batch, version 2: base offset, length, leader epoch, magic, CRC, attributes, last offset delta, base and max timestamp,
# producer id, producer epoch, base sequence, records.
HEADER = struct.Struct(">qiibIhiqqqhii")
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def run(args, *words, data=b""):
    done = subprocess.run([args.tidelog, *words], input=data, capture_output=True, timeout=rig.seconds(60))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def batches_of(path):
    """What this test's own reader finds in a segment."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        (base, length, epoch, magic, _, attributes, delta, base_time, max_time, producer, producer_epoch, sequence,
         count) = HEADER.unpack_from(data, at)
        assert magic == 2, (path, at)
        yield {"type": "batch", "position": at, "base_offset": base, "last_offset": base + delta, "records": count, "bytes": length + 12,
               "leader_epoch": epoch, "codec": CODECS[attributes & 7], "crc": "good", "producer_id": producer,
               "producer_epoch": producer_epoch, "base_sequence": sequence, "base_timestamp": base_time, "max_timestamp": max_time,
               "timestamp_type": "LogAppendTime" if attributes & 8 else "CreateTime", "transactional": bool(attributes & 16),
               "control": bool(attributes & 32)}
        at += length + 12


def dump(args, path, *words):
    code, out, said = run(args, "debug", "log-dump", path, "--format", "jsonl", *words)
    return code, [json.loads(line) for line in out.splitlines()], said


class Format:
    """A table of docs/formats.md: where fields lie, of things that follow one another."""

    def __init__(self, section, number=0):
        docs = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "formats.md")
        with open(docs, encoding="utf-8") as file:
            text = file.read().split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
        tables = re.findall(r"\| at \| size \|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)", text)
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[number].splitlines()]
        self.fields = [(int(at), int(size), field) for at, size, field in rows if size.isdigit()]
        for (at, size, _), (next_at, _, _) in zip(self.fields, self.fields[1:]):
            assert at + size == next_at, f"docs/formats.md, {section}: a gap before {next_at}"
        self.size = self.fields[-1][0] + self.fields[-1][1]

    def read(self, data, at=0):
        """Fields by the beginning of their description."""
        return {field.split(",")[0].split(":")[0]: data[at + begin:at + begin + size] for begin, size, field in self.fields}


def number(field):
    return int.from_bytes(field, "big", signed=True)


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def the_documented_formats_are_those_of_the_files(args, broker):
    """Decodes what a broker wrote by the tables of the documentation alone, and compares with what the tool says."""
    directory = os.path.join(broker.data, "kept-0")
    batch = Format("Segment: .log")
    for path in glob.glob(os.path.join(directory, "*.log")):
        data, at = contents(path), 0
        for told in batches_of(path):
            read = batch.read(data, at)
            assert number(read["base offset"]) == told["base_offset"] and number(read["magic"]) == 2, path
            assert number(read["number of records"]) == told["records"] and number(read["producer id"]) == told["producer_id"], path
            assert number(read["greatest timestamp"]) == told["max_timestamp"] and number(read["last offset"]) == told["last_offset"] - told["base_offset"]
            at += number(read["length"]) + 12
        assert at == len(data), path
    for ending, section, names in [("index", ".index", ("last offset of a batch", "position where that batch begins")),
                                   ("timeindex", ".timeindex", ("greatest timestamp of the segment so far", "last offset of the first batch that has it"))]:
        for path in glob.glob(os.path.join(directory, "*." + ending)):
            entry, data, base = Format(section), contents(path), int(os.path.basename(path).split(".")[0])
            fields = [entry.read(data, at) for at in range(0, len(data), entry.size)]
            if ending == "timeindex" and contents(path[:-len("timeindex")] + "index"):
                seal, indexed = fields.pop(), contents(path[:-len("timeindex")] + "index") + data[:-entry.size]
                assert number(seal[names[1]]) == 0 and number(seal[names[0]]) == 2 ** 62 + wire.crc32c(indexed), path
            told = [line for line in dump(args, path)[1] if line["type"] == ending]
            keys = ("offset", "position") if ending == "index" else ("timestamp", "offset")
            read = [{keys[0]: number(one[names[0]]), keys[1]: number(one[names[1]])} for one in fields]
            for one in read:
                one["offset"] += base
            assert read == [{key: line[key] for key in keys} for line in told], path
    snapshots = glob.glob(os.path.join(directory, "*.snapshot"))
    assert snapshots
    for path in snapshots:
        head, entry, data = Format(".snapshot"), Format(".snapshot", 1), contents(path)
        count = number(head.read(data)["number of entries"])
        assert number(head.read(data)["version"]) == 1
        at = head.size
        told = [line for line in dump(args, path)[1] if line["type"] == "producer"]
        assert len(data) == at + count * entry.size and len(told) == count, (path, len(data), at, count, entry.size, len(told))
        read = [number(entry.read(data, at + i * entry.size)["producer id"]) for i in range(count)]
        assert read == [line["producer_id"] for line in told], path
    path = os.path.join(broker.data, "manifest")
    head, entry, data = Format("manifest"), Format("manifest", 1), contents(path)
    count, at = number(head.read(data)["number of entries"]), head.size
    assert head.read(data)["magic `74 69 64 65 6d 61 6e 69` (\"tidemani\")"] == b"tidemani" and len(data) == at + count * entry.size
    told = [line for line in dump(args, path)[1] if line["type"] == "log"]
    names = [("partition", "partition"), ("log start offset", "log_start_offset")]
    read = [{key: number(entry.read(data, at + i * entry.size)[name]) for name, key in names} for i in range(count)]
    assert read == [{key: line[key] for _, key in names} for line in told]


def fingerprint(directory):
    """Every file with its bytes and times, so that nothing can have been touched."""
    found = {}
    for path in sorted(glob.glob(os.path.join(directory, "**"), recursive=True)):
        status = os.stat(path)
        contents = b""
        if os.path.isfile(path):
            with open(path, "rb") as file:
                contents = file.read()
        found[path] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, hashlib.sha256(contents).hexdigest())
    return found


def fill(args, broker):
    at = ["-b", broker.address]
    code, _, said = run(args, "topic", "create", "kept", "-p", "1", "-c", "segment.bytes=1048576", *at)
    assert code == 0, said
    for codec in CODECS:
        dice = random.Random(codec)  # What packs too well fills no segment.
        lines = b"".join(b"%s line %04d %s\n" % (codec.encode(), i, dice.randbytes(i % 1200).hex().encode()) for i in range(1000))
        code, _, said = run(args, "produce", "kept", "-z", codec, *at, data=lines)
        assert code == 0, said


def dumps_are_what_the_files_hold(args, broker):
    directory = os.path.join(broker.data, "kept-0")
    segments = sorted(glob.glob(os.path.join(directory, "*.log")))
    assert len(segments) >= 3, segments
    before = fingerprint(broker.data)
    values = []
    for path in segments:
        code, lines, said = dump(args, path, "--records")
        assert code == 0, said
        assert [line for line in lines if line["type"] == "batch"] == list(batches_of(path)), path
        values += [(line["offset"], line["value"]) for line in lines if line["type"] == "record"]
    code, out, said = run(args, "consume", "kept", "-b", broker.address, "-o", "start:end", "-f", "%o %s\\n")
    assert code == 0, said
    assert [f"{offset} {value}" for offset, value in values] == out.splitlines()
    for path in glob.glob(os.path.join(directory, "*.index")):
        places = {(batch["last_offset"], batch["position"]) for batch in batches_of(path[:-len("index")] + "log")}
        entries = [(line["offset"], line["position"]) for line in dump(args, path)[1] if line["type"] == "index"]
        assert set(entries) <= places, path
    code, lines, said = dump(args, directory)
    assert code == 0 and {line["type"] for line in lines} >= {"file", "batch", "epoch", "line"}, (code, said)
    code, out, said = run(args, "debug", "log-verify", broker.data)
    assert code == 0 and out == "", (code, out, said)
    code, out, said = run(args, "debug", "log-verify", directory)
    assert code == 0 and out == "", (code, out, said)
    assert fingerprint(broker.data) == before, "a tool that only reads has changed something"


def damage_is_told(args, broker):
    directory = os.path.join(broker.data, "kept-0")
    path = sorted(glob.glob(os.path.join(directory, "*.log")))[1]
    there = list(batches_of(path))
    hit = there[len(there) // 2]
    with open(path, "r+b") as file:
        file.seek(hit["position"] + hit["bytes"] - 3)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 4]))
    before = fingerprint(broker.data)
    code, out, said = run(args, "debug", "log-verify", broker.data, "--format", "jsonl")
    findings = [json.loads(line) for line in out.splitlines()]
    [finding] = [finding for finding in findings if finding["type"] == "damage"]
    # An index that leads to it is of no use to the broker either.
    assert all(other["type"] == "remark" and other["file"].endswith("index") for other in findings if other is not finding), findings
    assert code == 1, (code, out, said)
    assert finding["file"] == path and finding["offset"] == hit["base_offset"], finding
    assert finding["position"] == hit["position"] and finding["cause"] and finding["hint"], finding
    code, lines, _ = dump(args, path)
    bad = [line["base_offset"] for line in lines if line["type"] == "batch" and line["crc"] == "bad"]
    assert code == 1 and bad == [hit["base_offset"]], (code, bad)
    assert fingerprint(broker.data) == before, "a tool that only reads has changed something"


def torn_and_missing_files_are_told(args, broker):
    directory = os.path.join(broker.data, "kept-0")
    segments = sorted(glob.glob(os.path.join(directory, "*.log")))
    os.truncate(segments[-1], os.path.getsize(segments[-1]) - 5)
    os.remove(segments[1])
    code, out, said = run(args, "debug", "log-verify", directory, "--format", "jsonl")
    findings = [json.loads(line) for line in out.splitlines()]
    causes = " | ".join(finding["cause"] for finding in findings if finding["type"] == "damage")
    assert code == 1 and "are missing" in causes and "no whole batch" in causes, (code, out, said)
    for words in (["log-verify", "/nowhere/at/all"], ["log-dump", "/nowhere/at/all"], ["log-dump", __file__]):
        code, _, said = run(args, "debug", *words)
        assert code not in (0, None) and "error:" in said, (words, code, said)


def main():
    args = rig.arguments()
    with rig.Broker(args.tidelog) as broker:
        fill(args, broker)
        dumps_are_what_the_files_hold(args, broker)
        damage_is_told(args, broker)
        the_documented_formats_are_those_of_the_files(args, broker)
        assert broker.stop() == 0
        torn_and_missing_files_are_told(args, broker)
    print("dumps are what the files hold, and damage is told")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
