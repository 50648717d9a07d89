#!/usr/bin/env python3
"""Attacks real brokers with the attacker and says whether they stood it: once with small limits and deadlines, so that each is met often,
and once as they come. By hand: attack.py --tidelog build/release/tidelog --tools build/release/tests/attack --seconds 3600.
With --only PART nothing is played but what has that in its name, with --without ONE,OTHER not those of these names.
With --large 0 the bystander writes no large records."""
import collections
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import rig  # noqa: E402  (the path stands above)

MEGABYTE = 1 << 20
SMALL = {
    "memory.budget.bytes": 128 * MEGABYTE,
    "socket.request.max.bytes": 4 * MEGABYTE,
    "request.frame.timeout.ms": 1000,
    "response.write.timeout.ms": 2000,
    "max.connections": 4000,
    "max.connections.per.ip": 2500,
    "max.connection.creation.rate": 0,
    # Groups meet as often as the time allows.
    "group.initial.rebalance.delay.ms": 500,
}
# What a broker has that was told nothing; the attack comes from many addresses of this machine, so the rate of one is not met.
DEFAULTS = {"memory.budget.bytes": 1024 * MEGABYTE, "socket.request.max.bytes": 100 * MEGABYTE, "request.frame.timeout.ms": 30000,
            "response.write.timeout.ms": 30000}

# A search by time may take so long in a short run; in a long one it takes as long as the broker lets it.
SHORT_SEARCH_MS, LONGEST_SEARCH_MS, LONG_RUN_S = 1000, 30000, 300

# Where the bystander comes from; all others come from elsewhere.
BYSTANDER = "127.0.0.9"

# What a connection may take beyond the broker's own deadlines before it counts as hung: its turn among all the others.
SLACK_MS = 5000


def fill(broker, topic):
    """Enough records that a fetch brings more than a socket holds."""
    lines = b"".join(b"%064d\n" % n for n in range(200_000))
    subprocess.run([broker.tidelog, "produce", topic, "-b", broker.address], input=lines, check=True, stdout=subprocess.DEVNULL)


def talkative_limits(said, seconds, must_meet_one):
    """Limits that wrote more lines than one a second and shard."""
    lines = collections.Counter(re.findall(r"^\S+ warning ([^:]+): .* \(\d+ so far\)$", said, re.MULTILINE))
    assert lines or not must_meet_one, "no limit was met: this run proves nothing"
    most = (seconds + 2) * (len(os.sched_getaffinity(0)) or 1)
    return {limit: count for limit, count in lines.items() if count > most}


def attack(args, name, options, settings, seconds, seed, **more):
    with rig.Broker(args.tidelog, *(f"{key}={value}" for key, value in options.items())) as broker:
        began = time.monotonic()
        broker.create("attack", 4)
        # Requests that name "attack" may also delete it; what is to be read lies elsewhere.
        broker.create("attack-read", 4)
        broker.create("attack-compacted", 40, "cleanup.policy=compact")
        # Bombs are large and old.
        broker.create("attack-times", 16, "retention.ms=-1", "durability=page-cache")
        broker.create("attack-many", 2000, "durability=page-cache")
        broker.create("bystander", 1)
        broker.create("bystander-times", 1, "retention.ms=-1")
        # In a long run it writes more than the disk should keep.
        broker.create("bystander-large", 1, "retention.ms=-1", f"retention.bytes={64 * MEGABYTE}", f"segment.bytes={16 * MEGABYTE}")
        # Two hundred syncs would measure the disk.
        broker.create("bystander-wide", 200, "durability=page-cache")
        fill(broker, "attack-read")
        print(f"==== {name}, {seconds} s, seed {seed}", flush=True)
        # A sanitizer keeps memory of its own, so there is nothing to hold against the budget.
        budget = settings["memory.budget.bytes"] if args.slowness == 1 else 0
        flags = {"port": broker.port, "pid": broker.process.pid, "seconds": seconds, "seed": seed, "budget": budget,
                 "request-max": settings["socket.request.max.bytes"], "frame-ms": settings["request.frame.timeout.ms"],
                 "write-ms": settings["response.write.timeout.ms"], "slack-ms": int(SLACK_MS * args.slowness),
                 "search-ms": LONGEST_SEARCH_MS if seconds >= LONG_RUN_S else int(SHORT_SEARCH_MS * args.slowness), **more}
        if args.only:
            flags["only"] = args.only
        flags["large"] = args.large
        if args.without:
            flags["without"] = args.without
        words = [word for flag, value in flags.items() for word in (f"--{flag}", str(value))]
        outcome = subprocess.run([os.path.join(args.tools, "attacker"), *words], check=False).returncode
        if broker.process.poll() is None and broker.stop() != 0:
            print("FAIL the broker did not stop cleanly")
            outcome = 1
        if talkative := talkative_limits(broker.said(), time.monotonic() - began, not args.only):
            print(f"FAIL lines of limits in the log: {talkative}")
            outcome = 1
        # What the broker did to the bystander comes first.
        said = broker.said().splitlines()
        for line in [line for line in said if f" {BYSTANDER}:" in line] + said[-20:]:
            print(f"     | {line}")
        return outcome


def main():
    args = rig.arguments(seconds=56, seed=0, bound=2000, only="", without="", large=1)
    bound = int(args.bound * args.slowness)
    seed = args.seed or random.randrange(1, 1 << 31)
    # Most of it under small limits, where everything is met; the rest as delivered.
    small = max(1, args.seconds * 3 // 4)
    outcomes = [attack(args, "small limits", SMALL, SMALL, small, seed, **{"bound-ms": bound}),
                attack(args, "defaults", {}, DEFAULTS, max(1, args.seconds - small), seed + 1, **{"bound-ms": 2 * bound, "connections": 600})]
    return 1 if any(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
