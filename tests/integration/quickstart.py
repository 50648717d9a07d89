#!/usr/bin/env python3
"""What `make run` shows: real lines through a broker to the members of a group, what each of them has, the lag, and what to do next."""
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile

import rig

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../deploy/quickstart.sh")
# Changes one line of what each member writes. The process that is signalled is the consumer.
FORGER = """#!/usr/bin/env bash
[[ "$1" == consume ]] || exec "$REAL_TIDELOG" "$@"
exec "$REAL_TIDELOG" "$@" > >(exec sed -u '7s/^/x/')
"""


@contextlib.contextmanager
def quickstart(tidelog, **knobs):
    """The script's process. Whatever it started ends with it."""
    with tempfile.TemporaryDirectory(prefix="tidelog-test-") as home:
        port = rig.free_port()
        places = {"QUICKSTART_PORT": port, "QUICKSTART_DATA": f"{home}/data", "QUICKSTART_WORK": f"{home}/work", "QUICKSTART_TIDELOG": tidelog}
        environment = {**os.environ, **{name: str(value) for name, value in {**places, **knobs}.items()}}
        process = subprocess.Popen(["bash", SCRIPT], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
        try:
            yield process, f"127.0.0.1:{port}"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def must(*words, given=None):
    done = subprocess.run(words, input=given, capture_output=True, text=True, timeout=rig.seconds(60))
    assert done.returncode == 0, (words, done)
    return done.stdout


def read_until(process, last):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if last in line:
            return "".join(lines)
    raise AssertionError(f"it ended before it said {last!r}: {''.join(lines)} {process.stderr.read()}")


def partitions_by_member(said):
    return {name: {int(each) for each in some.split(",")} for name, some in re.findall(r"(reader-\d) has partitions ([\d,]+)\n", said)}


def two_members_share_the_partitions_and_have_read_all(said):
    shared = partitions_by_member(said)
    assert sorted(shared) == ["reader-1", "reader-2"] and all(shared.values()), said
    assert sorted([*shared["reader-1"], *shared["reader-2"]]) == [0, 1, 2, 3], said
    lags = re.findall(r"partition (\d): (\d+) of (\d+) records, lag (\d+) \((reader-\d)\)", said)
    assert len(lags) == 4 and all(done == there and lag == "0" for _, done, there, lag, _ in lags), said
    assert all(int(partition) in shared[reader] for partition, _, _, _, reader in lags), said
    written = int(re.search(r"written +(\d+) records", said).group(1))
    assert written >= 5000 and sum(int(done) for _, done, _, _, _ in lags) == written, said
    assert "every line came back byte for byte" in said, said


def what_it_suggests_works(tidelog, said, address):
    at = ["-b", address]
    group = re.search(r"group lag greeters (\S+) -b", said).group(1)
    assert f"members of group {group} share" in said, said
    must(tidelog, "produce", "greetings", *at, given="hello\n")
    assert must(tidelog, "consume", "greetings", *at, "--group", "greeters", "-F", "--from-beginning", "--raw", "-n", "1") == "hello\n"
    assert "joined" in must(tidelog, "group", "describe", "greeters", *at, "--history")
    lag = must(tidelog, "group", "lag", "greeters", group, *at, "--format", "tsv").splitlines()
    assert len(lag) == 5 and all(row.split("\t")[5] == "0" for row in lag), lag


def it_shows_a_group_at_work_and_ends_cleanly(args):
    with quickstart(args.tidelog) as (process, address):
        said = read_until(process, "Ctrl-C stops the broker.")
        two_members_share_the_partitions_and_have_read_all(said)
        what_it_suggests_works(args.tidelog, said, address)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=rig.seconds(30)) == 0
        assert not rig.answers(int(address.split(":")[1])), "the broker is still there"


def what_was_changed_on_the_way_is_told(args):
    with tempfile.TemporaryDirectory(prefix="tidelog-test-") as home:
        forger = os.path.join(home, "tidelog")
        with open(forger, "w", encoding="utf-8") as out:
            out.write(FORGER)
        os.chmod(forger, 0o755)
        with quickstart(forger, REAL_TIDELOG=args.tidelog, QUICKSTART_ONCE=1) as (process, _):
            out, said = process.communicate(timeout=rig.seconds(90))
            assert process.returncode == 1 and "what came back is not what was sent" in said, (process.returncode, out, said)


def main():
    args = rig.arguments()
    args.tidelog = os.path.abspath(args.tidelog)
    it_shows_a_group_at_work_and_ends_cleanly(args)
    what_was_changed_on_the_way_is_told(args)
    print("make run shows a group at work")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
