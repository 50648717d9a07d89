"""librdkafka through confluent-kafka: `produce FILE TOPIC:CODEC...` sends FILE's lines to each topic, `consume DIR TOPIC...` writes each topic's lines."""
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

SECONDS = 30.0


def produce(bootstrap, lines, targets):
    for topic, codec in targets:
        failures = []
        producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "enable.idempotence": True, "linger.ms": 5})
        for line in lines:
            producer.produce(topic, value=line, partition=0, on_delivery=lambda error, _: error and failures.append(error))
            producer.poll(0)
        if producer.flush(SECONDS) or failures:
            raise SystemExit(f"{topic}: not delivered: {failures[:3]}")


def read(bootstrap, topic, into):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False})
    partition = TopicPartition(topic, 0, OFFSET_BEGINNING)
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=SECONDS)
    consumer.assign([partition])
    with open(into, "wb") as out:
        done = 0
        while done < end:
            message = consumer.poll(SECONDS)
            if message is None or message.error():
                raise SystemExit(f"{topic}: stopped at {done} of {end}: {message and message.error()}")
            out.write(message.value() + b"\n")
            done = message.offset() + 1
    consumer.close()


def main():
    action, bootstrap, where, *topics = sys.argv[1:]
    if action == "produce":
        with open(where, "rb") as f:
            produce(bootstrap, f.read().splitlines(), [topic.split(":") for topic in topics])
    for topic in topics if action == "consume" else ():
        read(bootstrap, topic, f"{where}/{topic}")


main()
