"""Everything that a broker serves of some partitions, as raw batches."""
import collections
import struct

import batches
import rig
import wire

EARLIEST, LATEST = -2, -1
UNKNOWN_TOPIC = 3
MOST_BYTES = 8 << 20

Stored = collections.namedtuple("Stored", "start end batches")


def by_topic(places, encode):
    """An array of topics with their partitions, of {(topic, partition): more}."""
    topics = collections.defaultdict(list)
    for (topic, partition), more in places.items():
        topics[topic].append(encode(partition, more))
    return wire.array([wire.text(topic) + wire.array(parts) for topic, parts in topics.items()])


def answers(payload, lead, read):
    """{(topic, partition): read(answer)} behind `lead` bytes."""
    answer = wire.Answer(b"\0" * 4 + payload)
    answer.raw(lead)
    found = {}

    def topic(answer):
        name = answer.text()
        for partition, value in answer.items(lambda a: (a.take("i"), read(a))):
            found[name, partition] = value

    answer.items(topic)
    return found


def offsets(connection, places, timestamp):
    """{place: offset}; None where there is no such partition."""
    body = struct.pack(">i", -1) + by_topic(dict.fromkeys(places, timestamp), lambda p, t: struct.pack(">iq", p, t))
    found = answers(connection.call(wire.LIST_OFFSETS, 1, body), 0, lambda a: a.take("hqq"))
    for place, (error, _, _) in found.items():
        assert error in (0, UNKNOWN_TOPIC), f"ListOffsets of {place}: error {error}"
    return {place: None if error else offset for place, (error, _, offset) in found.items()}


def fetch(connection, positions):
    """{place: the bytes from that offset on}, of those that have some; an error fails."""
    wanted = by_topic(positions, lambda partition, offset: struct.pack(">iqi", partition, offset, MOST_BYTES))
    body = struct.pack(">iiiib", -1, 0, 1, MOST_BYTES, 0) + wanted

    def part(answer):
        error, _, _ = answer.take("hqq")
        answer.items(lambda a: a.take("qq"))
        return error, answer.data()

    found = answers(connection.call(wire.FETCH, 4, body), 4, part)
    for place, (error, _) in found.items():
        assert error == 0, f"fetching {place} from offset {positions[place]}: error {error}"
    return {place: data for place, (_, data) in found.items() if data}


def read_all(port, places):
    """{place: Stored}; None for what there is not."""
    connection = rig.Wire(port)
    connection.socket.settimeout(rig.seconds(30))
    try:
        starts, ends = offsets(connection, places, EARLIEST), offsets(connection, places, LATEST)
        found = {place: None if start is None else Stored(start, ends[place], []) for place, start in starts.items()}
        wanted = {place: stored.start for place, stored in found.items() if stored and stored.start < stored.end}
        while wanted:
            got = fetch(connection, wanted)
            assert got, f"nothing comes of {wanted}, which end at {[found[place].end for place in wanted]}"
            for place, data in got.items():
                came = list(batches.split(data))
                assert came, f"{place}: {len(data)} bytes from offset {wanted[place]} on are no batch"
                found[place].batches.extend(came)
                wanted[place] = came[-1].last + 1
                if wanted[place] >= found[place].end:  # Beyond it if somebody writes.
                    found[place] = found[place]._replace(end=wanted.pop(place))
        return found
    finally:
        connection.close()
