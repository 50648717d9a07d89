"""A disk whose syncs take five seconds, and one that takes a megabyte a second: producers hear within their own timeout, readers are
served, memory stays as it is, and nothing is acknowledged that is not on the disk yet."""
import collections
import threading
import time

import crash
import disk
import ledger
import load
import reading
import rig

TIMEOUT_MS, SLACK_SECONDS = 2000, 1.5
READ_SECONDS = 2.0
GROWTH_BYTES = 64 << 20
OBSERVED_SECONDS = 25
OPTIONS = ("shards=1", "log.retention.check.interval.ms=10000")
Case = collections.namedtuple("Case", "name plans megabytes faults")
HEAVY = tuple(load.Plan(f"heavy-{number}", 2, 60000, ledger.EVERYTHING, 2, 0.05, ()) for number in range(4))


class Watcher(threading.Thread):
    """What somebody who only reads notices, and how much memory the broker has."""

    def __init__(self, broker, places):
        super().__init__(daemon=True)
        self.broker, self.places = broker, places
        self.stopping = threading.Event()
        self.slowest, self.failure, self.reads = 0.0, None, 0
        self.first = self.most = broker.resident_bytes()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(rig.seconds(90))
        if self.failure:
            raise AssertionError("a reader was not served") from self.failure

    def run(self):
        try:
            while not self.stopping.wait(0.2):
                began = time.monotonic()
                reading.read_all(self.broker.port, self.places)
                self.slowest, self.reads = max(self.slowest, time.monotonic() - began), self.reads + 1
                self.most = max(self.most, self.broker.resident_bytes())
        except BaseException as problem:
            self.failure = problem

    def growth(self):
        return self.most - self.first


def copies_hold(args, device, producing, seconds):
    """Now and then in that time: what is acknowledged is on the disk, whatever it has in its cache."""
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        known = crash.Known(producing.look(), {})
        image = device.cut(0, count)
        crash.inspect_image(args.tidelog, image, crash.Inspection(producing, known, crash.Known(producing.look(), {})), *OPTIONS)
        image.drop()
        count += 1
        answers = sum(producing.outcomes().values())
        rig.until(lambda: sum(producing.outcomes().values()) > answers + 10 or time.monotonic() > until, "there is more to look for", 60, 0.1)
    return count


def check(args, case):
    with disk.Disk(case.megabytes, 64) as device, crash.Broker(args.tidelog, device.path, *OPTIONS) as broker:
        with load.Load(broker, case.plans, timeout_ms=TIMEOUT_MS) as producing:
            producing.until_acked(20)
            device.fail(**case.faults)
            with Watcher(broker, [next(iter(producing.partitions))]) as watcher:
                copies = copies_hold(args, device, producing, OBSERVED_SECONDS)
            slowest, outcomes = producing.slowest(), dict(producing.outcomes())
            device.heal()
            producing.until_acked(20)
        crash.at_rest(producing).run(broker)
        assert broker.process.poll() is None
    line = (f"slow disk, {case.name}: slowest answer {slowest:.2f} s of {TIMEOUT_MS / 1000:.0f}, slowest of {watcher.reads} reads "
            f"{watcher.slowest:.2f} s, {watcher.growth() >> 10} KiB more memory, {copies} copies, answers by error {outcomes}")
    wrong = [what for what, is_well in (
        ("a producer heard nothing within its timeout", slowest <= rig.seconds(TIMEOUT_MS / 1000 + SLACK_SECONDS)),
        ("the disk was not slow for anybody", outcomes.get(load.TIMED_OUT, 0) > 0 or slowest > 1),
        ("a reader waited for the disk", watcher.slowest <= rig.seconds(READ_SECONDS)),
        ("memory grew", watcher.growth() <= GROWTH_BYTES)) if not is_well]
    print(f"{'FAILED ' + ', '.join(wrong) if wrong else 'ok'}: {line}", flush=True)
    return line, wrong


def run(args):
    cases = (Case("a sync takes 5 s", load.PLANS, 192, {"flush_seconds": 5.0}), Case("1 MB/s", HEAVY, 512, {"bytes_per_second": 1_000_000}))
    results = [check(args, case) for case in cases]
    wrong = [what for _, some in results for what in some]
    assert not wrong, "; ".join(wrong)
    return [line for line, _ in results]
