#!/usr/bin/env python3
"""Files that are damaged behind the broker's back: what is not touched is served, what is missing is told, and nothing else is removed."""
import glob
import os
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
    code, _, said = run(args, "produce", topic, *at, data=b"".join(LINES))
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
    a_clean_stop_leaves_nothing_to_be_read_again(args)
    print("damage is told and harms nothing else")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
