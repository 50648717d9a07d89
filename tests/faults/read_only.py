"""A disk that becomes read-only under load. Not by `mount -o remount,ro`, which the kernel refuses while a file is open for writing: what
happens to machines is that the file system finds an error and does it to itself, and that can be asked for."""
import time

import crash
import disk
import load
import rig

MEGABYTES = 192
TIMEOUT_MS, SLACK_SECONDS = 3000, 2.0
GROWTH_BYTES = 32 << 20
OPTIONS = ("shards=1", "log.retention.check.interval.ms=3000")


def wait_for_refusals(broker, producing):
    """Until the broker has answered with errors for a while, or has ended."""
    rig.until(lambda: producing.refused() > 0, "somebody is refused", 30)
    until = time.monotonic() + 10
    rig.until(lambda: broker.process.poll() is not None or time.monotonic() > until, "ten seconds of it", 30, 0.1)
    return broker.process.poll() is None


def still_reads(broker, producing):
    """In either mode: the page cache is there."""
    known = crash.Known(producing.look(), {})
    crash.Inspection(producing, known, crash.Known(producing.look(), {})).records(broker)


def inspect(args, image, producing, mode, options):
    inspection = crash.at_rest(producing)
    inspection.may_lose_the_end = mode == "page-cache"
    crash.inspect_image(args.tidelog, image, inspection, *options)
    image.drop()
    return inspection.lost


def check(args, mode):
    options = (f"durability={mode}", *OPTIONS)
    with disk.Disk(MEGABYTES) as device, crash.Broker(args.tidelog, device.path, *options) as broker:
        with load.Load(broker, timeout_ms=TIMEOUT_MS) as producing:
            producing.until_acked(50)
            before = broker.resident_bytes()
            device.trigger_error()
            serves = wait_for_refusals(broker, producing)
            growth = broker.resident_bytes() - before if serves else 0
            if serves:
                still_reads(broker, producing)
            slowest, outcomes = producing.slowest(), dict(producing.outcomes())
        assert slowest <= rig.seconds(TIMEOUT_MS / 1000 + SLACK_SECONDS), f"an answer took {slowest:.1f} s"
        assert growth <= GROWTH_BYTES, f"{growth >> 20} MiB more memory"
        if serves:
            broker.kill()
        for keep in (0, 1):
            inspect(args, device.cut(keep, 1), producing, mode, options)
        device.remount()
        broker.start()
        inspection = crash.at_rest(producing)
        inspection.may_lose_the_end = mode == "page-cache"
        inspection.run(broker)
        assert broker.stop() == 0
    return (f"read-only, {mode}: the broker {'served on' if serves else 'ended'}, slowest answer {slowest:.2f} s, "
            f"{growth >> 10} KiB more memory, answers by error {outcomes}, acknowledged records lost afterwards: {inspection.lost}")


def run(args):
    lines = []
    for mode in ("fsync", "page-cache"):
        lines.append(check(args, mode))
        print(f"ok {lines[-1]}", flush=True)
    return lines
