#!/usr/bin/env python3
"""Files that are damaged behind the broker's back: what is not touched is served, what is missing is told, and nothing else is removed."""
import glob
import os
import struct
import subprocess
import sys

import rig

LINES = [b"line %04d %s\n" % (i, b"x" * 8000) for i in range(400)]


def run(args, *words, data=b""):
    done = subprocess.run([args.tidelog, *words], input=data, capture_output=True, timeout=rig.seconds(60))
    return done.returncode, done.stdout, done.stderr.decode()


def fill(args, broker, topic):
    at = ["-b", broker.address]
    code, _, said = run(args, "topic", "create", topic, "-p", "1", "-c", "segment.bytes=1048576", *at)
    assert code == 0, said
    # Many batches in each segment, whenever they are sent.
    code, _, said = run(args, "produce", topic, *at, "-X", "batch.size=65536", data=b"".join(LINES))
    assert code == 0, said


def segments(broker, topic):
    return sorted(glob.glob(os.path.join(broker.data, topic + "-0", "*.log")))


def read(args, broker, topic):
    return run(args, "consume", topic, "-b", broker.address, "-o", "start:end", "--raw", "--timeout", "3s")


def a_damaged_metadata_log_removes_no_topic(args):
    with rig.Broker(args.tidelog) as broker:
        [log] = glob.glob(os.path.join(broker.data, "__cluster_metadata-0", "*.log"))
        without_the_topic = os.path.getsize(log)
        fill(args, broker, "kept")
        broker.kill()
        os.truncate(log, without_the_topic + 20)
        before = {os.path.basename(path): os.path.getsize(path) for path in segments(broker, "kept")}
        broker.start()
        [stray] = glob.glob(os.path.join(broker.data, "kept-0.*-stray"))
        assert {name: os.path.getsize(os.path.join(stray, name)) for name in before} == before
        assert "belongs to no topic" in broker.said() and "-stray" in broker.said(), broker.said()
        assert broker.stop() == 0
        broker.start()
        assert os.path.isdir(stray), "a second start removed it"


def a_deleted_topic_still_goes(args):
    """The other side: what the metadata say was deleted is no stray."""
    with rig.Broker(args.tidelog) as broker:
        fill(args, broker, "gone")
        broker.kill()
        saved = os.path.join(broker.home, "saved")
        os.rename(os.path.join(broker.data, "gone-0"), saved)
        os.makedirs(os.path.join(broker.data, "gone-0"))
        broker.start()
        code, _, said = run(args, "topic", "delete", "gone", "-b", broker.address, "--yes")
        assert code == 0, said
        broker.kill()
        os.rename(saved, os.path.join(broker.data, "gone-0"))
        broker.start()
        assert not glob.glob(os.path.join(broker.data, "gone-0*")), os.listdir(broker.data)


def missing_segments_are_told(args):
    for topic, spoil in [("first-gone", lambda files: os.remove(files[0])), ("middle-gone", lambda files: os.remove(files[1])),
                         ("first-empty", lambda files: os.truncate(files[0], 0)), ("middle-empty", lambda files: os.truncate(files[1], 0))]:
        with rig.Broker(args.tidelog) as broker:
            fill(args, broker, topic)
            fill(args, broker, "whole")
            files = segments(broker, topic)
            assert len(files) >= 3, files
            assert broker.stop() == 0
            spoil(files)
            broker.start()
            code, out, said = read(args, broker, topic)
            assert code != 0 and "KAFKA_STORAGE_ERROR" in said, (topic, code, len(out), said)
            assert b"".join(LINES).startswith(out), f"{topic}: records behind the gap came without those in it"
            assert f"{topic}-0" in broker.said(), (topic, broker.said())
            code, out, said = read(args, broker, "whole")
            assert code == 0 and out == b"".join(LINES), (code, said)


def flip(path, position):
    with open(path, "r+b") as file:
        file.seek(position)
        byte = file.read(1)
        file.seek(position)
        file.write(bytes([byte[0] ^ 1]))


def batches(path):
    """(base offset, next offset, position, bytes) of each batch."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        base, length = struct.unpack_from(">qi", data, at)
        yield base, base + struct.unpack_from(">i", data, at + 23)[0] + 1, at, length + 12
        at += length + 12


def lines_of(args, broker, topic, offsets):
    code, out, said = run(args, "consume", topic, "-b", broker.address, "-o", offsets, "--raw", "--timeout", "5s")
    assert code == 0, (offsets, said)
    return out


def damage_is_not_served_and_nothing_else_is_lost(args):
    """After SIGKILL nothing valid can stand behind a torn write, so what does proves that acknowledged bytes changed: they are refused, by
    file and offset, and what is before and behind them is served. A wrong base offset is under no checksum, and hides nothing either."""
    for where in ("value", "base offset", "length"):
        with rig.Broker(args.tidelog) as broker:
            fill(args, broker, "bitten")
            broker.kill()
            path = segments(broker, "bitten")[1]
            base, until, position, size = list(batches(path))[1]
            flip(path, position + {"value": size - 5, "base offset": 6, "length": 10}[where])
            sizes = [os.path.getsize(file) for file in segments(broker, "bitten")]
            broker.start()
            assert [os.path.getsize(file) for file in segments(broker, "bitten")] == sizes, "something was cut"
            assert not glob.glob(os.path.join(broker.data, "bitten-0", "*.cut"))
            assert f"{os.path.basename(path)}: offsets {base} to {until - 1}" in broker.said(), (where, broker.said())
            code, out, said = read(args, broker, "bitten")
            assert code != 0 and "KAFKA_STORAGE_ERROR" in said, (where, code, said)
            assert out == b"".join(LINES[:base]), (where, len(out))
            assert lines_of(args, broker, "bitten", f"{until}:end") == b"".join(LINES[until:]), where
            code, said, _ = run(args, "topic", "describe", "bitten", "-b", broker.address)
            assert code == 0 and f"{base} to {until - 1}".encode() in said, (where, said)
            code, _, said = run(args, "produce", "bitten", "-b", broker.address, data=b"one more\n")
            assert code == 0, said
            # And after a clean stop, when nothing is read at start.
            assert broker.stop() == 0
            broker.start()
            code, out, said = read(args, broker, "bitten")
            assert code != 0 and out == b"".join(LINES[:base]), (where, code, len(out))
            assert lines_of(args, broker, "bitten", f"{until}:end") == b"".join(LINES[until:]) + b"one more\n", where


def what_was_torn_is_kept_aside(args):
    with rig.Broker(args.tidelog) as broker:
        fill(args, broker, "torn")
        broker.kill()
        path = segments(broker, "torn")[-1]
        *_, (base, _, position, size) = batches(path)
        os.truncate(path, position + size - 3)
        broker.start()
        [aside] = glob.glob(os.path.join(broker.data, "torn-0", f"*.log.{position}-*.cut"))
        assert os.path.getsize(aside) == size - 3 and os.path.getsize(path) == position
        assert os.path.basename(aside) in broker.said(), broker.said()
        code, out, said = read(args, broker, "torn")
        assert code == 0 and out == b"".join(LINES[:base]), (code, said)


def a_scrub_finds_what_nobody_read(args):
    with rig.Broker(args.tidelog, "log.scrub.interval.ms=50") as broker:
        fill(args, broker, "rotten")
        fill(args, broker, "sound")
        path = segments(broker, "rotten")[0]
        kept = list(batches(path))
        base, until, position, size = kept[len(kept) // 2]
        flip(path, position + size - 5)
        rig.until(lambda: "are damaged" in broker.said(), "the scrub tells what rotted")
        assert f"{os.path.basename(path)}: offsets {base} to {until - 1} are damaged" in broker.said(), broker.said()
        assert not [line for line in broker.said().splitlines() if "scrub" in line and "sound-0" in line], broker.said()
        code, out, said = read(args, broker, "rotten")
        assert code != 0 and "KAFKA_STORAGE_ERROR" in said and out == b"".join(LINES[:base]), (code, len(out), said)
        assert lines_of(args, broker, "rotten", f"{until}:end") == b"".join(LINES[until:])
        assert broker.stop() == 0


def a_clean_stop_leaves_nothing_to_be_read_again(args):
    """Nor to be lost: what nobody had to wait for is on disk by then, too."""
    with rig.Broker(args.tidelog, "durability=page-cache") as broker:
        fill(args, broker, "cached")
        assert broker.stop() == 0
        broker.start()
        assert "recovery read" not in broker.said(), broker.said()
        code, out, said = read(args, broker, "cached")
        assert code == 0 and out == b"".join(LINES), (code, said)


def main():
    args = rig.arguments()
    a_damaged_metadata_log_removes_no_topic(args)
    a_deleted_topic_still_goes(args)
    missing_segments_are_told(args)
    damage_is_not_served_and_nothing_else_is_lost(args)
    what_was_torn_is_kept_aside(args)
    a_scrub_finds_what_nobody_read(args)
    a_clean_stop_leaves_nothing_to_be_read_again(args)
    print("damage is told and harms nothing else")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
