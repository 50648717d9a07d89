#!/usr/bin/env python3
"""A program that misbehaves on purpose is noticed: otherwise the silence of the other tests would say nothing."""
import os
import subprocess
import sys

import rig
import sanitizers


def main():
    args = rig.arguments(kinds="")
    for kind in args.kinds.split(","):
        with sanitizers.reports() as reports:
            status = subprocess.run([os.path.join(args.tools, "misbehave"), kind], timeout=rig.seconds(60)).returncode
            said = "".join(reports.texts())
        assert status == sanitizers.EXIT_STATUS, f"{kind}: ended with {status}"
        assert "ERROR: " in said or "WARNING: " in said or "runtime error: " in said, f"{kind}: no report, but {said!r}"
        print(f"ok {kind} was noticed")
    with sanitizers.reports() as reports:
        assert subprocess.run([os.path.join(args.tools, "misbehave"), "nothing"], timeout=rig.seconds(60)).returncode == 0
        assert not list(reports.texts()), "a program without a fault was reported"
    return 0


if __name__ == "__main__":
    sys.exit(main())
