#!/usr/bin/env python3
"""Writes what fuzzing starts from beside the kept corpora: every recorded message (tests/data/wire), so in every version that is served.

Usage: seeds.py FOLDER    inputs for fuzz_request go into FOLDER/request, for fuzz_frame into FOLDER/frame
"""
import json
import sys
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "data" / "wire"
LONGEST = 4096  # bytes; a longer input is mutated more slowly than it is worth


def messages():
    """Files of messages are named for the API: 003-Metadata.jsonl."""
    for path in sorted(VECTORS.glob("[0-9][0-9][0-9]-*.jsonl")):
        with open(path, encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def main():
    folder = Path(sys.argv[1])
    inputs = 0
    for target in ("request", "frame"):
        (folder / target).mkdir(parents=True, exist_ok=True)
    for message in messages():
        header, body = bytes.fromhex(message["header"]), bytes.fromhex(message["body"])
        if len(header + body) > LONGEST:
            continue
        name = f"{message['name']}-{message['version']}-{message['variant']}"
        choice = bytes([message["key"], int(message["kind"] == "response"), message["version"]])
        (folder / "request" / name).write_bytes(choice + body)
        (folder / "frame" / name).write_bytes(header + body)
        inputs += 2
    print(f"{inputs} inputs")
    return 0 if inputs else 1


if __name__ == "__main__":
    sys.exit(main())
