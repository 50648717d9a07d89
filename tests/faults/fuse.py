"""A file whose every read, write and sync this process answers itself: the smallest file system that the kernel's FUSE takes, mounted over
one file and made of nothing else. No library: the requests of a file that is neither renamed nor resized are few.

Layouts are those of the kernel's linux/fuse.h, version 7.31, in the byte order of the machine."""
import collections
import ctypes
import errno
import os
import struct

FORGET, GETATTR, OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT = 2, 3, 14, 15, 16, 17, 18, 20, 25, 26
ACCESS, INTERRUPT, DESTROY, BATCH_FORGET = 34, 36, 38, 42
NO_ANSWER = (FORGET, BATCH_FORGET, INTERRUPT)

IN_HEADER = struct.Struct("=IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extensions, padding
OUT_HEADER = struct.Struct("=IiQ")  # length, error, unique
TRANSFER = struct.Struct("=QQIIQII")  # handle, offset, size, and what does not matter here: reads and writes begin alike
MOST_BYTES = 1 << 20
MOST_PAGES = 1 << 22  # the flag of INIT: more than 32 pages a request
DIRECT_IO = 1  # the flag of OPEN: nothing is kept in the page cache between us and whoever opened the file
MS_NOSUID, MS_NODEV = 2, 4
VALID_SECONDS = 3600

Request = collections.namedtuple("Request", "opcode unique offset size data")


class OneFile:
    def __init__(self, path, size):
        """Mounted over the file `path`, which is there, until `close` or the end of the process."""
        self.size = size
        self.descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_NONBLOCK)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self.descriptor},rootmode=100000,user_id=0,group_id=0"
        if libc.mount(b"tidelog-faults", path.encode(), b"fuse", MS_NOSUID | MS_NODEV, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), "cannot mount a FUSE file system", path)
        self.buffer = bytearray(MOST_BYTES + 65536)

    def next(self):
        """The next request for bytes or a sync, None if it was something else and is answered already. EOFError: it was unmounted."""
        try:
            length = os.readv(self.descriptor, [self.buffer])
        except OSError as problem:
            if problem.errno == errno.ENODEV:
                raise EOFError from problem
            if problem.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):  # One that was interrupted before we took it.
                return None
            raise
        _, opcode, unique, *_ = IN_HEADER.unpack_from(self.buffer)
        body = memoryview(self.buffer)[IN_HEADER.size:length]
        if opcode in (READ, WRITE):
            _, offset, size, *_ = TRANSFER.unpack_from(body)
            return Request(opcode, unique, offset, size, body[TRANSFER.size:TRANSFER.size + size] if opcode == WRITE else None)
        if opcode == FSYNC:
            return Request(opcode, unique, 0, 0, None)
        if opcode not in NO_ANSWER:
            self.answer_other(opcode, unique, body)
        return None

    def close(self):
        """Whoever still uses the file gets errors."""
        os.close(self.descriptor)

    def answer(self, unique, data=b"", error=0):
        try:
            os.writev(self.descriptor, [OUT_HEADER.pack(OUT_HEADER.size + len(data), -error, unique), data])
        except OSError as problem:
            if problem.errno != errno.ENOENT:  # Who asked was killed meanwhile.
                raise

    def answer_other(self, opcode, unique, body):
        if opcode == INIT:
            major, minor, readahead, flags = struct.unpack_from("=IIII", body)
            sizes = (16, 12, MOST_BYTES, 1, MOST_BYTES // 4096, 0)  # Requests in the background, of bytes, of pages.
            known = struct.pack("=IIIIHHIIHH", major, min(minor, 31), readahead, flags & MOST_PAGES, *sizes)
            self.answer(unique, known.ljust(64, b"\0"))
        elif opcode == GETATTR:
            attributes = struct.pack("=6Q10I", 1, self.size, self.size // 512, 0, 0, 0, 0, 0, 0, 0o100600, 1, 0, 0, 0, 4096, 0)
            self.answer(unique, struct.pack("=QII", VALID_SECONDS, 0, 0) + attributes)
        elif opcode == OPEN:
            self.answer(unique, struct.pack("=QIi", 0, DIRECT_IO, 0))
        elif opcode == STATFS:
            self.answer(unique, struct.pack("=5Q4I6I", self.size // 4096, 0, 0, 1, 0, 4096, 255, 4096, *[0] * 7))
        elif opcode in (RELEASE, FLUSH, ACCESS, DESTROY):
            self.answer(unique)
        else:
            self.answer(unique, error=errno.ENOSYS)
