"""The messages of proto/schema as plain values, so that a test can ask anything that is served, in any version.

A struct is a dict. Text is text, bytes and records are base64, a uuid is base64url of 22 characters, null is None. What holds for both
directions: a field that is not there has its default, and `decode` leaves such fields out. So what a test writes down is what is special."""
import base64
import os
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "proto"))
import generate  # noqa: E402  The same reader of the notation that makes the broker's codec; what is done with it is written here anew.

FORMS = {"int8": ">b", "int16": ">h", "int32": ">i", "int64": ">q", "uint16": ">H", "uint32": ">I", "float64": ">d", "bool": ">?"}
NIL = base64.urlsafe_b64encode(bytes(16)).decode().rstrip("=")
FIRST_FLEXIBLE_HEADER = 2
API_VERSIONS = 18


def has(version, span):
    return span[0] <= version <= span[1]


def json_name(field):
    return field.name[0].lower() + field.name[1:]


class Api:
    """A request and its response."""

    def __init__(self, request, response):
        self.name, self.key, self.request, self.response = request.name.removesuffix("Request"), request.key, request, response

    def is_flexible(self, version):
        return has(version, self.request.flexible)

    def encode(self, version, correlation, value, client="edges"):
        """A frame's payload."""
        name = struct.pack(">h", len(client)) + client.encode()
        out = bytearray(struct.pack(">hhi", self.key, version, correlation) + name + (b"\0" if self.is_flexible(version) else b""))
        Writer(out, version, self.is_flexible(version)).structure(self.request.fields, value)
        return bytes(out)

    def decode(self, version, payload):
        """What a frame's payload says behind its correlation id."""
        has_tags = self.is_flexible(version) and self.key != API_VERSIONS
        reader = Reader(payload, version, has(version, self.response.flexible))
        reader.at = 4
        if has_tags:
            assert reader.uvarint() == 0, "tagged fields in a response header"
        value = reader.structure(self.response.fields)
        assert reader.at == len(payload), f"{len(payload) - reader.at} bytes behind a {self.name} answer"
        return value


def load():
    """Every API by name."""
    messages = {m.name: m for m in generate.load(os.path.join(ROOT, "proto", "schema", "messages.txt"))}
    requests = [m for m in messages.values() if m.kind == "request"]
    return {m.name.removesuffix("Request"): Api(m, messages[m.name.removesuffix("Request") + "Response"]) for m in requests}


def default(field, version):
    if field.default == "null" or (field.element == "records" and not field.is_array):
        return None
    if field.is_array:
        return []
    if field.element == "uuid":
        return NIL
    if field.element in ("string", "bytes"):
        return ""
    if field.element == "bool":
        return field.default == "true"
    if field.element in FORMS:
        return float(field.default or 0) if field.element == "float64" else int(field.default or 0)
    return {}


class Writer:
    def __init__(self, out, version, flexible):
        self.out, self.version, self.flexible = out, version, flexible

    def uvarint(self, n):
        while n >= 0x80:
            self.out.append(n & 0x7F | 0x80)
            n >>= 7
        self.out.append(n)

    def length(self, n, form):
        """-1 is null."""
        if self.flexible:
            self.uvarint(n + 1)
        else:
            self.out += struct.pack(form, n)

    def structure(self, fields, value):
        present = [f for f in fields if has(self.version, f.versions)]
        unknown = set(value) - {json_name(f) for f in present}
        assert not unknown, f"no field {unknown} in version {self.version}"
        tagged = []
        for field in present:
            worth = value.get(json_name(field), default(field, self.version))
            if not has(self.version, field.tagged):
                self.field(field, worth)
            elif worth != default(field, self.version):
                part = Writer(bytearray(), self.version, self.flexible)
                part.field(field, worth)
                tagged.append((field.tag, part.out))
        if self.flexible:
            self.uvarint(len(tagged))
        for tag, data in sorted(tagged):
            self.uvarint(tag)
            self.uvarint(len(data))
            self.out += data

    def field(self, field, value):
        if field.is_array:
            self.length(-1 if value is None else len(value), ">i")
            for element in value or []:
                self.element(field, element)
        else:
            if field.is_nullable_struct and has(self.version, field.nullable):
                self.out += b"\xff" if value is None else b"\1"
            if value is not None or not field.is_struct:
                self.element(field, value)

    def element(self, field, value):
        kind = field.element
        if kind in FORMS:
            self.out += struct.pack(FORMS[kind], value)
        elif kind == "uuid":
            self.out += base64.urlsafe_b64decode(value + "==")
        elif kind in ("string", "bytes", "records"):
            data = None if value is None else value.encode() if kind == "string" else base64.b64decode(value)
            self.length(-1 if data is None else len(data), ">h" if kind == "string" else ">i")
            self.out += data or b""
        else:
            self.structure(field.fields, value)


class Reader:
    def __init__(self, data, version, flexible):
        self.data, self.at, self.version, self.flexible = data, 0, version, flexible

    def take(self, n):
        assert 0 <= n <= len(self.data) - self.at, f"{n} bytes at {self.at} of {len(self.data)}"
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def length(self, form):
        return self.uvarint() - 1 if self.flexible else self.number(form)

    def structure(self, fields):
        present = [f for f in fields if has(self.version, f.versions)]
        by_tag = {f.tag: f for f in present if has(self.version, f.tagged)}
        value = {json_name(f): self.field(f) for f in present if f not in by_tag.values()}
        for _ in range(self.uvarint() if self.flexible else 0):
            tag, size = self.uvarint(), self.uvarint()
            end = self.at + size
            assert tag in by_tag, f"tag {tag}, which no field has"
            value[json_name(by_tag[tag])] = self.field(by_tag[tag])
            assert self.at == end, f"tag {tag} says {size} bytes"
        return {json_name(f): value[json_name(f)] for f in present if json_name(f) in value and value[json_name(f)] != default(f, self.version)}

    def field(self, field):
        if field.is_array:
            count = self.length(">i")
            return None if count < 0 else [self.element(field) for _ in range(count)]
        if field.is_nullable_struct and has(self.version, field.nullable) and self.number(">b") < 0:
            return None
        return self.element(field)

    def element(self, field):
        kind = field.element
        if kind in FORMS:
            return self.number(FORMS[kind])
        if kind == "uuid":
            return base64.urlsafe_b64encode(self.take(16)).decode().rstrip("=")
        if kind in ("string", "bytes", "records"):
            size = self.length(">h" if kind == "string" else ">i")
            if size < 0:
                return None
            data = self.take(size)
            return data.decode() if kind == "string" else base64.b64encode(data).decode()
        return self.structure(field.fields)
