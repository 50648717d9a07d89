"""A disk that answers with errors: nothing is acknowledged that is not on it, the broker ends (it was its only disk), and what was
acknowledged is there afterwards: on what a power loss would have left, after a restart of the
machine, and after a restart of the broker alone.

The last is the hard one. A write-back that failed leaves pages in memory that the kernel takes for clean: whoever reads them finds records
that no disk has, and a sync of them succeeds. What is acknowledged behind them is lost with the next power loss if a start trusts them."""
import collections
import fcntl
import os
import struct

import crash
import disk
import load
import rig

MEGABYTES = 192
EXT4_IOC_SHUTDOWN, NOLOGFLUSH = 0x8004587D, 2
OPTIONS = ("shards=1", "log.retention.check.interval.ms=3000")

Case = collections.namedtuple("Case", "name break_it options same_mount")


def marker_of(producing, topic):
    """Bytes of ten records that are to be written soon."""
    ten = len(producing.partitions[topic, 0].sent) // 10 + 1
    return (b"%s-0 %07d" % (topic.encode(), ten)).hex()  # See ledger.value_of.


def fail_a_write_back(device, producing):
    device.fail(marker=marker_of(producing, "rolling"), failing_marked=1)


def fail_what_the_journal_has(device, producing):
    """The write-back of a record whose acknowledgement the journal was good for."""
    newest = producing.partitions["many", 5].acked[-1]
    device.fail(marker=(b"many-5 %08d" % newest.number).hex(), failing_marked=1)


def fail_a_round(device, producing):
    device.fail(marker=marker_of(producing, "many"), failing_marked=1)


def fail_a_flush(device, _):
    device.fail(failing_flushes=1)


def fail_everything(device, _):
    device.fail(failing_flushes=-1, failing_writes=-1)


def shut_down(device, _):
    """The file system answers every write with EIO from here on."""
    directory = os.open(device.path, os.O_RDONLY)
    try:
        fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack("=I", NOLOGFLUSH))
    finally:
        os.close(directory)


CASES = (
    Case("the write-back of a segment fails once, then the broker alone starts again", fail_a_write_back, ("journal.bytes=0",), True),
    Case("the write-back of a segment fails once, then the machine starts again", fail_a_write_back, ("journal.bytes=0",), False),
    Case("the write-back of what the journal has fails once, then the broker alone starts again", fail_what_the_journal_has, (), True),
    Case("the write-back of what the journal has fails once, then the machine starts again", fail_what_the_journal_has, (), False),
    Case("a round of the journal fails once, then the broker alone starts again", fail_a_round, (), True),
    Case("a round of the journal fails once, then the machine starts again", fail_a_round, (), False),
    Case("a flush fails once", fail_a_flush, (), False),
    Case("every write and flush fails", fail_everything, (), False),
    Case("the file system refuses every write", shut_down, (), False),
)


def journal_is_there(broker):
    return os.path.exists(os.path.join(broker.data, "journal", "00"))


def check(args, case):
    options = (*OPTIONS, *case.options)
    with disk.Disk(MEGABYTES) as device, crash.Broker(args.tidelog, device.path, *options) as broker:
        with load.Load(broker) as producing:
            producing.until_acked(50)
            if "journal.bytes=0" not in options:
                rig.until(lambda: journal_is_there(broker), "a journal is made")
                producing.until_acked(20)
            case.break_it(device, producing)
            rig.until(lambda: broker.process.poll() is not None, "the broker ends", 60)
        is_told = "nothing is acknowledged any more" in broker.said()
        assert broker.process.returncode > 0 and is_told, (broker.process.returncode, broker.said()[-2000:])
        crash_then_again(args, case, device, broker, producing)
    return producing.acked()


def crash_then_again(args, case, device, broker, producing):
    options = (*OPTIONS, *case.options)
    inspect(args, device.cut(0, 1), producing, "on what a power loss left at that moment", options)
    device.heal()
    if not case.same_mount:
        device.remount()
    broker.start()
    crash.at_rest(producing).records(broker)
    producing.start()
    producing.until_acked(30)
    producing.stop()
    inspect(args, device.cut(0, 2), producing, "on what a power loss left after it went on", options)
    assert broker.stop() == 0


def inspect(args, image, producing, when, options):
    try:
        crash.inspect_image(args.tidelog, image, crash.at_rest(producing), *options)
    except AssertionError as problem:
        kept = f" (kept as {image.keep_in(args.keep)})" if args.keep else ""
        raise AssertionError(f"{when}{kept}: {problem}") from problem
    image.drop()


def run(args):
    failed, acked = [], 0
    for case in CASES:
        try:
            acked += check(args, case)
            print(f"ok {case.name}", flush=True)
        except (AssertionError, OSError) as problem:
            failed.append(case.name)
            print(f"FAILED {case.name}:\n    {problem}", flush=True)
    assert not failed, f"{len(failed)} of {len(CASES)} cases failed"
    return [f"I/O errors: {len(CASES)} cases, {acked} records acknowledged in the others than those that failed, none lost"]
