"""An ext4 file system of 48 MiB that is full: what tests/integration/full_disk.py shows on a small one in memory, with what only a disk 
has: power loss while it is full, and no room for a journal."""
import os
import subprocess

import crash
import disk
import ledger
import load
import rig

MEGABYTES = 48
REFUSED_SECONDS = 5.0
PLANS = (load.Plan("kept", 16, 100, ledger.EVERYTHING, 8, 0.01, ()),
         load.Plan("large", 2, 20000, ledger.EVERYTHING, 1, 0.0, ("segment.bytes=1048576",)))


def fill(path):
    """To the last byte."""
    with open(os.path.join(path, "filler"), "ab", buffering=0) as f:
        for size in (1 << 20, 65536, 4096, 1):
            try:
                while f.write(b"x" * size) == size:
                    pass
                os.fsync(f.fileno())
            except OSError:
                continue


def is_full(producing):
    producing.is_well()
    large = [producer for producer in producing.producers if producer.plan.topic == "large"]
    return large[0].outcomes[load.STORAGE_ERROR] >= 20


def reads(broker, producing):
    known = crash.Known(producing.look(), {})
    crash.Inspection(producing, known, known).records(broker)


def copies(args, device, producing):
    """Power loss while it is full: a broker starts on that, too, and serves."""
    for number, keep in enumerate((0, 0.3, 0.7, 1)):
        known = crash.Known(producing.look(), {})
        image = device.cut(keep, number)
        inspection = crash.Inspection(producing, known, crash.Known(producing.look(), {}))
        with image, crash.Broker(args.tidelog, image.path, under=crash.machine.after_power_loss(image.boot_id)) as broker:
            inspection.records(broker)
            broker.kill()
        image.drop()


def delete(broker, topic):
    command = [broker.tidelog, "topic", "delete", topic, "-b", broker.address, "--yes"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=rig.seconds(60))
    assert done.returncode == 0, done.stderr


def check(args, shards):
    with disk.Disk(MEGABYTES) as device, crash.Broker(args.tidelog, device.path, f"shards={shards}") as broker:
        with load.Load(broker, PLANS) as producing:
            producing.until_acked(20)
            rig.until(lambda: is_full(producing), "the disk is full, and producers are told", 120)
            assert broker.process.poll() is None, "a full disk ends nobody"
            assert set(producing.outcomes()) <= {0, load.STORAGE_ERROR}, producing.outcomes()
            reads(broker, producing)
            copies(args, device, producing)
            slowest, refused = producing.slowest(), producing.refused()
        assert slowest <= rig.seconds(REFUSED_SECONDS), f"an answer took {slowest:.1f} s"
        assert not os.path.exists(os.path.join(broker.data, "journal", "00")), "a journal takes what is needed for records"
        fill(device.path)
        broker.kill()
        broker.start()
        reads(broker, producing)
        broker.stop()
        broker.start()
        reads(broker, producing)
        delete(broker, "large")
        producing.leave_out("large")
        producing.start()
        producing.until_acked(50)
        producing.stop()
        image = device.cut(0, 9)
        crash.inspect_image(args.tidelog, image, crash.at_rest(producing))
        image.drop()
        assert broker.stop() == 0
    return (f"full disk, {shards} shard(s): {producing.acked()} records acknowledged, {refused} refused, slowest answer {slowest:.2f} s; "
            "none lost in 5 copies and 2 restarts")


def run(args):
    lines = []
    for shards in (1, 3):
        lines.append(check(args, shards))
        print(f"ok {lines[-1]}", flush=True)
    return lines
