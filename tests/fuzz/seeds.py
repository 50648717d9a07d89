#!/usr/bin/env python3
"""Writes what fuzzing starts from beside the kept corpora: every recorded message (tests/data/wire), so in every version that is served;
conversations of a client (conversations.py); what is read from a disk (stored.py); what groups store and their members say (group_seeds.py).

Usage: seeds.py FOLDER    inputs for fuzz_request go into FOLDER/request, and so on
"""
import json
import struct
import sys
from pathlib import Path

import conversations
import group_seeds
import stored

VECTORS = Path(__file__).resolve().parent.parent / "data" / "wire"
LONGEST = 4096  # bytes; a longer input is mutated more slowly than it is worth


def messages():
    """Files of messages are named for the API: 003-Metadata.jsonl."""
    for path in sorted(VECTORS.glob("[0-9][0-9][0-9]-*.jsonl")):
        with open(path, encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def with_length(frame):
    return struct.pack(">i", len(frame)) + frame


def segment(side, flags, sequence, payload=b""):
    """A packet of raw IPv4 from the client (side 0) or the broker."""
    ports, addresses = (40000, 9092), (b"\x0a\0\0\1", b"\x0a\0\0\2")
    tcp = struct.pack(">HHIIBBHHH", ports[side], ports[1 - side], sequence, 0, 0x50, flags, 1024, 0, 0) + payload
    return struct.pack(">BBHIBBH", 0x45, 0, 20 + len(tcp), 0, 64, 6, 0) + addresses[side] + addresses[1 - side] + tcp


def pcap(packets):
    body = b"".join(struct.pack("<IIII", 1, 2, len(packet), len(packet)) + packet for packet in packets)
    return struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101) + body


def pcapng(packets):
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        size = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + size + body + size
    blocks = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("<HHI", 101, 0, 0))]
    blocks += [block(6, struct.pack("<IIIII", 0, 0, 5, len(packet), len(packet)) + packet) for packet in packets]
    return b"".join(blocks)


def conversation(request, response):
    """A handshake, a request, its response in two pieces that change places, and the ends."""
    response = request[8:12] + response[4:]  # The request's number.
    asked, answer = with_length(request), with_length(response)
    half = len(answer) // 2
    return [segment(0, 2, 0), segment(1, 18, 0), segment(0, 16, 1, asked), segment(1, 16, 1 + half, answer[half:]),
            segment(1, 16, 1, answer[:half]), segment(0, 17, 1 + len(asked)), segment(1, 17, 1 + len(answer))]


def write_captures(folder):
    """Two for each API: its first recorded request with its first response, in either form of file."""
    firsts = {}
    for message in messages():
        firsts.setdefault((message["key"], message["kind"]), bytes.fromhex(message["header"]) + bytes.fromhex(message["body"]))
    for key in sorted({key for key, _ in firsts}):
        packets = conversation(firsts[key, "request"], firsts[key, "response"])
        (folder / f"pcap-{key}").write_bytes(b"\3\0\0" + pcap(packets))
        (folder / f"pcapng-{key}").write_bytes(b"\2\0\0" + pcapng(packets))


def main():
    folder = Path(sys.argv[1])
    inputs = 0
    for target in ("request", "frame", "wire", "response", "config", "checkpoint", "log", "group_records", "group_protocol"):
        (folder / target).mkdir(parents=True, exist_ok=True)
    for message in messages():
        header, body = bytes.fromhex(message["header"]), bytes.fromhex(message["body"])
        if len(header + body) > LONGEST:
            continue
        name = f"{message['name']}-{message['version']}-{message['variant']}"
        choice = bytes([message["key"], int(message["kind"] == "response"), message["version"]])
        (folder / "request" / name).write_bytes(choice + body)
        (folder / "frame" / name).write_bytes(header + body)
        form = bytes([4 * (message["kind"] == "response") + message["version"] % 2, message["key"], message["version"]])
        (folder / "wire" / name).write_bytes(form + with_length(header + body))
        inputs += 3
    write_captures(folder / "wire")
    inputs += conversations.write(folder / "response", messages())
    inputs += stored.write_configs(folder / "config") + stored.write_checkpoints(folder / "checkpoint") + stored.write_logs(folder / "log")
    inputs += group_seeds.write_records(folder / "group_records", LONGEST) + group_seeds.write_protocol(folder / "group_protocol")
    print(f"{inputs} inputs")
    return 0 if inputs else 1


if __name__ == "__main__":
    sys.exit(main())
