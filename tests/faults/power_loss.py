"""Power loss on ext4: while all that writes is under way the disk is cut again and again, and a broker is started on what is left."""
import collections
import os
import random
import time

import crash
import disk
import load
import machine

MEGABYTES = 192  # so that a hundredth of it is enough for a journal
COPIES_OF_A_LIFE = 20
MOST_FAILURES = 5
OFTEN = ("log.cleaner.backoff.ms=200",)

# Lives of a broker: each on a new disk, in turn. Checkpoints come with retention: how often that looks decides what the journal alone has.
LIVES = (
    ("fsync", ("shards=1", "log.retention.check.interval.ms=3000")),
    ("fsync", ("shards=3", "log.retention.check.interval.ms=30000")),
    ("fsync", ("shards=1", "log.retention.check.interval.ms=500")),
    ("page-cache", ("shards=1", "log.retention.check.interval.ms=3000")),
    ("fsync", ("shards=1", "log.retention.check.interval.ms=3000", "journal.bytes=0")),
)


class Tally:
    def __init__(self):
        self.copies, self.failed, self.looked_for, self.lost = (collections.Counter() for _ in range(4))
        self.seconds = 0.0

    def lines(self):
        for mode in self.copies:
            allowed = " (which that mode allows)" if mode == "page-cache" else ""
            yield (f"power loss, {mode}: {self.copies[mode]} copies, {self.failed[mode]} failed; "
                   f"acknowledged records looked for: {self.looked_for[mode]}, lost: {self.lost[mode]}{allowed}")


class Life:
    def __init__(self, args, mode, options, dice, tally):
        self.args, self.mode, self.dice, self.tally = args, mode, dice, tally
        self.options = (f"durability={mode}", *OFTEN, *options)

    def run(self, copies):
        with disk.Disk(MEGABYTES) as device, crash.Broker(self.args.tidelog, device.path, *self.options) as broker:
            with load.Load(broker) as producing, load.Changes(producing) as changes:
                producing.until_acked(100)
                for _ in range(copies):
                    producing.until_acked(self.dice.randrange(1, 30))  # Any moment will do, but not always the same one.
                    self.copy(device, producing, changes)
                    if self.failures() >= MOST_FAILURES:
                        raise AssertionError(f"{MOST_FAILURES} copies failed: that is enough")
                    if self.dice.random() < 0.1:
                        broker.kill()
                        broker.start()
                        producing.until_acked(1)
            self.took_part(broker)
            assert broker.stop() == 0

    def took_part(self, broker):
        """That what is to be tested was there."""
        has_journal = os.path.exists(os.path.join(broker.data, "journal", "00"))
        assert has_journal == (self.mode == "fsync" and "journal.bytes=0" not in self.options), f"journal: {has_journal}"
        assert "compacted" in broker.said(), "nothing was compacted"

    def failures(self):
        return sum(self.tally.failed.values())

    def copy(self, device, producing, changes):
        number = sum(self.tally.copies.values()) + 1
        keep = self.dice.choice((0.0, 1.0, self.dice.random(), self.dice.random()))
        before = crash.Known(producing.look(), changes.look())
        image = device.cut(keep, self.dice.getrandbits(32))
        after = crash.Known(producing.look(), changes.look())
        inspection = crash.Inspection(producing, before, after, may_lose_the_end=self.mode == "page-cache")
        began = time.monotonic()
        try:
            crash.inspect_image(self.args.tidelog, image, inspection, *self.options_of_next(), again=number % 8 == 0)
        except (AssertionError, OSError) as problem:
            self.tally.failed[self.mode] += 1
            kept = f", kept as {image.keep_in(self.args.keep)}" if self.args.keep else " (--keep DIR keeps the image)"
            print(f"FAILED copy {number}, {' '.join(self.options)}, {image.label}{kept}:\n    {problem}", flush=True)
        finally:
            with machine.uninterrupted():
                image.drop()
        self.tally.copies[self.mode] += 1
        self.tally.looked_for[self.mode] += sum(look.acked for look in before.partitions.values())
        self.tally.lost[self.mode] += inspection.lost
        self.tally.seconds += time.monotonic() - began

    def options_of_next(self):
        """How many shards there are may change at any restart."""
        return crash.instead(self.options, f"shards={self.dice.choice((1, 3))}")


def run(args):
    seed = args.seed or random.randrange(1 << 32)
    print(f"power loss: {args.copies} copies, seed {seed}", flush=True)
    dice, tally, left, number = random.Random(seed), Tally(), args.copies, 0
    try:
        while left > 0:
            mode, options = LIVES[number % len(LIVES)]
            began = time.monotonic()
            copies = min(left, COPIES_OF_A_LIFE)
            Life(args, mode, options, dice, tally).run(copies)
            print(f"ok {copies} copies, durability={mode} {' '.join(options)}, {time.monotonic() - began:.0f} s", flush=True)
            left, number = left - copies, number + 1
    finally:
        for line in tally.lines():
            print(line, flush=True)
    assert not sum(tally.failed.values()), "acknowledged records are lost, or what is served is damaged: see above"
    return [*tally.lines(), f"power loss: {tally.seconds / args.copies:.2f} s to mount one, start a broker on it, check all"]
