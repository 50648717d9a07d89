"""Seeds of fuzz_response: what a broker would say to our client, as scripts of hostile_broker.h.

Each use of the client has one conversation from beginning to end in the newest versions, and one for every recorded answer, in its version,
behind the metadata that lead to it."""
import base64
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
import messages  # noqa: E402  The writer of messages that the integration tests have.
import wire  # noqa: E402

CONSUME, PRODUCE, ADMINISTRATE = 0, 1, 2
BODY = 0
TOPIC_ID = base64.urlsafe_b64encode(b"a topic's own id").decode().rstrip("=")
TOPIC = {"name": "t", "topicId": TOPIC_ID}


def piece(body, kind=BODY):
    return bytes([kind]) + struct.pack(">H", len(body)) + body


class Broker:
    def __init__(self):
        self.apis = messages.load()

    def newest(self, name, back):
        """As hostile_broker.cc lists it."""
        first, last = self.apis[name].request.versions
        return max(first, last - back)

    def says(self, name, value, back=0):
        api, version = self.apis[name], self.newest(name, back)
        out = bytearray()
        messages.Writer(out, version, messages.has(version, api.response.flexible)).structure(api.response.fields, known(api.response.fields, value, version))
        return piece(bytes(out))

    def metadata(self, back=0):
        partitions = [{"partitionIndex": i, "leaderId": 1, "leaderEpoch": 3, "replicaNodes": [1], "isrNodes": [1]} for i in (0, 1)]
        return self.says("Metadata", {"brokers": [{"nodeId": 1, "host": "127.0.0.1", "port": 9092}], "clusterId": "c", "controllerId": 1,
                                      "topics": [{**TOPIC, "partitions": partitions}]}, back)

    def records(self):
        return base64.b64encode(wire.batch(b"one", b"two", b"three", timestamp=1000)).decode()

    def fetched(self, back=0):
        part = {"partitionIndex": 0, "highWatermark": 3, "lastStableOffset": 3, "logStartOffset": 0, "records": self.records()}
        return self.says("Fetch", {"responses": [{"topic": "t", "topicId": TOPIC_ID, "partitions": [part]}]}, back)

    def offsets(self, offset, back=0):
        return self.says("ListOffsets", {"topics": [{"name": "t", "partitions": [{"partitionIndex": i, "timestamp": -1, "offset": offset} for i in (0, 1)]}]}, back)

    def produced(self, offset, back=0):
        part = {"index": 0, "baseOffset": offset, "logAppendTimeMs": -1, "logStartOffset": 0}
        return self.says("Produce", {"responses": [{"name": "t", "topicId": TOPIC_ID, "partitionResponses": [part]}]}, back)


def known(fields, value, version):
    """Without the fields that the version lacks, and with numbers that have no default."""
    kept = {}
    for field in fields:
        key = messages.json_name(field)
        if key not in value or not messages.has(version, field.versions):
            continue
        if field.is_struct or field.is_array and isinstance(value[key], list) and field.fields:
            kept[key] = [known(field.fields, one, version) for one in value[key]] if field.is_array else known(field.fields, value[key], version)
        else:
            kept[key] = value[key]
    return kept


def uses(broker, back):
    """(name, first byte, third byte, script)"""
    to_topic, start, end = broker.metadata(back), broker.offsets(0, back), broker.offsets(3, back)
    yield "consume", CONSUME, 0, to_topic + broker.fetched(back) * 2
    yield "consume-to-end", CONSUME, 5, to_topic + start + end + broker.fetched(back)
    yield "consume-tail", CONSUME, 6, to_topic + start + end + broker.fetched(back)
    producer_id = broker.says("InitProducerId", {"producerId": 7, "producerEpoch": 0}, back)
    yield "produce", PRODUCE, 128, to_topic + producer_id + broker.produced(0, back)
    yield "produce-flushing", PRODUCE, 140, to_topic + producer_id + b"".join(broker.produced(i, back) for i in range(5))
    yield "produce-far", PRODUCE, 132, to_topic + producer_id + broker.produced((1 << 63) - 2, back)
    yield "produce-as-nobody", PRODUCE, 128, to_topic + broker.says("InitProducerId", {"producerId": -1, "producerEpoch": 0}, back) * 3
    yield "consume-below", CONSUME, 6, to_topic + start + broker.offsets(-1 << 63, back)
    for choice in (0, 1, 2):
        yield f"admin-{choice}", ADMINISTRATE, choice, to_topic * 2
    yield "admin-7", ADMINISTRATE, 7, to_topic + start + end


ADMIN_CHOICE = {"CreateTopics": 3, "CreatePartitions": 4, "DeleteRecords": 5, "DeleteTopics": 6, "DescribeConfigs": 8, "IncrementalAlterConfigs": 10}


def write(folder, recorded):
    broker = Broker()
    count = 0
    for back in range(6):
        for name, use, choice, script in uses(broker, back):
            (folder / f"{name}-{back}").write_bytes(bytes([use, back, choice]) + script)
            count += 1
    for message in recorded:
        api = message["name"].removesuffix("Response")
        if message["kind"] != "response" or api not in ADMIN_CHOICE:
            continue
        back = broker.apis[api].request.versions[1] - message["version"]
        if back > 31 or len(message["body"]) > 8000:
            continue
        script = piece(bytes.fromhex(message["body"]))
        before = broker.metadata(back) if api == "DeleteRecords" else b""
        (folder / f"{message['name']}-{message['version']}-{message['variant']}").write_bytes(bytes([ADMINISTRATE, back, ADMIN_CHOICE[api]]) + before + script)
        count += 1
    return count
