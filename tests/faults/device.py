"""A block device in memory, as a process of its own: it has a cache that forgets, and it fails when told to.

What was written is in the cache; a flush makes it durable. A cut is an image of the device as a power loss would leave it: all that was
flushed, and of the rest what the dice say, down to single sectors. Reads see the cache, as those of any disk.

Usage: device.py FILE BYTES. The device is FILE, for `losetup` or mkfs. Commands are lines of JSON on stdin, each answered by one on stdout;
the process ends when stdin does, so that it never outlives whoever started it."""
import errno
import heapq
import json
import mmap
import os
import random
import select
import signal
import sys
import time

import fuse
import machine

BLOCK, SECTOR, CHUNK = 4096, 512, 65536


class Cache:
    """The bytes of the device, twice."""

    def __init__(self, size):
        self.size = size
        self.now, self.durable = mmap.mmap(-1, size), mmap.mmap(-1, size)
        self.unflushed, self.touched = set(), set()  # blocks, chunks

    def write(self, offset, data):
        end = offset + len(data)
        self.now[offset:end] = data
        self.unflushed.update(range(offset // BLOCK, (end + BLOCK - 1) // BLOCK))
        self.touched.update(range(offset // CHUNK, (end + CHUNK - 1) // CHUNK))

    def flush(self):
        for block in self.unflushed:
            at = block * BLOCK
            self.durable[at:at + BLOCK] = self.now[at:at + BLOCK]
        self.unflushed.clear()

    def cut(self, path, keep, dice):
        """`keep`: how likely it is that an unflushed block is there, 0 to 1; some are torn. Returns how many were unflushed."""
        image = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            os.ftruncate(image, self.size)
            for chunk in self.touched:
                os.pwrite(image, self.durable[chunk * CHUNK:(chunk + 1) * CHUNK], chunk * CHUNK)
            for block in self.unflushed:
                is_torn = 0 < keep < 1 and dice.random() < 0.3
                step = SECTOR if is_torn else BLOCK
                for at in range(block * BLOCK, (block + 1) * BLOCK, step):
                    if dice.random() < keep:
                        os.pwrite(image, self.now[at:at + step], at)
        finally:
            os.close(image)
        return len(self.unflushed)


class Device:
    def __init__(self, path, size):
        self.cache = Cache(size)
        self.file = fuse.OneFile(path, size)
        # Counts of what fails next; below 0: all. `marker`: hexadecimal, of what only writes that contain it are.
        self.faults = {"flush_seconds": 0.0, "bytes_per_second": 0, "failing_flushes": 0, "failing_writes": 0, "failing_marked": 0,
                       "marker": ""}
        self.counts = {"writes": 0, "written_bytes": 0, "flushes": 0, "failed_writes": 0, "failed_flushes": 0}
        self.later = []  # (due, unique, error, is it a flush)
        self.busy_until = 0.0

    def uses_up(self, fault):
        """Whether it fails this time; a fault below 0 lasts."""
        left = self.faults[fault]
        if left > 0:
            self.faults[fault] = left - 1
        return left != 0

    def serve(self, request):
        if request.opcode == fuse.READ:
            self.file.answer(request.unique, self.cache.now[request.offset:request.offset + request.size])
        elif request.opcode == fuse.WRITE:
            self.write(request)
        else:
            self.counts["flushes"] += 1
            error = errno.EIO if self.uses_up("failing_flushes") else 0
            self.counts["failed_flushes"] += error != 0
            self.finish(self.faults["flush_seconds"], request, error)

    def write(self, request):
        self.counts["writes"] += 1
        self.counts["written_bytes"] += request.size
        marker = bytes.fromhex(self.faults["marker"])
        is_marked = marker and bytes(request.data).find(marker) >= 0
        error = errno.EIO if self.uses_up("failing_writes") or (is_marked and self.uses_up("failing_marked")) else 0
        self.counts["failed_writes"] += error != 0
        if error == 0:
            self.cache.write(request.offset, request.data)
        rate, now = self.faults["bytes_per_second"], time.monotonic()
        if rate > 0:
            self.busy_until = max(now, self.busy_until) + request.size / rate
        self.finish(self.busy_until - now if rate > 0 else 0, request, error)

    def finish(self, seconds, request, error):
        is_flush, size = request.opcode == fuse.FSYNC, request.size
        if seconds > 0:
            heapq.heappush(self.later, (time.monotonic() + seconds, request.unique, size, error, is_flush))
        else:
            self.end(request.unique, size, error, is_flush)

    def end(self, unique, size, error, is_flush):
        if is_flush and error == 0:
            self.cache.flush()
        self.file.answer(unique, b"" if is_flush or error else size.to_bytes(4, sys.byteorder) + bytes(4), error)

    def obey(self, command):
        if command["do"] == "cut":
            return {"unflushed": self.cache.cut(command["path"], command["keep"], random.Random(command["seed"]))}
        if command["do"] == "fail":
            self.faults.update(command["faults"])
        return {**self.counts, **self.faults}

    def run(self):
        poll = select.poll()
        poll.register(self.file.descriptor, select.POLLIN)
        poll.register(sys.stdin.fileno(), select.POLLIN)
        while True:
            wait = max(0.0, self.later[0][0] - time.monotonic()) * 1000 if self.later else None
            ready = {descriptor for descriptor, _ in poll.poll(wait)}
            while self.later and self.later[0][0] <= time.monotonic():
                self.end(*heapq.heappop(self.later)[1:])
            if self.file.descriptor in ready and (request := self.file.next()):
                self.serve(request)
            if sys.stdin.fileno() in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                print(json.dumps(self.obey(json.loads(line))), flush=True)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us: the disk has to outlive what is unmounted from it.
    device = Device(sys.argv[1], int(sys.argv[2]))
    machine.unshare_mounts()  # Or the last unmount of what is on this device could fall to us, who would wait for ourselves.
    print(json.dumps({}), flush=True)
    try:
        device.run()
    except EOFError:
        pass
    finally:
        device.file.close()


if __name__ == "__main__":
    main()
