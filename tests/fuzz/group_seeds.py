"""Seeds of what groups store (fuzz_group_records) and of what their members say (fuzz_group_protocol): every recorded one."""
import json
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "data" / "wire"
LONGEST_KEY = 255  # bytes; its size is one byte of the input


def lines(name):
    with open(VECTORS / name, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_records(folder, longest):
    """Every key as a tombstone, and every value behind the `full` key of its type."""
    recorded = lines("records-group-coordinator.jsonl")
    full = {line["key"]: bytes.fromhex(line["stored"]) for line in recorded if line["kind"] == "coordinator-key" and line["variant"] == "full"}
    inputs = 0
    for line in recorded:
        is_key, stored = line["kind"] == "coordinator-key", bytes.fromhex(line["stored"])
        key, value = (stored, b"") if is_key else (full[line["key"]], stored)
        if len(key) > LONGEST_KEY or len(value) > longest:
            continue
        (folder / f"{line['name']}-{line['version']}-{line['variant']}").write_bytes(bytes([len(key)]) + key + value)
        inputs += 1
    return inputs


def write_protocol(folder):
    recorded = lines("consumer-protocol.jsonl")
    for line in recorded:
        is_assignment = line["name"] == "ConsumerProtocolAssignment"
        name = f"{line['name']}-{line['version']}-{line['variant']}"
        (folder / name).write_bytes(bytes([is_assignment]) + bytes.fromhex(line["stored"]))
    return len(recorded)
