#!/usr/bin/env python3
"""What scripts and people rely on: exit codes, errors that teach, a clean stop, strict configuration."""
import os
import subprocess
import sys

import rig


def run(args, *words, data=b""):
    done = subprocess.run([args.tidelog, *words], input=data, capture_output=True, timeout=rig.seconds(60))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def configuration_is_strict(args):
    code, _, said = run(args, "serve", "-o", "log.segment.byte=5")
    assert code == 2 and "log.segment.bytes" in said, (code, said)
    code, _, said = run(args, "serve", "-o", "num.partitions=many")
    assert code == 2 and "num.partitions" in said, (code, said)
    code, _, said = run(args, "serve", "-c", "/")
    assert code == 2 and "directory" in said and "hint:" in said, (code, said)


def a_second_broker_is_kept_out(args, broker):
    code, _, said = run(args, "serve", "-o", f"log.dirs={broker.data}", "-o", f"listeners=PLAINTEXT://127.0.0.1:{rig.free_port()}")
    assert code == 1 and "another process" in said, (code, said)
    code, _, said = run(args, "serve", "-o", f"log.dirs={broker.home}/other", "-o", f"listeners=PLAINTEXT://{broker.address}")
    assert code == 1 and "port" in said, (code, said)
    # An address for documentation (RFC 5737), which no machine has.
    code, _, said = run(args, "serve", "-o", f"log.dirs={broker.home}/other", "-o", "listeners=PLAINTEXT://192.0.2.1:19092")
    assert code == 1 and "no such address" in said, (code, said)
    with open(f"{broker.home}/file", "wb"):
        pass
    code, _, said = run(args, "serve", "-o", f"log.dirs={broker.home}/file", "-o", f"listeners=PLAINTEXT://127.0.0.1:{rig.free_port()}")
    assert code == 1 and "something else has that name" in said, (code, said)


def output_that_goes_nowhere_is_told(args, broker):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([args.tidelog, "topic", "list", "-b", broker.address], stdout=full, stderr=subprocess.PIPE, timeout=rig.seconds(60))
    assert done.returncode == 1 and b"standard output" in done.stderr, done


def closed_descriptors_are_filled(args, broker):
    port = rig.free_port()
    words = [args.tidelog, "serve", "-o", f"log.dirs={broker.home}/quiet", "-o", f"listeners=PLAINTEXT://127.0.0.1:{port}"]
    process = subprocess.Popen(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *words])
    try:
        rig.until(lambda: rig.answers(port), "a broker without standard descriptors serves")
        assert [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)] == ["/dev/null"] * 3
    finally:
        process.terminate()
        assert process.wait(timeout=rig.seconds(30)) == 0


def topics(args, broker):
    at = ["-b", broker.address]
    code, _, said = run(args, "topic", "create", "plain", *at, "--partitions", "4", "--replication-factor", "1", "-c", "retention.ms=1000000")
    assert code == 0, said
    code, _, said = run(args, "topic", "create", "plain", *at, "--partitions", "4", "--replication-factor", "1")
    assert code == 1 and "TOPIC_ALREADY_EXISTS" in said and "hint:" in said, (code, said)
    code, _, said = run(args, "topic", "create", "bad", *at, "--partitions", "1", "--replication-factor", "1", "-c", "retention.msec=1")
    assert code == 1 and "INVALID_CONFIG" in said, (code, said)
    code, _, said = run(args, "topic", "create", "three", *at, "--partitions", "1", "--replication-factor", "3")
    assert code == 1 and "INVALID_REPLICATION_FACTOR" in said, (code, said)
    code, out, said = run(args, "topic", "list", *at)
    assert code == 0 and "plain" in out, (code, out, said)
    code, _, said = run(args, "topic", "delete", "plain", *at, "--yes")
    assert code == 0, said
    code, out, _ = run(args, "topic", "list", *at)
    assert code == 0 and "plain" not in out, out


def words_that_are_not_there(args, broker):
    code, _, said = run(args, "topic", "crate", "x", "-b", broker.address)
    assert code == 2 and "create" in said, (code, said)
    code, _, said = run(args, "consume", "nothing-here", "-b", broker.address, "-o", "start:end", "--raw")
    assert code == 6, (code, said)
    code, _, said = run(args, "topic", "list", "-b", f"127.0.0.1:{rig.free_port()}")
    assert code == 3 and "error:" in said, (code, said)


def limits_that_are_off_let_everybody_in(args):
    with rig.Broker(args.tidelog, "max.connection.creation.rate=0", "connections.max.idle.ms=-1") as broker:
        for _ in range(3):
            code, _, said = run(args, "topic", "list", "-b", broker.address)
            assert code == 0, said


def clean_stop_keeps_everything(args, broker):
    lines = b"".join(b"line %d\n" % i for i in range(5000))
    code, _, said = run(args, "produce", "kept", "-b", broker.address, data=lines)
    assert code == 0, said
    assert broker.stop() == 0, "SIGTERM did not end it cleanly"
    broker.start()
    code, out, said = run(args, "consume", "kept", "-b", broker.address, "-o", "start:end", "--raw")
    assert code == 0 and out.encode() == lines, (code, len(out), said)
    assert "recovery" not in broker.said(), "a clean stop needed recovery"


def a_lost_manifest_is_told_and_loses_nothing(args, broker):
    assert broker.stop() == 0
    os.remove(os.path.join(broker.data, "manifest"))
    broker.start()
    assert "the manifest" in broker.said() and "is missing" in broker.said(), broker.said()
    code, out, said = run(args, "consume", "kept", "-b", broker.address, "-o", "start:end", "--raw")
    assert code == 0 and out.count("\n") == 5000, (code, len(out), said)


def a_lost_log_is_told_and_its_topic_can_be_made_anew(args, broker):
    at = ["-b", broker.address]
    assert broker.stop() == 0
    os.remove(os.path.join(broker.data, "kept-0", "partition.metadata"))
    broker.start()
    assert "partition.metadata is missing or damaged" in broker.said(), broker.said()
    code, _, said = run(args, "consume", "kept", *at, "-o", "start:end", "--raw", "--timeout", "2s")
    assert code != 0 and "KAFKA_STORAGE_ERROR" in said and "hint:" in said, (code, said)
    code, _, said = run(args, "produce", "kept", *at, "--timeout", "2s", data=b"lost\n")
    assert code != 0 and "KAFKA_STORAGE_ERROR" in said, (code, said)
    code, _, said = run(args, "topic", "delete", "kept", *at, "--yes")
    assert code == 0, said
    code, _, said = run(args, "produce", "kept", *at, data=b"anew\n")
    assert code == 0, said
    code, out, said = run(args, "consume", "kept", *at, "-o", "start:end", "--raw")
    assert code == 0 and out == "anew\n", (code, out, said)


def a_directory_without_its_name_tag_is_refused(args, broker):
    assert broker.stop() == 0
    tag = os.path.join(broker.data, "meta.properties")
    os.rename(tag, tag + ".away")
    code, _, said = run(args, "serve", "-o", f"log.dirs={broker.data}", "-o", f"listeners=PLAINTEXT://{broker.address}")
    assert code == 1 and "meta.properties is missing" in said and "code: CANNOT_START" in said, (code, said)
    os.rename(tag + ".away", tag)
    broker.start()


def every_refusal_says_what_helps(args):
    for words, wanted in [
        (["topic", "list", "--format", "xml"], "none of table, json, jsonl, tsv"),
        (["topic", "list", "--timeout", "10x"], "no time such as"),
        (["produce", "t", "-X", "acks=7"], "all, 1 or 0"),
        (["produce", "t", "-X", "what.is.this=7"], "linger.ms"),
        (["topic", "create", "t", "-c", "x"], "KEY=VALUE"),
        (["topic", "create", "t", "-b", "a b"], "host:port"),
    ]:
        code, _, said = run(args, *words)
        assert code == 2 and wanted in said and said.count("\n") == 3, (words, code, said)
        assert said.startswith("error: ") and "\n  hint: " in said and "\n  code: " in said, (words, said)


def help_names_the_whole_command(args):
    code, out, _ = run(args, "topic", "create", "--help")
    assert code == 0 and "tidelog topic create" in out, out
    assert run(args, "--version")[1] == run(args, "version")[1] != ""


def main():
    args = rig.arguments()
    configuration_is_strict(args)
    every_refusal_says_what_helps(args)
    help_names_the_whole_command(args)
    limits_that_are_off_let_everybody_in(args)
    with rig.Broker(args.tidelog) as broker:
        a_second_broker_is_kept_out(args, broker)
        topics(args, broker)
        words_that_are_not_there(args, broker)
        output_that_goes_nowhere_is_told(args, broker)
        closed_descriptors_are_filled(args, broker)
        clean_stop_keeps_everything(args, broker)
        a_lost_manifest_is_told_and_loses_nothing(args, broker)
        a_directory_without_its_name_tag_is_refused(args, broker)
        a_lost_log_is_told_and_its_topic_can_be_made_anew(args, broker)
    print("the front door holds")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
