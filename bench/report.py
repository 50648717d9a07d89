#!/usr/bin/env python3
"""Turns the lines of bench/run.sh into a table for people and a summary for programs. Usage: report.py RAW.jsonl OUT (writes OUT.md, OUT.json)."""
import json
import os
import platform
import statistics
import sys

PEERS = ["floor", "tidelog", "kafka"]
TITLES = {"floor": "floor", "tidelog": "Tidelog", "kafka": "Apache Kafka"}
CASES = {
    "produce-1k": ("1 KiB records, 64 KiB batches, 5 in flight", "mb_per_s", "MB/s"),
    "produce-100b": ("100 B records, 64 KiB batches, 5 in flight", "mb_per_s", "MB/s"),
    "produce-1k-16": ("1 KiB records, 64 KiB batches, 16 in flight", "mb_per_s", "MB/s"),
    "single": ("1 KiB, one record a request, 256 in flight", "requests_per_s", "requests/s"),
    "fetch": ("catch-up fetch, 1 MiB answers, 1 in flight", "mb_per_s", "MB/s"),
}
EXPECTED = {  # by load and durability: of the floor, and of Kafka
    ("produce-1k", "page-cache"): {"floor": 0.7},
    ("produce-100b", "page-cache"): {"floor": 0.7},
    ("single", "page-cache"): {"floor": 0.5},
    ("fetch", "page-cache"): {"floor": 0.7},
    ("single", "fsync"): {"floor": 0.5, "kafka": 50},
    ("produce-1k-16", "fsync"): {"floor": 0.6, "kafka": 5},
}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "rounds": len(values)}


def collect(lines):
    """(case, mode, peer) -> round -> the line."""
    found = {}
    for line in lines:
        found.setdefault((line["case"], line["mode"], line["peer"]), {})[line["round"]] = line
    return found


def figures(runs, key):
    return {number: line[key] for number, line in runs.items() if key in line}


def ratio(ours, theirs):
    """Round by round, for a round's two runs stood beside each other; None where either is missing."""
    pairs = [ours[number] / theirs[number] for number in ours if theirs.get(number)]
    return spread(pairs) if pairs else None


def number(value):
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f}"


def cell(values):
    if not values:
        return "–"
    span = spread(list(values.values()))
    if span["rounds"] == 1:
        return number(span["median"])
    return f"{number(span['median'])} ({number(span['min'])}–{number(span['max'])})"


def ratio_cell(span):
    return "–" if span is None else f"{span['median']:.2f} ({span['min']:.2f}–{span['max']:.2f})"


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(row) + " |" for row in rows] + [""]


class Report:
    def __init__(self, lines):
        self.runs = collect(lines)
        self.peers = [peer for peer in PEERS if any(key[2] == peer for key in self.runs)]
        self.summary = {}

    def of(self, case, mode, peer, key):
        return figures(self.runs.get((case, mode, peer), {}), key)

    def rows_of(self, key_of_case):
        """For each case and mode: its title, the cells of all peers, ratios of ours to the others."""
        rows = []
        for case in CASES:
            for mode in ("page-cache", "fsync"):
                title, key, unit = key_of_case(case)
                by_peer = {peer: self.of(case, mode, peer, key) for peer in self.peers}
                if not any(by_peer.values()):
                    continue
                ratios = {peer: ratio(by_peer.get("tidelog", {}), by_peer[peer]) for peer in self.peers if peer != "tidelog"}
                self.remember(case, mode, key, by_peer, ratios)
                rows.append([title, mode, unit] + [cell(by_peer[peer]) for peer in self.peers] + [ratio_cell(span) for span in ratios.values()]
                            + self.verdict(case, mode, key, ratios))
        return rows

    def verdict(self, case, mode, key, ratios):
        if key not in ("mb_per_s", "requests_per_s"):
            return []
        goals = {peer: goal for peer, goal in EXPECTED.get((case, mode), {}).items() if ratios.get(peer)}
        said = [f"{goal} x {TITLES[peer]}: {'met' if ratios[peer]['median'] >= goal else 'missed'}" for peer, goal in goals.items()]
        return [", ".join(said) or "–"]

    def remember(self, case, mode, key, by_peer, ratios):
        entry = self.summary.setdefault(f"{case}, {mode}", {})
        entry[key] = {peer: spread(list(values.values())) for peer, values in by_peer.items() if values}
        entry[key] |= {f"tidelog/{peer}": span for peer, span in ratios.items() if span}

    def ratio_heads(self):
        return [f"Tidelog / {TITLES[peer]}" for peer in self.peers if peer != "tidelog"]

    def throughput(self):
        head = ["load", "durability", "unit"] + [TITLES[peer] for peer in self.peers] + self.ratio_heads() + ["expected"]
        return ["## Throughput", ""] + table(head, self.rows_of(lambda case: CASES[case]))

    def cpu(self):
        def key_of(case):
            return (CASES[case][0],) + (("cpu_us_per_request", "us/request") if case == "single" else ("cpu_s_per_gb", "CPU-s/GB"))

        head = ["load", "durability", "unit"] + [TITLES[peer] for peer in self.peers] + self.ratio_heads()
        return ["## Processor time of the broker (less is better)", ""] + table(head, self.rows_of(key_of))

    def latency(self):
        rows = []
        for (case, mode, peer), runs in self.runs.items():
            if case in CASES:
                rows.append([CASES[case][0], mode, TITLES[peer]] + [cell(figures(runs, key)) for key in ("p50_us", "p99_us", "p999_us", "max_us")])
        rows.sort(key=lambda row: (row[0], row[1]), reverse=True)
        return ["## Time from sending a request to its answer, closed loop, in microseconds", ""] + table(
            ["load", "durability", "peer", "p50", "p99", "p99.9", "max"], rows)

    def start_and_memory(self):
        rows = []
        wanted = [("start", mode, key, f"{title} ({mode})", "ms") for mode in ("page-cache", "fsync")
                  for key, title in (("connected_ms", "start: spawned to port open"), ("acked_ms", "start: spawned to first ack"))]
        wanted += [("memory-idle", "fsync", "rss_bytes", "resident memory, idle", "MB"),
                   ("memory-partitions-10000", "fsync", "rss_bytes", "resident memory, 10,000 idle partitions", "MB")]
        for case, mode, key, title, unit in wanted:
            scale = 1e6 if unit == "MB" else 1
            by_peer = {peer: {n: value / scale for n, value in self.of(case, mode, peer, key).items()} for peer in self.peers}
            if any(by_peer.values()):
                self.remember(case, mode, key, by_peer, {})
                rows.append([title, unit] + [cell(by_peer[peer]) for peer in self.peers])
        return ["## Start and memory", ""] + table(["what", "unit"] + [TITLES[peer] for peer in self.peers], rows) if rows else []

    def instructions(self):
        rows = []
        for case in CASES:
            by_peer = {peer: self.of(f"instructions-{case}", "page-cache", peer, "instructions_per_request") for peer in self.peers}
            if any(by_peer.values()):
                self.remember(f"instructions-{case}", "page-cache", "instructions_per_request", by_peer, {})
                rows.append([CASES[case][0]] + [cell(by_peer[peer]) for peer in self.peers])
        return ["## User-space instructions per request (callgrind)", ""] + table(["load"] + [TITLES[peer] for peer in self.peers], rows) if rows else []


def machine():
    with open("/proc/meminfo", encoding="ascii") as file:
        memory_kib = int(file.readline().split()[1])
    model = "processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{os.cpu_count()} x {model}, {memory_kib / 2**20:.0f} GiB, Linux {platform.release()}"


def main():
    raw, out = sys.argv[1:3]
    with open(raw, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    report = Report(lines)
    text = [f"# Measured: {os.path.basename(out)}", "",
            f"{machine()}. Made by `bench/run.sh`; how to read it: `docs/benchmarks.md`. Each cell is the median of its rounds (least–most); a ratio",
            "is the median of the ratios of each round. Only ratios carry over to other machines and days.", ""]
    if "kafka" not in report.peers:
        text += ["Apache Kafka was not measured: `KAFKA_PEER` did not name an executable that starts it.", ""]
    for part in (report.throughput, report.cpu, report.latency, report.start_and_memory, report.instructions):
        text += part()
    with open(out + ".md", "w", encoding="utf-8") as file:
        file.write("\n".join(text).rstrip() + "\n")
    with open(out + ".json", "w", encoding="utf-8") as file:
        json.dump({"machine": machine(), "summary": report.summary, "runs": lines}, file, indent=1)
        file.write("\n")
    print("\n".join(text))


if __name__ == "__main__":
    main()
