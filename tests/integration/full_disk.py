#!/usr/bin/env python3
"""A disk without a free byte: what needs room is refused with a reason, what makes room works, a broker starts, and all heals by itself.

The disk is a small file system in memory, mounted where nobody but this test sees it. A machine that lets nobody mount cannot show this; the
simulator fills its disks everywhere."""
import os
import subprocess
import sys

import rig

DISK_BYTES = 16 * 1024 * 1024
RESERVE_BYTES = 4 * 1024 * 1024
INSIDE = "TIDELOG_TEST_HAS_ITS_OWN_MOUNTS"


def run(args, *words, data=b""):
    done = subprocess.run([args.tidelog, *words], input=data, capture_output=True, timeout=rig.seconds(60))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Disk:
    def __init__(self, path):
        self.path = path
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", path], check=True)
        self.filler = os.path.join(path, "filler")

    def fill(self):
        """To the last byte, in the holes that other files left, too."""
        with open(self.filler, "ab", buffering=0) as f:
            for size in (65536, 4096, 1):
                try:
                    while f.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue

    def free(self):
        os.remove(self.filler)

    def gone(self):
        subprocess.run(["umount", "-l", self.path], check=True)


def produce(args, broker, topic, timeout="20s", data=b"line\n" * 10):
    return run(args, "produce", topic, "-b", broker.address, "--timeout", timeout, data=data)


def reserve_bytes(broker):
    return os.path.getsize(os.path.join(broker.data, "reserve"))


def create(args, broker, topic, partitions):
    return run(args, "topic", "create", topic, "-b", broker.address, "-p", str(partitions))


def describe(args, broker, topic):
    return run(args, "topic", "describe", topic, "-b", broker.address)


def check(args, broker, disk):
    for topic in ("kept", "large"):
        assert create(args, broker, topic, 1)[0] == 0
        assert produce(args, broker, topic)[0] == 0
    code, _, said = produce(args, broker, "large", data=(b"y" * 1000 + b"\n") * 3000)
    assert code == 0, said
    disk.fill()

    # A few bytes still find room in the last page of a file.
    code, _, said = produce(args, broker, "large", "2s", data=b"z" * 10000 + b"\n")
    assert code != 0 and "KAFKA_STORAGE_ERROR" in said, (code, said)

    # Wants more than is left: the answer says so, whether the metadata could be written or not.
    code, _, said = create(args, broker, "late", 3000)
    assert code != 0 and "KAFKA_STORAGE_ERROR" in said and "no space left" in said, (code, said)
    assert broker.process.poll() is None, "a full disk ends nobody"

    code, out, said = run(args, "consume", "kept", "-b", broker.address, "-o", "start:end", "--raw", "--timeout", "20s")
    assert code == 0 and out == "line\n" * 10, (code, out, said)

    # Settings and deletions are how an operator makes room: they are written into the reserve when there is nothing else.
    def changes_until_the_reserve_is_used():
        code, _, said = run(args, "config", "set", "-t", "kept", "retention.ms=100000", "-b", broker.address)
        assert code == 0, said
        code, _, said = run(args, "config", "set", "-t", "kept", "retention.ms=200000", "-b", broker.address)
        assert code == 0, said
        disk.fill()
        return reserve_bytes(broker) < RESERVE_BYTES

    assert reserve_bytes(broker) == RESERVE_BYTES
    rig.until(changes_until_the_reserve_is_used, "the reserve is used")
    broker.kill()
    disk.fill()
    broker.start()
    disk.fill()
    code, _, said = run(args, "topic", "delete", "large", "-b", broker.address, "--yes")
    assert code == 0, said

    disk.free()
    rig.until(lambda: reserve_bytes(broker) == RESERVE_BYTES, "the reserve is made again")
    code, _, said = create(args, broker, "afterwards", 2)
    assert code == 0, said
    assert produce(args, broker, "afterwards")[0] == 0
    if describe(args, broker, "late")[0] == 0:
        rig.until(lambda: produce(args, broker, "late", "2s")[0] == 0, "partitions that could not be made are made")
    code, out, _ = run(args, "consume", "kept", "-b", broker.address, "-o", "start:end", "--raw", "--timeout", "20s")
    assert code == 0 and out == "line\n" * 10, (code, out)


def a_partition_that_could_not_be_made_is_made_later(args, broker, disk):
    disk.fill()
    code, _, said = create(args, broker, "early", 1)
    with open(disk.filler, "r+b") as f:
        f.truncate(os.path.getsize(disk.filler) - 4096)  # One block: for the change of the metadata, not for what it asks for.
    while code != 0 and "nothing was changed" in said:
        code, _, said = create(args, broker, "early", 1)
        with open(disk.filler, "r+b") as f:
            f.truncate(os.path.getsize(disk.filler) - 4096)
    disk.free()
    rig.until(lambda: produce(args, broker, "early", "2s")[0] == 0, "a partition that could not be made is made")


def inside(args):
    broker = rig.Broker(args.tidelog)
    disk = Disk(os.path.join(broker.home, "data"))
    try:
        with broker:
            check(args, broker, disk)
            a_partition_that_could_not_be_made_is_made_later(args, broker, disk)
            disk.gone()
    except BaseException:
        disk.gone()
        raise
    print("a full disk refuses, starts and heals")
    return 0


def main(args):
    if INSIDE in os.environ:
        return inside(args)
    for unshare in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        probe = [*unshare, "sh", "-c", 'd=$(mktemp -d) && mount -t tmpfs -o size=1m tmpfs "$d" && umount "$d"; s=$?; rmdir "$d"; exit $s']
        if subprocess.run(probe, stderr=subprocess.DEVNULL).returncode == 0:
            return subprocess.run([*unshare, sys.executable, *sys.argv], env={**os.environ, INSIDE: "1"}).returncode
    print("NOT SHOWN: this machine lets nobody mount a small disk; only the simulator's full disks were tested")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(lambda: main(rig.arguments())))
