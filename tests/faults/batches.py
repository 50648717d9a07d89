"""Record batches as bytes: made, split, told apart."""
import collections
import struct
import zlib

import wire

# Base offset, length, epoch, magic, CRC, attributes, last offset, two times, producer, its epoch, sequence, count.
HEADER = struct.Struct(">qiibIhiqqqhii")
STAMPED = 16  # bytes at the front that the broker writes into: base offset, length, leader epoch

Batch = collections.namedtuple("Batch", "base last checksum size data")


def field(data):
    return wire.zigzag(-1) if data is None else wire.zigzag(len(data)) + data


def encode(records, timestamp):
    """A batch of (key or None, value), as a producer sends it."""
    body = b""
    for number, (key, value) in enumerate(records):
        record = b"\0" + wire.zigzag(0) + wire.zigzag(number) + field(key) + field(value) + wire.zigzag(0)
        body += wire.zigzag(len(record)) + record
    tail = struct.pack(">hiqqqhii", 0, len(records) - 1, timestamp, timestamp, -1, -1, -1, len(records)) + body
    return struct.pack(">qiib", 0, 9 + len(tail), -1, 2) + struct.pack(">I", wire.crc32c(tail)) + tail


def checksum(data):
    """Of all that must come back as it was sent, the batch's own CRC included: quicker than to compute that again."""
    return zlib.crc32(memoryview(data)[STAMPED:])


def split(data):
    """The whole batches in what was fetched."""
    at = 0
    while at + HEADER.size <= len(data):
        base, length = struct.unpack_from(">qi", data, at)
        size = length + 12
        if at + size > len(data):
            break
        last = base + struct.unpack_from(">i", data, at + 23)[0]
        whole = data[at:at + size]
        yield Batch(base, last, checksum(whole), size, whole)
        at += size


def records(batch):
    """[(offset, key, value)] of a batch that is not compressed; its CRC has to fit."""
    data = batch.data
    is_whole = wire.crc32c(data[21:]) == struct.unpack_from(">I", data, 17)[0]
    assert is_whole, f"a damaged batch was served: offsets {batch.base} to {batch.last}"
    at, found = HEADER.size, []

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value >> 1 ^ -(value & 1)

    def text():
        nonlocal at
        size = number()
        if size < 0:
            return None
        at += size
        return data[at - size:at]

    for _ in range(struct.unpack_from(">i", data, 57)[0]):
        end = number()
        end += at
        at += 1
        number()
        offset = batch.base + number()
        found.append((offset, text(), text()))
        at = end
    return found
