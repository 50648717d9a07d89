"""A broker on what a power loss left: started, read back as a whole, held against the ledger, written to."""
import collections
import os
import random
import sys

import batches
import load
import machine
import reading
import rig
import wire

# Retention keeps still, or logs would lose their fronts while they are read.
AT_REST = "log.retention.check.interval.ms=3600000"
COMMON = ("auto.create.topics.enable=false", "max.connection.creation.rate=0", "log.level=info")

Known = collections.namedtuple("Known", "partitions topics")  # one look at the ledger and at the topics that come and go


class Broker(rig.Broker):
    """With its log directory on a given disk."""

    def __init__(self, tidelog, directory, *options, under=machine.ENDS_WITH_US):
        super().__init__(tidelog, *COMMON, *options, under=under)
        self.data = os.path.join(directory, "data")

    def __enter__(self):
        try:
            return super().__enter__()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(self, *problem):
        with machine.uninterrupted():
            super().__exit__(*problem)

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Inspection:
    """What is asked of a log directory that stopped at some moment."""

    def __init__(self, producing, before, after, may_lose_the_end=False):
        self.producing, self.before, self.after, self.may_lose_the_end = producing, before, after, may_lose_the_end
        self.lost = 0

    def run(self, broker):
        """Everything acknowledged is there, nothing else, and the logs go on."""
        self.records(broker)
        self.topics(broker)
        self.goes_on(broker)

    def records(self, broker):
        partitions = self.producing.partitions
        found = reading.read_all(broker.port, list(partitions))
        self.lost = 0
        for place, partition in partitions.items():
            assert found[place] is not None, f"partition {place} is gone"
            check = load.ledger.Check(partition, self.before.partitions[place], self.after.partitions[place], found[place])
            self.lost += check.run(self.may_lose_the_end)
        self.ends = {place: stored.end for place, stored in found.items()}

    def topics(self, broker):
        later = self.after.topics
        steady = {name: state for name, state in self.before.topics.items() if state == later[name] and state[1] != "unknown"}
        found = reading.read_all(broker.port, [(name, 0) for name in steady]) if steady else {}
        for name, (incarnation, state) in steady.items():
            stored = found[name, 0]
            about = f"topic {name}, incarnation {incarnation}, {state}"
            assert (stored is None) == (state == "gone"), f"{about}, is {'not ' if stored is None else ''}there"
            if state == "gone":
                continue
            expected = [batches.checksum(load.passing_batch(name, incarnation))]
            got = [batch.checksum for batch in stored.batches]
            may_be_empty = state == "made" or self.may_lose_the_end
            assert got == expected or (not got and may_be_empty), f"{about}, holds {[batch.data for batch in stored.batches]}"

    def goes_on(self, broker):
        """The next record of some partitions gets the next offset."""
        places = random.sample(list(self.ends), min(4, len(self.ends)))
        connection = rig.Wire(broker.port)
        connection.socket.settimeout(rig.seconds(30))
        for topic, partition in places:
            data = batches.encode([(b"after", b"the power came back")], load.BEGAN_MS)
            connection.send(wire.PRODUCE, 3, 1, load.produce_request([(topic, partition, data)], 10000))
            answer = connection.receive()
            assert answer is not None, "the connection ended"
            (error, base), = load.produce_answer(answer).values()
            end = self.ends[topic, partition]
            assert error == 0 and base == end, f"{topic}-{partition}: error {error}, offset {base}, not {end}"
        connection.close()


def instead(options, other):
    """The options with one in place of what was said of the same key."""
    key = other.partition("=")[0] + "="
    return [option for option in options if not option.startswith(key)] + [other]


def at_rest(producing):
    """An inspection of what is left when nothing is under way any more."""
    known = Known(producing.look(), {})
    return Inspection(producing, known, known)


def inspect_image(tidelog, image, inspection, *options, again=False):
    """Mounts the image, as a machine that lost power does, and looks at all of it; `again`: at the second start, the first was killed."""
    options = instead(options, AT_REST)
    with image, Broker(tidelog, image.path, *options, under=machine.after_power_loss(image.boot_id)) as broker:
        if again:
            broker.kill()
            broker.start()
        inspection.run(broker)
        broker.kill()
