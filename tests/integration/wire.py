"""Just enough of the protocol to send what no client would: requests in old, non-flexible versions, written out by hand."""
import struct

METADATA, PRODUCE, FETCH, LIST_OFFSETS, FIND_COORDINATOR, API_VERSIONS = 3, 0, 1, 2, 10, 18
CREATE_TOPICS, DELETE_TOPICS, INIT_PRODUCER_ID, OFFSET_FOR_LEADER_EPOCH, DESCRIBE_CLUSTER = 19, 20, 22, 23, 60
DESCRIBE_ACLS, CREATE_ACLS, DELETE_ACLS = 29, 30, 31
DELETE_RECORDS, DESCRIBE_LOG_DIRS, DESCRIBE_PRODUCERS, DESCRIBE_TOPIC_PARTITIONS = 21, 35, 61, 75
DESCRIBE_QUOTAS, ALTER_QUOTAS = 48, 49
SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36


def _table():
    rows = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        rows.append(n)
    return rows


TABLE = _table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def zigzag(n):
    n = n << 1 ^ n >> 63
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def batch(*values, producer=-1, epoch=-1, sequence=-1, timestamp=0, codec=0, compress=None):
    records = b""
    for i, value in enumerate(values):
        body = b"\0" + zigzag(0) + zigzag(i) + zigzag(-1) + zigzag(len(value)) + value + zigzag(0)
        records += zigzag(len(body)) + body
    if compress:
        records = compress(records)
    tail = struct.pack(">hiqqqhii", codec, len(values) - 1, timestamp, timestamp, producer, epoch, sequence, len(values)) + records
    return struct.pack(">qiib", 0, 9 + len(tail), -1, 2) + struct.pack(">I", crc32c(tail)) + tail


def text(s):
    return struct.pack(">h", len(s)) + s.encode()


def produce(topic, partition, records, acks=-1):
    """Version 3."""
    return (struct.pack(">hhi", -1, acks, 10000) + struct.pack(">i", 1) + text(topic) + struct.pack(">i", 1) + struct.pack(">i", partition) +
            struct.pack(">i", len(records)) + records)


def produce_answer(payload):
    """(correlation, error, base offset) of a one-partition answer, version 3."""
    correlation, _ = struct.unpack_from(">ii", payload)
    at = 8 + 2 + struct.unpack_from(">h", payload, 8)[0] + 4
    _, error, base = struct.unpack_from(">ihq", payload, at)
    return correlation, error, base


def find_coordinator(key, kind=0):
    """Version 1."""
    return text(key) + bytes([kind])


def metadata(topic):
    """Version 4, auto-creation allowed."""
    return struct.pack(">i", 1) + text(topic) + b"\1"


def fetch(topic, partition, offset, wait_ms=0, min_bytes=1, max_bytes=1 << 20):
    """Version 4."""
    return (struct.pack(">iiiib", -1, wait_ms, min_bytes, max_bytes, 0) + struct.pack(">i", 1) + text(topic) + struct.pack(">i", 1) +
            struct.pack(">iqi", partition, offset, max_bytes))


def fetch_error(payload):
    """Of a one-partition answer, version 4, without its header: (error, bytes of records)."""
    at = 4 + 4 + 2 + struct.unpack_from(">h", payload, 8)[0] + 4
    _, error = struct.unpack_from(">ih", payload, at)
    return error, len(payload) - (at + 4 + 2 + 8 + 8 + 4 + 4)


def list_offsets(topic, partition, timestamp):
    """Version 1."""
    return struct.pack(">ii", -1, 1) + text(topic) + struct.pack(">iiq", 1, partition, timestamp)


def delete_records(topic, partition, offset):
    """Version 0."""
    return struct.pack(">i", 1) + text(topic) + struct.pack(">iiqi", 1, partition, offset, 10000)


def delete_records_answer(payload):
    """(low watermark, error) of a one-partition answer, version 0, without its header."""
    return struct.unpack(">qh", payload[-10:])


def compact(s):
    """A string (or null) of the flexible versions, shorter than 127 bytes."""
    return b"\0" if s is None else bytes([len(s) + 1]) + s.encode()


class Reader:
    """Takes an answer apart."""

    def __init__(self, payload):
        self.payload, self.at = payload, 0

    def take(self, kind):
        values = struct.unpack_from(">" + kind, self.payload, self.at)
        self.at += struct.calcsize(">" + kind)
        return values[0] if len(values) == 1 else values

    def count(self):
        """A compact length: -1 for null."""
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - 1

    def compact(self):
        size = self.count()
        return None if size < 0 else self.raw(size).decode()

    def text(self):
        size = self.take("h")
        return None if size < 0 else self.raw(size).decode()

    def raw(self, size):
        data = self.payload[self.at:self.at + size]
        self.at += size
        return data

    def ids(self):
        return [self.take("i") for _ in range(self.count())]

    def tags(self):
        assert self.take("B") == 0, "tagged fields nobody asked for"


def frame(key, version, correlation, body):
    header = struct.pack(">hhih", key, version, correlation, -1)
    return struct.pack(">i", len(header) + len(body)) + header + body


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def uvarint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def compact_text(s):
    return b"\0" if s is None else uvarint(len(s.encode()) + 1) + s.encode()


def compact_array(items):
    return uvarint(len(items) + 1) + b"".join(items)


class Answer:
    """Reads an answer from its front, behind the correlation id; `flexible`: in the dialect of compact lengths and tagged fields."""

    def __init__(self, payload, flexible=False, header_tags=None):
        self.payload, self.at, self.flexible = payload, 4, flexible
        if flexible if header_tags is None else header_tags:
            self.tags()

    def take(self, form):
        values = struct.unpack_from(">" + form, self.payload, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def raw(self, size):
        self.at += size
        return self.payload[self.at - size:self.at]

    def uvarint(self):
        n = shift = 0
        while True:
            byte = self.take("B")
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    def tags(self):
        for _ in range(self.uvarint() if self.flexible else 0):
            self.uvarint()
            self.raw(self.uvarint())

    def data(self):
        """Records or bytes; None for null."""
        size = self.uvarint() - 1 if self.flexible else self.take("i")
        return None if size < 0 else self.raw(size)

    def text(self):
        size = self.uvarint() - 1 if self.flexible else self.take("h")
        return None if size < 0 else self.raw(size).decode()

    def items(self, read):
        """An array, each element by `read(self)`; None for null."""
        count = self.uvarint() - 1 if self.flexible else self.take("i")
        return None if count < 0 else [read(self) for _ in range(count)]
