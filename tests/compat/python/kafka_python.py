"""kafka-python, a client without librdkafka: `produce FILE TOPIC:CODEC...` sends FILE's lines, `consume DIR TOPIC...` writes each topic's lines."""
import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

SECONDS = 30


def produce(bootstrap, lines, targets):
    for topic, codec in targets:
        producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type=None if codec == "none" else codec, linger_ms=5)
        sent = [producer.send(topic, value=line, partition=0) for line in lines]
        for future in sent:
            future.get(timeout=SECONDS)
        producer.close()


def read(bootstrap, topic, into):
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, consumer_timeout_ms=SECONDS * 1000)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    end = consumer.end_offsets([partition])[partition]
    consumer.seek_to_beginning(partition)
    with open(into, "wb") as out:
        done = 0
        while done < end:
            message = next(consumer)
            out.write(message.value + b"\n")
            done = message.offset + 1
    consumer.close()


def main():
    action, bootstrap, where, *topics = sys.argv[1:]
    if action == "produce":
        with open(where, "rb") as f:
            produce(bootstrap, f.read().splitlines(), [topic.split(":") for topic in topics])
    for topic in topics if action == "consume" else ():
        read(bootstrap, topic, f"{where}/{topic}")


main()
