"""What these tests need of the machine, and that nothing of theirs stays on it.

Everything is mounted in a namespace of mounts that only this process and its children have, and ends with them, also after SIGKILL: a loop
device is detached by its last unmount, a device's process ends with its stdin, a broker with the process that started it."""
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile

CLONE_NEWNS = 0x20000
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# The programs, and the Debian packages they come in.
TOOLS = {"mount": "mount", "umount": "mount", "losetup": "mount", "mkfs.ext4": "e2fsprogs", "unshare": "util-linux",
         "setpriv": "util-linux"}


def missing():
    """What keeps these tests from being run here: what is missing, and what to do."""
    if os.geteuid() != 0:
        return ["root: run this as root, or in a virtual machine of which you are it"]
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    absent = [(tool, package) for tool, package in TOOLS.items() if not shutil.which(tool)]
    lacks = [f"{tool}: install the package {package} (deploy/packages.sh faults does)" for tool, package in absent]
    with open("/proc/filesystems", encoding="ascii") as f:
        known = f.read().split()
    for system, option in (("ext4", "CONFIG_EXT4_FS"), ("fuse", "CONFIG_FUSE_FS")):
        if system not in known:
            lacks.append(f"the {system} file system: modprobe {system}, or a kernel with {option}")
    for path, name in (("/dev/fuse", "fuse"), ("/dev/loop-control", "loop")):
        if not os.path.exists(path):
            lacks.append(f"{path}: modprobe {name}; in a container it has to be handed in (docker run --privileged -v /dev:/dev)")
    return lacks or lacking_rights()


def lacking_rights():
    """Mounting is what containers take from root."""
    with tempfile.TemporaryDirectory(prefix="tidelog-faults-") as place:
        other = os.path.join(place, "boot_id")
        with open(other, "w", encoding="ascii"):
            pass
        script = f'mount -t tmpfs none "{place}" && umount "{place}" && mount --bind "{other}" {BOOT_ID}'
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True)
    if done.returncode == 0:
        return []
    return [f"the right to mount ({done.stderr.strip()}): run this as root outside of a container, or in one with --privileged"]


def unshare_mounts():
    """From here on this process sees only what it mounts itself, and what was there."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def hide_mounts():
    """From here on nobody else sees what this process mounts."""
    unshare_mounts()
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def end_in_order():
    """SIGTERM and SIGHUP leave the way an exception does, through everything that has to be undone."""
    def leave(number, _):
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


@contextlib.contextmanager
def uninterrupted():
    """While things are undone a second Ctrl-C has to wait."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


# Commands that a broker runs under. None of them stays as a process of its own.
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL")


def after_power_loss(boot_id):
    """What is in the file `boot_id` is the kernel's boot id for it: a machine that lost power has another one."""
    return (*ENDS_WITH_US, "unshare", "--mount", "sh", "-c", f'mount --bind "$0" {BOOT_ID} && exec "$@"', boot_id)
