#!/usr/bin/env python3
"""Faults of disks that need root and loop devices to be made: power loss, a full disk, a read-only one, a slow one, one with errors.

What is missing for it fails it, with a sentence that says what to do. By hand:
    run.py --tidelog build/release/tidelog --only power_loss --copies 20"""
import os
import sys
import time
import traceback

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import rig  # noqa: E402  (the path stands above)

import full_disk_image  # noqa: E402
import io_errors  # noqa: E402
import machine  # noqa: E402
import power_loss  # noqa: E402
import read_only  # noqa: E402
import slow_disk  # noqa: E402

SCENARIOS = {"full_disk": full_disk_image, "read_only": read_only, "slow_disk": slow_disk, "io_errors": io_errors, "power_loss": power_loss}


def main():
    args = rig.arguments(copies=200, seed=0, only="", keep="")
    lacks = machine.missing()
    if lacks:
        print("faults: cannot be tested here, and untested is not passed. Missing:", *lacks, sep="\n  ", file=sys.stderr)
        return 2
    machine.hide_mounts()
    machine.end_in_order()
    names = args.only.split(",") if args.only else list(SCENARIOS)
    results, failed = [], []
    for name in names:
        began = time.monotonic()
        try:
            results += SCENARIOS[name].run(args)
        except (AssertionError, OSError):
            failed.append(name)
            traceback.print_exc()
        print(f"==== {name}: {'FAILED' if name in failed else 'ok'}, {time.monotonic() - began:.0f} s", flush=True)
    for line in results:
        print(line)
    print(f"faults: {len(names)} scenarios, {len(failed)} failed {' '.join(failed)}".rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
