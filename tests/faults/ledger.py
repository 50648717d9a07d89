"""What was sent to each partition and what of it was acknowledged, and whether a log that was read back can be what is left of it."""
import collections
import re
import threading

import batches

Acked = collections.namedtuple("Acked", "base last checksum size number")
Look = collections.namedtuple("Look", "acked trim_done trim_asked")  # what was known at one moment

EVERYTHING, NEWEST_OF_KEY = "everything", "the newest of each key"
KEYS = 30


def value_of(topic, partition, number, size):
    head = b"%s-%d %08d " % (topic.encode(), partition, number)
    return head + bytes(97 + (number + i) % 26 for i in range(8)) * ((size - len(head)) // 8 + 1)


def key_of(number):
    return b"key %d" % (number % KEYS)


class Partition:
    """Thread: one producer notes, another thread looks."""

    def __init__(self, topic, index, size, keeps):
        self.topic, self.index, self.size = topic, index, size
        self.keeps = keeps  # EVERYTHING, NEWEST_OF_KEY, or how many bytes retention has to leave
        self.lock = threading.Lock()
        self.sent = {}  # checksum -> number
        self.acked = []
        self.trim_done = self.trim_asked = 0

    def next(self, timestamp):
        """A batch of one record with the next number, noted as sent."""
        with self.lock:
            number = len(self.sent)
        key = key_of(number) if self.keeps == NEWEST_OF_KEY else None
        data = batches.encode([(key, self.value(number))], timestamp)
        with self.lock:
            self.sent[batches.checksum(data)] = number
        return data

    def value(self, number):
        return value_of(self.topic, self.index, number, self.size)

    def note(self, data, base):
        checksum = batches.checksum(data)
        with self.lock:
            self.acked.append(Acked(base, base, checksum, len(data), self.sent[checksum]))

    def look(self):
        with self.lock:
            return Look(len(self.acked), self.trim_done, self.trim_asked)

    def name(self):
        return f"{self.topic}-{self.index}"


class Check:
    """One partition as it was read back, against what was known before its disk was cut and after."""

    def __init__(self, partition, before, after, stored):
        self.partition, self.before, self.after, self.stored = partition, before, after, stored
        with partition.lock:
            self.acked = partition.acked[:before.acked]
            self.sent = dict(partition.sent)

    def fail(self, text):
        stored = self.stored
        about = f"{self.partition.name()} (log start {stored.start}, end {stored.end}, {len(self.acked)} acknowledged)"
        raise AssertionError(f"{about}: {text}")

    def run(self, may_lose_the_end):
        """How many acknowledged records are not there, which is none unless `may_lose_the_end`."""
        if self.partition.keeps == NEWEST_OF_KEY:
            return self.newest_of_each_key(may_lose_the_end)
        self.is_one_order_of_what_was_sent()
        self.begins_where_it_may(may_lose_the_end)
        return self.has_what_was_acked(may_lose_the_end)

    def is_one_order_of_what_was_sent(self):
        at, newest = self.stored.start, -1
        for index, batch in enumerate(self.stored.batches):
            if batch.base != at and not (index == 0 and batch.base < at):
                self.fail(f"offset {batch.base} follows where {at} should")
            number = self.sent.get(batch.checksum)
            if number is None:
                self.fail(f"what is at offset {batch.base} was never sent: {batch.data[:120]!r}")
            if number <= newest:
                self.fail(f"record {number} at offset {batch.base} stands behind record {newest}")
            at, newest = batch.last + 1, number
        if at != self.stored.end:
            self.fail(f"the records end at {at}")

    def begins_where_it_may(self, may_lose_the_end):
        start, keeps = self.stored.start, self.partition.keeps
        if keeps == EVERYTHING:
            if not self.before.trim_done <= start <= self.after.trim_asked:
                self.fail(f"trimmed to {self.before.trim_done}, asked for up to {self.after.trim_asked}")
            return
        left = 0
        for acked in reversed(self.acked if not may_lose_the_end else []):
            # Half, because what was under way when retention looked counted as well and may be lost.
            if left >= keeps // 2:
                break
            if acked.base < start:
                self.fail(f"retention took offset {acked.base}, of the newest {left} bytes of {keeps}")
            left += acked.size

    def has_what_was_acked(self, may_lose_the_end):
        there = {batch.base: batch.checksum for batch in self.stored.batches}
        lost = []
        for acked in self.acked:
            if acked.base < self.stored.start:
                continue
            if acked.base >= self.stored.end:
                lost.append(acked)
            elif there.get(acked.base) != acked.checksum:
                self.fail(f"acknowledged record {acked.number} is not at offset {acked.base}")
        if lost and not may_lose_the_end:
            self.fail(f"{len(lost)} acknowledged records are lost, offsets {lost[0].base} to {lost[-1].base}")
        return len(lost)

    def newest_of_each_key(self, may_lose_the_end):
        newest, before = {}, -1
        for batch in self.stored.batches:
            for offset, key, value in batches.records(batch):
                match = re.match(rb"\S+ (\d{8}) ", value or b"")
                number = int(match.group(1)) if match else -1
                is_known = number in range(len(self.sent)) and key == key_of(number)
                if not is_known or value != self.partition.value(number):
                    self.fail(f"what is at offset {offset} was never sent: {key!r} {(value or b'')[:80]!r}")
                if number <= before or offset < self.stored.start:
                    self.fail(f"record {number} at offset {offset} stands behind record {before}")
                newest[key] = before = number
        wanted = {key_of(acked.number): acked for acked in self.acked}
        lost = [acked for key, acked in wanted.items() if newest.get(key, -1) < acked.number]
        wrongly = [acked for acked in lost if not may_lose_the_end or acked.base < self.stored.end]
        if wrongly:
            self.fail(f"the newest acknowledged value of {len(wrongly)} keys is lost, offsets {[acked.base for acked in wrongly][:5]}")
        return len(lost)
