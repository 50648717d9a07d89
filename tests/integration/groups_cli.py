#!/usr/bin/env python3
"""Groups by our command line: reading as a member, in both protocols; looking at groups, moving and deleting them. With `--bootstrap HOST:PORT`
against whatever broker is there, else against our own."""
import contextlib
import json
import signal
import subprocess
import sys
import time
import unicodedata

import rig

OK, FAILED, USAGE, NOT_FOUND, INTERRUPTED = 0, 1, 2, 6, 130
PROTOCOLS = ("classic", "consumer")


class Cluster:
    """A broker as the command line sees it. Names are new with each run: the broker may have been there before."""

    def __init__(self, tidelog, address, is_ours=True):
        self.tidelog, self.address, self.is_ours = tidelog, address, is_ours
        self.run, self.count = f"{time.time_ns():x}", 0

    def name(self, what):
        self.count += 1
        return f"{what}-{self.run}-{self.count}"

    def command(self, *words):
        return [self.tidelog, *map(str, words), "-b", self.address]

    def cli(self, *words, given=None):
        done = subprocess.run(self.command(*words), input=given, capture_output=True, text=True, timeout=rig.seconds(120))
        return done.returncode, done.stdout, done.stderr

    def must(self, *words, given=None):
        code, out, err = self.cli(*words, given=given)
        assert code == OK, f"{words} ended with {code}: {err}"
        return out

    def rows(self, name, *words):
        return json.loads(self.must(*words, "--format", "json"))[name]

    def agree(self, words, dry, real):
        """Has a dry run say in every form what the real run then does, and end as it does. Returns the exit code and the real run's rows."""
        told = {form: self.cli("group", *words, *dry, "--format", form) for form in ("table", "tsv", "json")}
        code, out, err = self.cli("group", *words, *real, "--format", "json")
        rows = next(value for value in json.loads(out).values() if isinstance(value, list))
        assert {each[0] for each in told.values()} == {code}, (words, told, code, err)
        expected = out.replace('"status":"deleted"', '"status":"would be deleted"').replace('"status":"set"', '"status":"would be set"')
        assert told["json"][1] == expected, (words, told["json"][1], out)
        assert failures(told["json"][2]) == failures(err), (words, told["json"][2], err)
        for form, is_heading in (("table", 1), ("tsv", 0)):
            lines = told[form][1].splitlines()[is_heading:]
            assert len(lines) == len(rows), (words, form, lines, rows)
            assert all(line.endswith(row["status"]) for line, row in zip(lines, rows)), (words, form, lines, rows)
        return code, rows

    def topic(self, partitions=3):
        topic = self.name("topic")
        self.must("topic", "create", topic, "--partitions", partitions, "--replication-factor", 1)
        return topic

    def produce(self, topic, *lines, partition=None):
        self.must("produce", topic, *([] if partition is None else ["-p", partition]), given="".join(f"{line}\n" for line in lines))

    def consume(self, topic, group, *options, protocol="classic"):
        return self.must(*self.consume_words(topic, group, *options, protocol=protocol)).splitlines()

    def consume_words(self, topic, group, *options, protocol="classic"):
        """Of a topic, or of none if `options` have a pattern."""
        return ["consume", *([topic] if topic else []), "--group", group, "--raw", "-X", f"group.protocol={protocol}", *options]

    @contextlib.contextmanager
    def member(self, topic, group, *options, protocol="classic"):
        """A consumer that follows, until the end of the block; what it wrote is in `out`."""
        words = self.consume_words(topic, group, "-F", "--from-beginning", *options, protocol=protocol)
        process = subprocess.Popen(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def describe(self, group):
        return self.rows("members", "group", "describe", group)

    def members(self, group):
        """What each member has, by its id, once nothing moves any more."""
        code, out, _ = self.cli("group", "describe", group, "--format", "json")
        rows = json.loads(out)["members"] if code == OK else []
        is_stable = all(row["state"] == "Stable" and not row["target"] for row in rows)
        return {row["member_id"]: row["assigned"] for row in rows if row["member_id"]} if is_stable else {}

    def until_members(self, group, count):
        """Waits until that many members share the partitions."""
        def shared():
            members = self.members(group)
            return members if len(members) == count and all(members.values()) else None
        return rig.until(shared, f"{count} members of {group} have partitions", 60, 0.1)

    def until_empty(self, group):
        rig.until(lambda: all(row["state"] == "Empty" for row in self.describe(group)), f"{group} is empty", 60, 0.1)

    def committed(self, group):
        return {(row["topic"], row["partition"]): row["committed"] for row in self.rows("partitions", "group", "lag", group)}

    def positions(self, group, topic):
        """By partition; those without an offset are left out."""
        return {partition: int(offset) for (name, partition), offset in self.committed(group).items() if name == topic and offset is not None}


def failures(err):
    """Of what is told on standard error in JSON."""
    errors = [json.loads(line)["error"] for line in err.splitlines() if line.startswith("{")]
    return [(each["code"], each["topic"], each["partition"]) for each in errors]


def stop(process):
    """Ends a consumer as Ctrl-C does; returns what it wrote."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=rig.seconds(60))
    assert process.returncode == INTERRUPTED, f"{process.returncode}: {err}"
    return out.splitlines()


def a_group_reads_each_record_once(cluster):
    for protocol in PROTOCOLS:
        topic, group = cluster.topic(), cluster.name("once")
        lines = [f"line {i}" for i in range(300)]
        cluster.produce(topic, *lines)
        assert sorted(cluster.consume(topic, group, "-o", "start:end", protocol=protocol)) == sorted(lines)
        assert cluster.consume(topic, group, "-o", "start:end", protocol=protocol) == []
        cluster.produce(topic, "new")
        assert cluster.consume(topic, group, "-o", "start:end", protocol=protocol) == ["new"]
        assert sum(cluster.positions(group, topic).values()) == 301


def a_count_commits_what_was_written_and_no_more(cluster):
    topic, group = cluster.topic(1), cluster.name("count")
    cluster.produce(topic, *range(10))
    assert cluster.consume(topic, group, "-n", 4) == ["0", "1", "2", "3"]
    assert cluster.positions(group, topic) == {0: 4}
    assert cluster.consume(topic, group, "-n", 1) == ["4"]
    assert cluster.consume(topic, group) == ["5", "6", "7", "8", "9"]


def members_share_the_partitions(cluster):
    for protocol in PROTOCOLS:
        topic, group = cluster.topic(4), cluster.name("share")
        with cluster.member(topic, group, protocol=protocol) as one, cluster.member(topic, group, protocol=protocol) as two:
            members = cluster.until_members(group, 2)
            places = sorted(place for assigned in members.values() for place in assigned.removeprefix(topic + ":").split(","))
            assert places == ["0", "1", "2", "3"], members
            lines = [f"line {i}" for i in range(200)]
            for partition in range(4):
                cluster.produce(topic, *lines[partition::4], partition=partition)
            rig.until(lambda: sum(cluster.positions(group, topic).values()) == 200, "all is committed", 60, 0.1)
            first, second = stop(one), stop(two)
            assert first and second
            assert sorted(first + second) == sorted(lines)
        cluster.until_empty(group)


def a_member_that_is_killed_is_replaced(cluster):
    topic, group = cluster.topic(2), cluster.name("killed")
    short = ("-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=500")
    with cluster.member(topic, group, *short) as one, cluster.member(topic, group, *short) as two:
        cluster.until_members(group, 2)
        cluster.produce(topic, "a", partition=0)
        cluster.produce(topic, "b", partition=1)
        rig.until(lambda: sum(cluster.positions(group, topic).values()) == 2, "both are committed", 60, 0.1)
        one.kill()
        cluster.until_members(group, 1)
        cluster.produce(topic, "c", partition=0)
        cluster.produce(topic, "d", partition=1)
        rig.until(lambda: sum(cluster.positions(group, topic).values()) == 4, "the other one goes on", 60, 0.1)
        assert {"c", "d"} <= set(stop(two))


def groups_are_listed_and_described(cluster):
    for protocol in PROTOCOLS:
        topic, group = cluster.topic(2), cluster.name("look")
        with cluster.member(topic, group, protocol=protocol) as one:
            cluster.until_members(group, 1)
            listed = {row["group"]: row for row in cluster.rows("groups", "group", "list")}
            assert listed[group]["state"] == "Stable" and listed[group]["protocol_type"] == "consumer"
            assert listed[group]["type"] == protocol
            (row,) = cluster.describe(group)
            assert row["type"] == protocol and row["topics"] == topic and row["assigned"] == f"{topic}:0,1"
            assert row["client_id"] == "tidelog-cli" and row["member_id"]
            for options, is_shown in ((("--state", "stable"), True), (("--state", "Empty,Dead"), False), (("--type", protocol), True)):
                names = [row["group"] for row in cluster.rows("groups", "group", "list", *options)]
                assert (group in names) == is_shown, options
            stop(one)
        cluster.until_empty(group)


def history_says_why_a_group_rebalanced(cluster):
    words = {"classic": ("joined", "the generation began with 2 members", "left", "the group is empty"),
             "consumer": ("joined", "partitions were assigned to 2 members by uniform", "left")}
    for protocol in PROTOCOLS:
        topic, group = cluster.topic(2), cluster.name("history")
        with cluster.member(topic, group, protocol=protocol) as one, cluster.member(topic, group, protocol=protocol) as two:
            cluster.until_members(group, 2)
            stop(one)
            cluster.until_members(group, 1)
            stop(two)
        cluster.until_empty(group)
        events = cluster.rows("events", "group", "describe", group, "--history")
        if not cluster.is_ours:
            assert events == [], "who else would tell?"
            continue
        for word in words[protocol]:
            assert any(word in event["event"] for event in events), f"{word}: {events}"
        assert [event["epoch"] for event in events] == sorted(event["epoch"] for event in events), events
        assert all(event["group"] == group and event["at"].endswith("Z") for event in events), events
        table = cluster.must("group", "describe", group, "--history")
        assert table.split("\n")[0].split() == ["GROUP", "AT", "EPOCH", "EVENT"] and " joined" in table, table
        assert "events" not in json.loads(cluster.must("group", "describe", group, "--format", "json"))


def what_clients_chose_does_not_act_on_a_terminal(cluster):
    topic, group, client = cluster.topic(1), cluster.name("esc\x1b[31mred\x07\nline2\t"), "one\x1b]0;x\x07\x9b31m\n"
    with cluster.member(topic, group, "-X", f"client.id={client}") as one:
        cluster.until_members(group, 1)
        assert [row["client_id"] for row in cluster.describe(group)] == [client]
        for words in (("list",), ("describe", group), ("describe", group, "--history"), ("lag", group), ("delete", group, "--dry-run"),
                      ("seek", group, "--to", "latest", "--topic", topic)):
            for form, allowed in (("table", "\n"), ("tsv", "\n\t")):
                _, out, err = cluster.cli("group", *words, "--format", form)
                is_told = cluster.is_ours or "--history" not in words
                assert "esc?[31mred? line2" in out or not is_told, (words, out, err)
                controls = {letter for letter in out + err if unicodedata.category(letter) == "Cc"}
                assert controls <= set(allowed), (words, out, err)
        stop(one)
    cluster.until_empty(group)


def a_group_that_is_not_there_is_not_found(cluster):
    missing = cluster.name("missing")
    for words in (("describe", missing), ("describe", missing, "--history"), ("lag", missing), ("delete", missing, "--yes"), ("delete", missing, "--dry-run"),
                  ("seek", missing, "--to", "earliest"), ("delete-offsets", missing, "topic", "--yes")):
        code, _, err = cluster.cli("group", *words)
        assert code == NOT_FOUND, f"{words}: {code} {err}"
        assert "error:" in err and "hint:" in err, err


def lag_counts_what_is_not_read(cluster):
    topic, group = cluster.topic(2), cluster.name("lag")
    cluster.produce(topic, *range(5), partition=0)
    cluster.consume(topic, group)
    cluster.produce(topic, *range(3), partition=0)
    cluster.produce(topic, *range(2), partition=1)
    lag = {row["partition"]: (row["committed"], row["end"], row["lag"]) for row in cluster.rows("partitions", "group", "lag", group)}
    assert lag == {0: (5, 8, 3), 1: (0, 2, 2)}, lag


def numbers_that_there_are_none_of_are_null(cluster):
    topic, group = cluster.topic(1), cluster.name("null")
    with cluster.member(topic, group) as one:
        cluster.until_members(group, 1)
        (row,) = cluster.describe(group)
        assert row["epoch"] is None, row
        (row,) = cluster.rows("partitions", "group", "lag", group)
        assert row["committed"] is row["lag"] is row["lag_seconds"] is None and row["end"] == 0, row
        stop(one)
    (row,) = cluster.rows("partitions", "group", "seek", cluster.name("new"), "--to", "latest", "--topic", topic)
    assert row["before"] is row["change"] is None and row["after"] == 0, row


def a_group_is_moved(cluster):
    topic, group, other = cluster.topic(2), cluster.name("move"), cluster.name("moved")
    for partition in (0, 1):
        cluster.produce(topic, *range(10), partition=partition)
    cluster.consume(topic, group)

    def seek(to, *options, whose=group):
        rows = cluster.rows("partitions", "group", "seek", whose, "--to", to, *options)
        return {row["partition"]: (row["before"], row["after"], row["status"]) for row in rows}

    assert seek("earliest") == {0: (10, 0, "would be set"), 1: (10, 0, "would be set")}
    assert cluster.positions(group, topic) == {0: 10, 1: 10}, "a dry run changed something"
    assert seek("-3", "--execute") == {0: (10, 7, "set"), 1: (10, 7, "set")}
    assert cluster.positions(group, topic) == {0: 7, 1: 7}
    assert seek("+1", "--topic", f"{topic}:1", "--execute") == {1: (7, 8, "set")}
    assert seek("4", "--execute") == {0: (7, 4, "set"), 1: (8, 4, "set")}
    assert seek("1000", "--execute") == {0: (4, 10, "set"), 1: (4, 10, "set")}
    assert seek("@0", "--execute") == {0: (10, 0, "set"), 1: (10, 0, "set")}
    assert seek("latest", "--topic", f"{topic}:0", "--execute") == {0: (0, 10, "set")}
    assert seek(f"group:{group}", "--execute", whose=other) == {0: (None, 10, "set"), 1: (None, 0, "set")}
    assert cluster.positions(other, topic) == {0: 10, 1: 0}
    assert cluster.consume(topic, other) == [str(i) for i in range(10)]
    for wrong in ("nowhere", "group:", "1:2"):
        assert cluster.cli("group", "seek", group, "--to", wrong)[0] == USAGE


def what_is_named_has_to_be_there(cluster):
    topic, group, nowhere = cluster.topic(2), cluster.name("named"), cluster.name("nowhere")
    cluster.produce(topic, "a", partition=0)
    for missing, cause in ((nowhere, "does not exist"), (f"{nowhere}:0", "does not exist"), (f"{topic}:9", "no partition 9"),
                           (f"{topic}:0,2", "no partition 2")):
        for options in ((), ("--execute",), ("--topic", topic, "--execute")):
            code, out, err = cluster.cli("group", "seek", group, "--to", "3", "--topic", missing, *options)
            assert code == NOT_FOUND and out == "", (missing, options, code, out)
            assert cause in err and "hint: tidelog topic" in err and "code: UNKNOWN_TOPIC_OR_PARTITION" in err, err
    assert cluster.cli("group", "describe", group)[0] == NOT_FOUND, "nothing was set"
    cluster.must("group", "seek", group, "--to", "latest", "--topic", f"{topic}:0", "--execute")
    for missing in (nowhere, f"{topic}:1", f"{topic}:0,1", f"{topic}:9"):
        for option in ("--dry-run", "--yes"):
            code, out, err = cluster.cli("group", "delete-offsets", group, missing, option)
            assert code == NOT_FOUND and out == "" and "has committed nothing for" in err and "hint: tidelog group lag" in err, (missing, code, out, err)
    assert cluster.positions(group, topic) == {0: 1}


def members_are_not_moved_unless_it_is_forced(cluster):
    for protocol in PROTOCOLS:
        topic, group = cluster.topic(1), cluster.name("forced")
        cluster.produce(topic, *range(5))
        with cluster.member(topic, group, protocol=protocol) as one:
            cluster.until_members(group, 1)
            rig.until(lambda: cluster.positions(group, topic) == {0: 5}, "all is committed", 60, 0.1)
            code, _, err = cluster.cli("group", "seek", group, "--to", "earliest", "--execute")
            assert code == FAILED and "NON_EMPTY_GROUP" in err and "--force" in err, err
            assert cluster.positions(group, topic) == {0: 5}
            (row,) = cluster.rows("partitions", "group", "seek", group, "--to", "2", "--execute", "--force")
            assert row["status"] == "set"
            # It comes back by itself, and reads again what it has been moved to.
            rig.until(lambda: cluster.positions(group, topic) == {0: 5}, "it has read on", 90, 0.1)
            cluster.until_members(group, 1)
            assert stop(one) == ["0", "1", "2", "3", "4", "2", "3", "4"]


def offsets_and_groups_are_deleted(cluster):
    topic, group = cluster.topic(2), cluster.name("delete")
    cluster.produce(topic, "a", partition=0)
    cluster.produce(topic, "b", partition=1)
    with cluster.member(topic, group) as one:
        cluster.until_members(group, 1)
        rig.until(lambda: cluster.positions(group, topic) == {0: 1, 1: 1}, "all is committed", 60, 0.1)
        code, _, err = cluster.cli("group", "delete", group, "--yes")
        assert code == FAILED and "NON_EMPTY_GROUP" in err, err
        code, _, err = cluster.cli("group", "delete-offsets", group, topic, "--yes")
        assert code == FAILED and "GROUP_SUBSCRIBED_TO_TOPIC" in err, err
        stop(one)
    cluster.until_empty(group)
    code, _, err = cluster.cli("group", "delete", group)
    assert code == USAGE and "--yes" in err, err
    assert cluster.rows("partitions", "group", "delete-offsets", group, f"{topic}:1", "--dry-run")[0]["status"] == "would be deleted"
    assert cluster.positions(group, topic) == {0: 1, 1: 1}
    cluster.must("group", "delete-offsets", group, f"{topic}:1", "--yes")
    assert cluster.positions(group, topic) == {0: 1}
    assert cluster.cli("group", "delete-offsets", group, f"{topic}:1", "--yes")[0] == NOT_FOUND
    assert cluster.rows("groups", "group", "delete", group, "--dry-run")[0]["status"] == "would be deleted"
    cluster.must("group", "delete", group, "--yes")
    assert cluster.cli("group", "describe", group)[0] == NOT_FOUND
    assert sorted(cluster.consume(topic, group)) == ["a", "b"], "what it had committed is gone"


def a_pattern_reads_all_topics_that_match(cluster):
    cooperative = ("-X", "partition.assignment.strategy=cooperative-sticky")
    for protocol, options in (("classic", ()), ("classic", cooperative), ("consumer", ())):
        first, second, other = cluster.topic(2), cluster.topic(1), cluster.topic(1)
        later = cluster.name("topic")
        group = cluster.name("pattern")
        pattern = ("--pattern", "|".join((first, second, later)), *options)
        cluster.produce(first, "a", partition=1)
        cluster.produce(second, "b")
        cluster.produce(other, "not this")
        assert sorted(cluster.consume(None, group, *pattern, "-o", "start:end", protocol=protocol)) == ["a", "b"]
        assert cluster.consume(None, group, *pattern, "-o", "start:end", protocol=protocol) == []
        with cluster.member(None, group, *pattern, "-X", "metadata.max.age.ms=300", protocol=protocol) as member:
            cluster.until_members(group, 1)
            cluster.must("topic", "create", later, "--partitions", 1, "--replication-factor", 1)
            cluster.produce(later, "c")
            rig.until(lambda: cluster.positions(group, later) == {0: 1}, "the new topic is read", 60, 0.1)
            cluster.must("topic", "delete", first, "--yes")
            rig.until(lambda: not any(first in has for has in cluster.members(group).values()) and cluster.members(group), "the old one is let go", 60, 0.1)
            cluster.produce(second, "d")
            rig.until(lambda: cluster.positions(group, second) == {0: 2}, "it reads on", 60, 0.1)
            assert stop(member) == ["c", "d"]


def a_pattern_may_match_nothing_yet(cluster):
    for protocol in PROTOCOLS:
        topic, group = cluster.name("topic"), cluster.name("later")
        with cluster.member(None, group, "--pattern", topic, "-X", "metadata.max.age.ms=300", protocol=protocol) as member:
            rig.until(lambda: len(cluster.members(group)) == 1, "it is in the group", 60, 0.1)
            cluster.must("topic", "create", topic, "--partitions", 1, "--replication-factor", 1)
            cluster.produce(topic, "a")
            rig.until(lambda: cluster.positions(group, topic) == {0: 1}, "the new topic is read", 60, 0.1)
            assert stop(member) == ["a"]


def a_dry_run_says_what_the_real_run_does(cluster):
    for protocol in PROTOCOLS:
        topic, other, group, simple = cluster.topic(1), cluster.topic(2), cluster.name("busy"), cluster.name("simple")
        cluster.produce(topic, *range(5))
        for name in (group, simple):
            cluster.must("group", "seek", name, "--to", "earliest", "--topic", topic, "--topic", other, "--execute")
        delete, forget = (("--dry-run",), ("--yes",)), ("delete-offsets", group, topic, other)
        with cluster.member(topic, group, protocol=protocol) as one:
            cluster.until_members(group, 1)
            rig.until(lambda: cluster.positions(group, topic) == {0: 5}, "all is committed", 60, 0.1)
            code, rows = cluster.agree(("seek", group, "--to", "2"), (), ("--execute",))
            assert code == FAILED and [row["status"] for row in rows] == ["NON_EMPTY_GROUP"] * 3, (code, rows)
            code, rows = cluster.agree(forget, *delete)
            assert code == FAILED and [row["status"] for row in rows if row["topic"] == topic] == ["GROUP_SUBSCRIBED_TO_TOPIC"], (code, rows)
            assert [row["status"] for row in rows if row["topic"] == other] == ["deleted"] * 2, (code, rows)
            code, rows = cluster.agree(("delete", cluster.name("nope"), group, simple), *delete)
            assert code == NOT_FOUND and [row["status"] for row in rows] == ["GROUP_ID_NOT_FOUND", "NON_EMPTY_GROUP", "deleted"], (code, rows)
            assert cluster.cli("group", "describe", simple)[0] == NOT_FOUND
            # Nothing is to set there, so nobody is taken out of the group.
            code, rows = cluster.agree(("seek", group, "--to", "+1", "--topic", other), ("--force",), ("--force", "--execute"))
            assert code == OK and [row["status"] for row in rows] == ["left as it is"] * 2, (code, rows)
            assert len(cluster.members(group)) == 1
            stop(one)
        cluster.until_empty(group)
        for words in (("seek", group, "--to", "2"), ("delete-offsets", group, topic), ("delete", group)):
            code, rows = cluster.agree(words, *(delete if words[0] != "seek" else ((), ("--execute",))))
            assert code == OK and len(rows) == 1, (words, code, rows)


def what_cannot_be_is_refused(cluster):
    for words, code in ((("--pattern", "x"), USAGE), (("topic", "--pattern", "x", "--group", "g"), USAGE), ((), USAGE),
                        (("--pattern", "no such topic", "--group", "g"), NOT_FOUND)):
        assert cluster.cli("consume", *words)[0] == code, words
    for protocol in PROTOCOLS:
        code, _, err = cluster.cli("consume", "--pattern", "logs-(", "--group", "g", "-F", "-X", f"group.protocol={protocol}")
        assert code != OK and "missing )" in err, err
    for filter in (("--state", "bogus"), ("--type", "bogus"), ("--state", "")):
        code, out, err = cluster.cli("group", "list", *filter)
        assert code == USAGE and out == "" and "is none of" in err, (filter, code, out, err)
    topic, group = cluster.topic(1), cluster.name("refused")
    assert cluster.cli("consume", topic, "--group", group, "-p", 0)[0] == USAGE
    code, _, err = cluster.cli("consume", topic, "--group", group, "-X", "group.protocl=classic")
    assert code == USAGE and 'did you mean "group.protocol"?' in err, err
    code, _, err = cluster.cli("consume", topic, "--group", group, "-X", "partition.assignment.strategy=fair")
    assert code == USAGE and "range" in err, err
    code, _, err = cluster.cli("consume", topic, "--group", group, "-X", "group.protocol=consumer", "-X", "group.remote.assignor=fair")
    assert code == FAILED and "UNSUPPORTED_ASSIGNOR" in err, err


CHECKS = (a_group_reads_each_record_once, a_count_commits_what_was_written_and_no_more, members_share_the_partitions,
          a_member_that_is_killed_is_replaced, groups_are_listed_and_described, history_says_why_a_group_rebalanced,
          what_clients_chose_does_not_act_on_a_terminal, a_group_that_is_not_there_is_not_found, lag_counts_what_is_not_read,
          numbers_that_there_are_none_of_are_null, a_group_is_moved, what_is_named_has_to_be_there, members_are_not_moved_unless_it_is_forced,
          offsets_and_groups_are_deleted, a_dry_run_says_what_the_real_run_does,
          a_pattern_reads_all_topics_that_match, a_pattern_may_match_nothing_yet, what_cannot_be_is_refused)


def main():
    args = rig.arguments(bootstrap="", only="")
    checks = [check for check in CHECKS if not args.only or check.__name__ in args.only.split(",")]
    if args.bootstrap:
        cluster = Cluster(args.tidelog, args.bootstrap, is_ours=False)
        for check in checks:
            check(cluster)
            print(f"ok {check.__name__}", flush=True)
        return 0

    def against(check):
        def on(broker):
            check(Cluster(args.tidelog, broker.address))
        on.__name__ = check.__name__
        return on

    def make(tidelog, *options):
        return rig.Broker(tidelog, "group.initial.rebalance.delay.ms=0", *options)

    rig.run_checks(args.tidelog, [against(check) for check in checks], make)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
