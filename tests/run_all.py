#!/usr/bin/env python3
"""Runs every test that `make test` promises and ends with one line: N passed, N failed.

Stages: the release build with all of ctest; unit, simulator and integration tests under ASan+UBSan and under TSan; each fuzz target for a
bounded time.
A build, a ctest test and a fuzz target count as one each. Logs are kept in build/test-logs.

Knobs (environment): TEST_SANITIZERS=0 leaves the sanitizer builds out; TEST_FUZZ_SECONDS=N is the time of one fuzz target, 0 leaves
fuzzing out; TEST_MINUTES=80 is the limit for everything; TEST_JOBS is how much runs at once.
"""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
import targets  # noqa: E402  (the path stands above)

LOGS = ROOT / "build" / "test-logs"
SANITIZERS = os.environ.get("TEST_SANITIZERS", "1") != "0"
FUZZ_SECONDS = int(os.environ.get("TEST_FUZZ_SECONDS", "20"))
DEADLINE = time.monotonic() + 60 * float(os.environ.get("TEST_MINUTES", "80"))
JOBS = int(os.environ.get("TEST_JOBS", str(len(os.sched_getaffinity(0)))))
TEST_SECONDS = 300  # for one ctest test, unless it sets its own limit
FAILURE_LINES = 120  # of a failed stage's log that are shown

SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1",
}


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def add(self, name, passed, failed, began, note=""):
        self.passed += passed
        self.failed += failed
        seconds = time.monotonic() - began
        print(f"{'FAIL' if failed else 'ok  '} {name:<28} {passed} passed, {failed} failed {seconds:6.0f} s {note}".rstrip(), flush=True)


def run(command, log, extra_environment=None):
    """Runs to the end or the deadline, output into `log`; true if it succeeded. What it started is ended with it."""
    left = DEADLINE - time.monotonic()
    with open(log, "ab") as out:
        if left <= 0:
            out.write(b"no time left: TEST_MINUTES is over\n")
            return False
        environment = {**os.environ, **(extra_environment or {})}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        try:
            return process.wait(timeout=left) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            out.write(b"ended: TEST_MINUTES is over\n")
            return False


def show(log):
    lines = log.read_text(errors="replace").splitlines()
    for line in lines[-FAILURE_LINES:]:
        print(f"     | {line}")
    print(f"     the whole log: {log.relative_to(ROOT)}", flush=True)


def new_log(name):
    log = LOGS / f"{name}.log"
    log.unlink(missing_ok=True)
    return log


def build(preset, tally):
    began, log = time.monotonic(), new_log(f"build-{preset}")
    done = run(["cmake", "--preset", preset], log) and run(["cmake", "--build", "--preset", preset, "--", f"-j{JOBS}"], log)
    tally.add(f"{preset}: build", int(done), int(not done), began)
    if not done:
        show(log)
    return done


def count_results(report):
    """(passed, failed) of a ctest report. A test that did not run is a failed one: nothing is skipped here."""
    if not report.exists():
        return 0, 1
    cases = ElementTree.parse(report).getroot().findall("testcase")
    passed = sum(case.get("status") == "run" for case in cases)
    return passed, len(cases) - passed


def run_ctest(name, preset, selection, tally):
    began, log = time.monotonic(), new_log(f"ctest-{preset}")
    report = LOGS / f"ctest-{preset}.xml"
    report.unlink(missing_ok=True)
    command = ["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "--no-tests=error", "--timeout", str(TEST_SECONDS),
               "-j", str(JOBS), "--output-junit", str(report), *selection]
    done = run(command, log, SANITIZER_OPTIONS)
    passed, failed = count_results(report)
    if not done and failed == 0:
        failed = 1
    tally.add(f"{preset}: {name}", passed, failed, began)
    if failed:
        show(log)


def fuzz_one(target):
    """The kept inputs come from tests/fuzz/corpus, recorded messages from seeds.py; what the fuzzer adds goes below build."""
    name = targets.name_of(target)
    began, log = time.monotonic(), new_log(f"fuzz-{name}")
    return name, run(targets.command(target, FUZZ_SECONDS), log, SANITIZER_OPTIONS), began, log


def fuzz(tally):
    if not build("fuzz", tally):
        return
    log = new_log("fuzz-seeds")
    if not run(targets.seeds_command(), log):
        tally.add("fuzz: seeds", 0, 1, time.monotonic())
        show(log)
    if not targets.all_targets():
        tally.add("fuzz: no target was built", 0, 1, time.monotonic())
    with ThreadPoolExecutor(max_workers=JOBS) as pool:
        for name, done, began, log in pool.map(fuzz_one, targets.all_targets()):
            tally.add(f"fuzz: {name}", int(done), int(not done), began)
            if not done:
                show(log)


def main():
    LOGS.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    if build("release", tally):
        run_ctest("all tests", "release", [], tally)
    if SANITIZERS:
        for preset in ("asan", "tsan"):
            if build(preset, tally):
                run_ctest("all tests", preset, ["-LE", "checks"], tally)  # the checks are about sources, not about what runs
    if FUZZ_SECONDS > 0:
        fuzz(tally)
    print(f"{tally.passed} passed, {tally.failed} failed", flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
