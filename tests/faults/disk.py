"""Disks with an ext4 file system: one that can fail and be cut (device.py, behind a loop device), and images of it that were cut off."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid

import machine
import rig

DEVICE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "device.py")
# Without lazy parts, so that a new file system is at rest, and without blocks that only root may have.
MKFS = ("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip() or done.returncode}"
    return done.stdout.strip()


def unmount(path):
    """What holds it (a broker that was just killed) is over within moments; what is not is cut loose from the tree."""
    def is_gone():
        return subprocess.run(["umount", path], capture_output=True).returncode == 0 or not os.path.ismount(path)

    try:
        rig.until(is_gone, f"{path} is unmounted", 5, 0.05)
    except AssertionError:
        subprocess.run(["umount", "-l", path], check=False)
        raise


class Disk:
    """A device and the file system on it, at `path`. Undone at the end, whatever was done to it."""

    def __init__(self, megabytes, journal_megabytes=4):
        """The journal is the file system's: a small one wraps often, a large one has nobody wait for it."""
        self.size, self.journal_megabytes = megabytes << 20, journal_megabytes
        self.home = tempfile.mkdtemp(prefix="tidelog-disk-")
        self.file = os.path.join(self.home, "device")
        self.path = os.path.join(self.home, "files")
        self.loop, self.process, self.cuts = None, None, 0

    def __enter__(self):
        try:
            open(self.file, "wb").close()
            os.mkdir(self.path)
            command = [sys.executable, DEVICE, self.file, str(self.size)]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
            self.answer()
            run(*MKFS, "-J", f"size={self.journal_megabytes}", self.file)
            self.mount()
        except BaseException:
            self.__exit__(None)
            raise
        return self

    def __exit__(self, kind, *_):
        with machine.uninterrupted():
            self.end()

    def end(self):
        if self.process:
            if self.process.poll() is None:
                self.heal()
            if self.loop:
                subprocess.run(["umount", self.path], capture_output=True)
                if os.path.ismount(self.path):
                    subprocess.run(["umount", "-l", self.path], check=False)
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            subprocess.run(["umount", "-l", self.file], capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def mount(self):
        self.loop = run("losetup", "--find", "--show", "--direct-io=on", self.file)
        try:
            run("mount", "-t", "ext4", "-o", "errors=remount-ro", self.loop, self.path)
        finally:
            run("losetup", "--detach", self.loop)  # Takes effect with the unmount, or at once if there is no mount.

    def unmount(self):
        unmount(self.path)
        self.loop = None

    def remount(self):
        """As a restart of the machine has it: nothing of it is in memory any more."""
        self.unmount()
        self.mount()

    def tell(self, **command):
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # The answer tells.
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"the device ended by itself ({self.process.wait()})"
        return json.loads(line)

    def fail(self, **faults):
        """See Device.faults."""
        return self.tell(do="fail", faults=faults)

    def heal(self):
        return self.fail(flush_seconds=0, bytes_per_second=0, failing_flushes=0, failing_writes=0, failing_marked=0)

    def counts(self):
        return self.fail()

    def cut(self, keep, seed):
        """An image of what a power loss now would leave, of what is not flushed each part with this likelihood."""
        self.cuts += 1
        path = os.path.join(self.home, f"cut-{self.cuts}")
        unflushed = self.tell(do="cut", path=path, keep=keep, seed=seed)["unflushed"]
        return Image(path, f"keep={keep:.2f} seed={seed} unflushed blocks={unflushed}")

    def trigger_error(self):
        """What the kernel does when it finds the file system damaged: from here on it is read-only."""
        with open(f"/sys/fs/ext4/{os.path.basename(self.loop)}/trigger_fs_error", "w", encoding="ascii") as f:
            f.write("asked for by a test")


class Image:
    """A file with a file system that was cut off, mounted (ext4 replays its journal) while it is entered; gone afterwards."""

    def __init__(self, file, label):
        self.file, self.label = file, label
        self.path, self.boot_id = file + ".files", file + ".boot-id"

    def __enter__(self):
        os.mkdir(self.path)
        with open(self.boot_id, "w", encoding="ascii") as f:
            f.write(f"{uuid.uuid4()}\n")
        run("mount", "-t", "ext4", "-o", "loop", self.file, self.path)
        return self

    def __exit__(self, *_):
        with machine.uninterrupted():
            unmount(self.path)
            os.rmdir(self.path)
            os.remove(self.boot_id)

    def drop(self):
        os.remove(self.file)

    def keep_in(self, directory):
        """For whoever looks for what went wrong."""
        os.makedirs(directory, exist_ok=True)
        kept = os.path.join(directory, f"{os.path.basename(os.path.dirname(self.file))}-{os.path.basename(self.file)}.img")
        subprocess.run(["cp", "--sparse=always", self.file, kept], check=True)
        return kept
