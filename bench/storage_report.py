#!/usr/bin/env python3
"""Turns the lines of bench/recovery.py, partitions.sh, idle.py and groups.py into tables for people and a summary for programs.
Usage: storage_report.py recovery|partitions|idle|groups RAW.jsonl OUT      writes OUT.md and OUT.json"""
import json
import os
import statistics
import sys

from report import TITLES, cell, collect, figures, machine, number, ratio, ratio_cell, spread, table

MIB = 1 << 20
SCRIPTS = {"recovery": "recovery.py", "partitions": "partitions.sh", "idle": "idle.py", "groups": "groups.py"}
KNOBS = {
    "recovery": ["SIZE", "LAYOUTS", "MODES", "KILL_AFTER", "RATE", "BATCH_BYTES", "IN_FLIGHT", "PEERS"],
    "partitions": ["ROUNDS", "RUN_SECONDS", "WARM_SECONDS", "PARTITIONS", "SHAPES", "IN_FLIGHT", "TOGETHER", "RECORD_BYTES", "PEERS",
                   "KAFKA_WARMUP", "HOLD_BYTES"],
    "groups": ["ROUNDS", "MEMBERS", "PARTITIONS", "COMMIT_SECONDS", "PEERS"],
    "idle": ["TOPICS", "PARTITIONS", "STARTS", "SETTLE", "IDLE", "PEERS"],
}


def command(kind, out):
    """What was typed; where the peer's executable lies is nobody's business."""
    given = {name: os.environ[name] for name in KNOBS[kind] if os.environ.get(name)}
    words = [f'{name}="{value}"' if " " in value else f"{name}={value}" for name, value in given.items()]
    if os.environ.get("KAFKA_PEER"):
        words.append("KAFKA_PEER=PATH")
    return " ".join([*words, f"bench/{SCRIPTS[kind]}", os.path.basename(out)])


def met(is_met):
    return "met" if is_met else "missed"


class Runs:
    """The lines of one benchmark."""

    def __init__(self, lines):
        self.lines = [line for line in lines if line["case"] != "settings"]
        self.settings = next((line for line in lines if line["case"] == "settings"), {})
        self.by_key = collect(self.lines)
        self.peers = [peer for peer in TITLES if any(line["peer"] == peer for line in self.lines)]
        self.summary = {}

    def of(self, case, mode, peer, key, unit=1):
        """round -> value in `unit`s."""
        return {n: value / unit for n, value in figures(self.by_key.get((case, mode, peer), {}), key).items()}

    def row(self, title, case, mode, key, unit=1):
        """A cell for each peer and the ratio of ours to each other's; None if nobody has the figure."""
        by_peer = {peer: self.of(case, mode, peer, key, unit) for peer in self.peers}
        if not any(by_peer.values()):
            return None
        ratios = {peer: ratio(by_peer.get("tidelog", {}), by_peer[peer]) for peer in self.others()}
        entry = self.summary.setdefault(f"{case}, {mode}", {})
        entry[key] = {peer: spread(list(values.values())) for peer, values in self.raw(case, mode, key).items() if values}
        entry[key] |= {f"tidelog/{peer}": span for peer, span in ratios.items() if span}
        return [title, *(cell(by_peer[peer]) for peer in self.peers), *(ratio_cell(span) for span in ratios.values())]

    def raw(self, case, mode, key):
        return {peer: self.of(case, mode, peer, key) for peer in self.peers}

    def others(self):
        return [peer for peer in self.peers if peer != "tidelog"]

    def heads(self):
        return [TITLES[peer] for peer in self.peers] + [f"Tidelog / {TITLES[peer]}" for peer in self.others()]

    def goal(self, values, limit, unit):
        """Of Tidelog, where every single figure has to meet it."""
        if not values:
            return "–"
        return f"{limit:g} {unit}: {met(max(values) <= limit)}"


def recovery(runs):
    shape = f"{runs.settings['window']} requests of {runs.settings['batch_bytes'] / 1024:g} KiB in flight"
    size, rate = runs.settings["size_bytes"] / 1e9, runs.settings["rate"] / 1e6
    text = [f"{size:g} GB in the topic, a load of {rate:g} MB/s ({shape}), then SIGKILL.",
            "A cell is the median of the kills (least–most), a goal counts as met when every kill meets it.", ""]
    layouts = sorted({line["partitions"] for line in runs.lines})
    modes = list(dict.fromkeys(line["mode"] for line in runs.lines))
    for partitions in layouts:
        rows = []
        for mode in modes:
            rows += recovery_rows(runs, f"recovery-{partitions}", mode)
        text += [f"## {partitions:,} partition{'s' if partitions > 1 else ''}", ""]
        text += table(["what", "durability", *runs.heads(), "goal"], rows)
    head = ["partitions", "durability", "killed after, s", "peer", "load, MB", "first ack, ms", "all serve, ms", "read, MiB",
            "rescanned, by its own log", "journal, MiB"]
    return text + ["## Every kill", ""] + table(head, [kill_row(line) for line in runs.lines])


def recovery_rows(runs, case, mode):
    ours = list(runs.by_key.get((case, mode, "tidelog"), {}).values())
    goals = {
        "clean_scanned_bytes": runs.goal([line["clean_scanned_bytes"] for line in ours], 0, "MiB"),
        "acked_ms": runs.goal([line["acked_ms"] for line in ours], 200, "ms"),
        "serving_ms": runs.goal([line["serving_ms"] for line in ours], 200, "ms"),
        "read_bytes": "–" if not ours else "journal + 64 MiB: " + met(
            all(line["read_bytes"] <= line["journal_bytes"] + 64 * MIB for line in ours)),
    }
    wanted = [("executed to first acknowledged produce, ms", "acked_ms", 1), ("executed to every partition serving, ms", "serving_ms", 1),
              ("read until the first acknowledgement, MiB", "read_bytes", MIB), ("the same at a clean start, MiB", "clean_read_bytes", MIB),
              ("rescanned at a clean start, by its own log, MiB", "clean_scanned_bytes", MIB),
              ("a clean start, to first acknowledged produce, ms", "clean_acked_ms", 1),
              ("reading each partition once more, ms", "reader_ms", 1), ("load before the kill, MB/s", "load_mb_per_s", 1)]
    rows = []
    for title, key, unit in wanted:
        row = runs.row(title, case, mode, key, unit)
        if row:
            rows.append([row[0], mode, *row[1:], goals.get(key, "–")])
    return rows


def kill_row(line):
    said = f"{line['scanned_bytes'] / MIB:.1f} MiB of {line['scanned_logs']} logs" if "scanned_bytes" in line else "–"
    return [f"{line['partitions']:,}", line["mode"], f"{line['kill_after_s']:g}", TITLES[line["peer"]], number(line["load_bytes"] / 1e6),
            number(line["acked_ms"]), number(line["serving_ms"]), number(line["read_bytes"] / MIB), said,
            number(line["journal_bytes"] / MIB) if line["journal_bytes"] else "–"]


def partitions(runs):
    shapes = list(dict.fromkeys(line["shape"] for line in runs.lines if line["peer"] != "floor"))
    together = runs.settings["together"]
    titles = {"turns": "One batch a request, partitions in turn", "together": f"One request for up to {together} partitions"}
    text = [f"Runs of {runs.settings['run_seconds']} s, every acknowledgement synced (Kafka: flush.messages=1), batches of one record of",
            f"{runs.settings['record_bytes']} B, {runs.settings['in_flight']} of them in flight on one connection.", ""]
    for shape in shapes or ["turns"]:
        text += [f"## {titles[shape]}", ""] + shape_table(runs, shape) + shape_verdict(runs, shape)
    ours = [line for line in runs.lines if "checkpoint_in_run" in line]
    if ours:
        text += [f"A checkpoint was written in {sum(line['checkpoint_in_run'] for line in ours)} of {len(ours)} runs of Tidelog, and "
                 f"{sum(line['journal_bytes'] > 0 for line in ours)} had a journal.", ""]
    return text + tails(runs)


def counts_of(runs, shape):
    return sorted({line["partitions"] for line in runs.lines if line["shape"] == shape})


def against_one(runs, shape, count, peer):
    """Round by round, the throughput with so many partitions by that with one."""
    return ratio(runs.of(f"{shape}-{count}", "fsync", peer, "records_per_s"), runs.of(f"{shape}-1", "fsync", peer, "records_per_s"))


def shape_table(runs, shape):
    brokers = [peer for peer in runs.peers if peer != "floor"]
    rows = []
    for count in counts_of(runs, shape):
        row = runs.row(f"{count:,}", f"{shape}-{count}", "fsync", "records_per_s")
        row += [ratio_cell(against_one(runs, shape, count, peer)) for peer in brokers]
        cpu = runs.of(f"{shape}-{count}", "fsync", "tidelog", "broker_cpu_s")
        records = runs.of(f"{shape}-{count}", "fsync", "tidelog", "records")
        row.append(cell({n: cpu[n] * 1e6 / records[n] for n in cpu}))
        rows.append(row)
    head = ["partitions", *(f"{TITLES[peer]}, records/s" for peer in runs.peers), *runs.heads()[len(runs.peers):]]
    return table([*head, *(f"{TITLES[peer]}: of one partition" for peer in brokers), "Tidelog: CPU us/record"], rows)


def shape_verdict(runs, shape):
    most = max(counts_of(runs, shape), default=1)
    span = against_one(runs, shape, most, "tidelog")
    if most == 1 or span is None:
        return []
    runs.summary[f"{shape}: {most} of 1"] = span
    share = span["median"]
    return [f"Goal: at {most:,} partitions at least half of the throughput with one: {share:.3f}, {met(share >= 0.5)}.", ""]


def tails(runs):
    rows = [[f"{line['shape']}", f"{line['partitions']:,}", TITLES[line["peer"]],
             *(cell(figures(runs.by_key[line["case"], "fsync", line["peer"]], key)) for key in ("p50_us", "p99_us", "p999_us", "max_us"))]
            for line in runs.lines if line["round"] == 1]
    return ["## Time from sending a request to its answer, closed loop, in microseconds", ""] + table(
        ["shape", "partitions", "peer", "p50", "p99", "p99.9", "max"], rows)


STATES = {
    "idle-created": "created, never written",
    "idle-restarted": "never written, after a clean restart",
    "idle-written": "one record each, then unused",
    "idle-written-restarted": "one record each, after a clean restart",
}
FIGURES = [("resident memory a partition, KiB", "rss_per_partition", 1024), ("open files a partition", "files_per_partition", 1),
           ("mapped files a partition", "mapped_per_partition", 1), ("processor time, % of a core", "idle_cpu_percent", 1)]


def idle(runs):
    count = runs.settings["partitions"]
    rows = []
    for case, state in STATES.items():
        ours = runs.by_key.get((case, "fsync", "tidelog"), {}).values()
        memory = [line["rss_per_partition"] / 1024 for line in ours]
        verdicts = {"rss_per_partition": f"16 KiB: {met(max(memory) <= 16)}; 2 KiB: {met(max(memory) <= 2)}" if memory else "–",
                    "files_per_partition": runs.goal([line["files_per_partition"] for line in ours], 0, "files")}
        for title, key, unit in FIGURES:
            row = runs.row(title, case, "fsync", key, unit)
            if row:
                rows.append([state, *row, verdicts.get(key, "–")])
    text = [f"{count:,} partitions. Memory is what the process has more than without any partition, by their number; without any it has",
            f"{whole_memory(runs)}. The look at those once written comes {runs.settings['idle_s']:g} s after the last record, the",
            f"others {runs.settings['settle_s']:g} s after a start or a creation.", ""]
    return text + table(["partitions", "what", *runs.heads(), "goal"], rows) + starts(runs, count)


def whole_memory(runs):
    values = {TITLES[peer]: runs.of("idle-none", "fsync", peer, "rss_bytes", 1e6) for peer in runs.peers}
    return ", ".join(f"{title} {number(statistics.median(found.values()))} MB" for title, found in values.items() if found)


def starts(runs, count):
    rows = []
    titles = {"start-empty": "none", "start-partitions": f"{count:,}, never written", "start-records": f"{count:,} with a record each"}
    for case, title in titles.items():
        row = runs.row(title, case, "fsync", "open_ms")
        if row:
            rows.append([*row, runs.goal(list(runs.of(case, "fsync", "tidelog", "open_ms").values()), 200, "ms")])
    return ["## Clean start, warm: executed to port open, ms", ""] + table(["partitions", *runs.heads(), "goal"], rows)


EVENTS = [("all come at once", "first_ms"), ("one more comes", "more_ms"), ("a member that keeps what it has stands", "pause_ms"),
          ("one leaves", "leave_ms"), ("one is killed", "killed_ms"), ("one is restarted", "restart_ms")]
GROUP_GOALS = {("first_ms", None): 100, ("more_ms", 100): 300}


def groups(runs):
    """Of the settling the first round warms up."""
    runs.lines = [line for line in runs.lines if line["round"] > 0]
    runs.by_key = collect(runs.lines)
    shown = runs.settings
    text = [f"{shown['partitions']} partitions. Members send a heartbeat every {shown['heartbeat_ms']} ms (of 1,000 classic ones every {5 * shown['heartbeat_ms']}), and a session lasts",
            f"{shown['session_ms']} ms: what somebody else's coming or going takes has a heartbeat in it, a kill has the session. The consumer protocol's first joining",
            "has one as well, and its goal with it. From the event, at any moment of an interval, until every member has what the group decided, in ms; a goal",
            "counts as met when every round meets it.", ""]
    for protocol in ("classic", "consumer"):
        rows = []
        for members in sorted({line["members"] for line in runs.lines if line["case"].startswith(f"settle-{protocol}-")}):
            for title, key in EVENTS:
                case = f"settle-{protocol}-{members}"
                row = runs.row(title, case, "default", key)
                limit = GROUP_GOALS.get((key, members)) or (GROUP_GOALS.get((key, None)) if members <= 100 else None)
                if limit and protocol == "consumer" and key == "first_ms":
                    limit += shown["heartbeat_ms"]  # The first to come has all of it until its next one.
                ours = list(runs.of(case, "default", "tidelog", key).values())
                rows.append([f"{members:,}", *row, runs.goal(ours, limit, "ms") if limit else "–"])
        text += [f"## The {protocol} protocol", ""] + table(["members", "what", *runs.heads(), "goal"], rows)
    wanted = [("commits a minute", "commits_per_minute", 1), ("answered after, us, p50", "p50_us", 1), ("p99", "p99_us", 1), ("most", "max_us", 1),
              ("processor time of the broker, us a commit", "cpu_us_per_commit", 1), ("resident memory before, MB", "rss_before", 1e6),
              ("at most", "rss_peak", 1e6), ("`__consumer_offsets` on the disk, at most, MB", "disk_peak", 1e6),
              ("grown in the second half, MB", "disk_growth_in_second_half", 1e6)]
    rows = [row for row in (runs.row(title, "commits", "default", key, unit) for title, key, unit in wanted) if row]
    return text + (["## A million commits a minute, by 1,000 groups", ""] + table(["what", *runs.heads()], rows) if rows else [])


def main():
    kind, raw, out = sys.argv[1:4]
    with open(raw, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    runs = Runs(lines)
    if not runs.lines:
        raise SystemExit(f"{raw} has no figures")
    made_by = command(kind, out)
    text = [f"# Measured: {os.path.basename(out)}", "", f"{machine()}. Made by `{made_by}`; how to read it: `docs/benchmarks.md`.", ""]
    if "kafka" not in runs.peers:
        text += ["Apache Kafka was not measured.", ""]
    text += {"recovery": recovery, "partitions": partitions, "idle": idle, "groups": groups}[kind](runs)
    with open(out + ".md", "w", encoding="utf-8") as file:
        file.write("\n".join(text).rstrip() + "\n")
    with open(out + ".json", "w", encoding="utf-8") as file:
        summary = {"machine": machine(), "command": made_by, "settings": runs.settings, "summary": runs.summary, "runs": runs.lines}
        json.dump(summary, file, indent=1)
        file.write("\n")
    print("\n".join(text))


if __name__ == "__main__":
    main()
