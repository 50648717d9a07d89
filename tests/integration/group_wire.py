"""What members of classic groups say, in old, non-flexible versions, written out by hand."""
import struct

from wire import Reader, text

OFFSET_COMMIT, OFFSET_FETCH, JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 8, 9, 11, 12, 13, 14
LIST_GROUPS = 16

NONE, LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR = 0, 14, 15, 16
ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, REBALANCE_IN_PROGRESS, MEMBER_ID_REQUIRED = 22, 25, 27, 79
COME_AGAIN = (LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR)


def data(value):
    return struct.pack(">i", len(value)) + value


def read_data(reader):
    return reader.raw(reader.take("i"))


def join(group, member, protocols=(("range", b"metadata"),), session_ms=30000, rebalance_ms=30000):
    """Version 4."""
    return (text(group) + struct.pack(">ii", session_ms, rebalance_ms) + text(member) + text("consumer") + struct.pack(">i", len(protocols)) +
            b"".join(text(name) + data(metadata) for name, metadata in protocols))


def join_answer(payload):
    """(error, generation, leader, member, names of the members), version 4."""
    reader = Reader(payload)
    _, error, generation = reader.take("ihi")
    reader.text()
    leader, member = reader.text(), reader.text()
    members = []
    for _ in range(reader.take("i")):
        members.append(reader.text())
        read_data(reader)
    return error, generation, leader, member, members


def sync(group, generation, member, assignments=()):
    """Version 2."""
    return (text(group) + struct.pack(">i", generation) + text(member) + struct.pack(">i", len(assignments)) +
            b"".join(text(name) + data(assignment) for name, assignment in assignments))


def sync_answer(payload):
    """(error, assignment), version 2."""
    reader = Reader(payload)
    _, error = reader.take("ih")
    return error, read_data(reader)


def heartbeat(group, generation, member):
    """Version 2."""
    return text(group) + struct.pack(">i", generation) + text(member)


def heartbeat_answer(payload):
    return struct.unpack(">ih", payload)[1]


def commit(group, topic, offset, generation=-1, member="", partition=0):
    """Version 5."""
    return (text(group) + struct.pack(">i", generation) + text(member) + struct.pack(">i", 1) + text(topic) + struct.pack(">i", 1) +
            struct.pack(">iq", partition, offset) + text("note"))


def commit_answer(payload):
    """The error of a one-partition answer, version 5."""
    return struct.unpack(">h", payload[-2:])[0]


def fetch_offset(group, topic, partition=0):
    """Version 4."""
    return text(group) + struct.pack(">i", 1) + text(topic) + struct.pack(">ii", 1, partition)


def fetched_offset(payload):
    """(error of the group, offset, note) of a one-partition answer, version 4."""
    reader = Reader(payload)
    reader.take("i")
    if reader.take("i") == 0:
        return reader.take("h"), -1, None
    reader.text()
    reader.take("ii")
    offset, note, error = reader.take("q"), reader.text(), reader.take("h")
    return reader.take("h") or error, offset, note
