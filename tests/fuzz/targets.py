"""The fuzz targets of a build, and how each is run: what it starts from, what it may take, where it leaves what it finds."""
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = ROOT / "build" / "fuzz-seeds"        # Recorded messages and the like, written by seeds.py.
FOUND = ROOT / "build" / "fuzz-corpus"       # What the fuzzer adds, by target.
FINDINGS = ROOT / "build" / "fuzz-findings"  # Inputs that broke something, for all targets.
KEPT = ROOT / "tests" / "fuzz" / "corpus"    # Committed.

LIMITS = ["-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=256"]


def all_targets(folder=ROOT / "build" / "fuzz"):
    """Programs, in the order of their names."""
    return sorted(path for path in folder.rglob("fuzz_*") if path.is_file() and os.access(path, os.X_OK) and not path.suffix)


def name_of(target):
    return target.name.removeprefix("fuzz_")


def seeds_command():
    return [sys.executable, str(ROOT / "tests" / "fuzz" / "seeds.py"), str(SEEDS)]


def starting_points(name):
    """Folders whose inputs are known before the fuzzer finds any."""
    return [path for path in (KEPT / name, SEEDS / name) if path.is_dir()]


def command(target, seconds):
    """Fuzzes for so long by the clock."""
    name = name_of(target)
    for folder in (FOUND / name, FINDINGS):
        folder.mkdir(parents=True, exist_ok=True)
    return [str(target), f"-max_total_time={seconds}", *LIMITS, f"-artifact_prefix={FINDINGS}/{name}-", "-print_final_stats=1",
            str(FOUND / name), *map(str, starting_points(name))]
