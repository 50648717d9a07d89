#!/usr/bin/env python3
"""Fuzzes every target until it has had its CPU time, over as many runs as that takes, and keeps the account in bench/results/fuzzing.json.

Usage: endurance.py [--cpu-seconds 3600] [--slice 300] [--only NAME ...] [--minutes N] [--jobs N] [--keep]
Targets take turns, the one that had least first. What breaks one is left in build/fuzz-findings and counted as open; the run then ends with
1. Interrupted, it ends after writing the account. --keep moves what is new and reaches something new into tests/fuzz/corpus.
"""
import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import targets

ACCOUNT = targets.ROOT / "bench" / "results" / "fuzzing.json"
LARGEST_KEPT = 4096   # bytes; larger ones cost every later run more than they are worth
MOST_KEPT = 400       # inputs that one target's corpus may have
QUICK_SECONDS = 5     # of processor time, of the ten that an input may take


def read_account():
    return json.loads(ACCOUNT.read_text(encoding="utf-8")) if ACCOUNT.exists() else {}


def write_account(account):
    new = ACCOUNT.with_suffix(".new")
    new.write_text(json.dumps(account, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    new.replace(ACCOUNT)


def entry(account, name):
    return account.setdefault(name, {"cpu_seconds": 0, "executions": 0, "open_findings": 0})


def was_slow(target, said):
    """Whether the input that took too long does so by itself. The fuzzer goes by the clock, and on a busy machine its process may stand still
    for as long; an input that is quick is no finding, and is not left as one."""
    written = re.search(r"Test unit written to (\S+timeout-\S+)", said)
    if written is None:
        return True
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    again = subprocess.run([str(target), *targets.LIMITS, written[1]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    if again.returncode != 0 or took >= QUICK_SECONDS:
        return True
    Path(written[1]).unlink(missing_ok=True)
    return False


class Runs:
    """Targets under way, and the account of what they had. Thread: any."""

    def __init__(self, options):
        self.options = options
        self.account = read_account()
        self.until = time.monotonic() + 60 * options.minutes
        self.lock = threading.Lock()
        self.under_way = {}  # Programs and their processes; none while it is being started.
        self.broken = set()  # Nothing is learned from meeting the same finding again.
        self.is_over = False

    def stop(self, *_):
        """What the targets did until now counts."""
        self.is_over = True
        for process in filter(None, list(self.under_way.values())):
            process.send_signal(signal.SIGINT)

    def left(self, target):
        return self.options.cpu_seconds - entry(self.account, targets.name_of(target))["cpu_seconds"]

    def next_target(self):
        """The one that had least, if any wants more; nobody else takes it until it is booked."""
        with self.lock:
            free = [target for target in targets.all_targets() if target not in self.under_way and target not in self.broken
                    and (not self.options.only or targets.name_of(target) in self.options.only) and self.left(target) > 0]
            if self.is_over or not free or time.monotonic() >= self.until:
                return None
            target = max(free, key=self.left)
            self.under_way[target] = None
            return target

    def book(self, target, cpu, executions, is_well):
        with self.lock:
            del self.under_way[target]
            mine = entry(self.account, targets.name_of(target))
            mine["cpu_seconds"] = round(mine["cpu_seconds"] + cpu)
            mine["executions"] += executions
            if not is_well:
                mine["open_findings"] += 1
                self.broken.add(target)
            write_account(self.account)
            print(f"{targets.name_of(target):16} {mine['cpu_seconds']:6} CPU-s {mine['executions']:12} executions, "
                  f"{mine['open_findings']} open findings", flush=True)

    def run_one(self, target):
        seconds = max(10, min(self.options.slice, round(self.left(target)), round(self.until - time.monotonic())))
        log = targets.FINDINGS.parent / "fuzz-logs" / f"{target.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as output:
            process = subprocess.Popen(targets.command(target, seconds), stdout=output, stderr=subprocess.STDOUT)
            self.under_way[target] = process
            _, status, used = os.wait4(process.pid, 0)
        said = log.read_bytes().decode(errors="replace")
        executions = re.findall(r"stat::number_of_executed_units: +(\d+)", said)
        broke = re.search(r"SUMMARY: |ERROR: |runtime error: ", said) is not None
        ended_well = os.waitstatus_to_exitcode(status) == 0 or self.is_over
        is_well = ended_well and not broke
        if not is_well and "libFuzzer: timeout" in said:
            is_well = not was_slow(target, said)
        self.book(target, used.ru_utime + used.ru_stime, int(executions[-1]) if executions else 0, is_well)

    def run_all(self):
        while (target := self.next_target()) is not None:
            self.run_one(target)


def fuzz(options):
    runs = Runs(options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, runs.stop)
    workers = [threading.Thread(target=runs.run_all) for _ in range(options.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return runs.account


def keep(target):
    """Inputs that reach what neither the kept ones nor the seeds do, the smallest that do, as long as there is room."""
    name = targets.name_of(target)
    with tempfile.TemporaryDirectory() as folder:
        known = set()
        for source in targets.starting_points(name):
            for path in source.iterdir():
                shutil.copy(path, Path(folder) / path.name)
                known.add(path.name)
        subprocess.run([str(target), "-merge=1", *targets.LIMITS, folder, str(targets.FOUND / name)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        new = sorted((path for path in Path(folder).iterdir() if path.name not in known), key=lambda path: path.stat().st_size)
        into = targets.KEPT / name
        into.mkdir(parents=True, exist_ok=True)
        room = MOST_KEPT - sum(1 for _ in into.iterdir())
        taken = [path for path in new if path.stat().st_size <= LARGEST_KEPT][:max(0, room)]
        for path in taken:
            shutil.copy(path, into / path.name)
        print(f"{name:16} {len(taken)} inputs kept of {len(new)} new ones", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu-seconds", type=int, default=3600)
    parser.add_argument("--slice", type=int, default=300)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=24 * 60)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    subprocess.run(targets.seeds_command(), check=True)
    if not targets.all_targets():
        sys.exit("no target is there: cmake --preset fuzz && cmake --build --preset fuzz")
    if options.keep:
        for target in targets.all_targets():
            if (targets.FOUND / targets.name_of(target)).is_dir():
                keep(target)
        return 0
    account = fuzz(options)
    return 1 if any(one["open_findings"] for one in account.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
