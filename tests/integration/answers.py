#!/usr/bin/env python3
"""Plays the requests of tests/data/answers and compares each answer with the one on file, field by field.

A file holds a case a line: {"case": name, "steps": [...]}. Each case makes topics and groups of its own, each file has a broker of its own. A step is one of
    {"topic": name, "partitions": 1, "configs": {}}     makes a topic and goes on
    {"ask": [api, version], "request": {}, "answer": {}} sends a request
    {"frame": hex, "ask": [api, version], "answer": {}}  sends these bytes instead; without "ask" for what has no answer
    {"ask": [api, version], "answer": {}}                waits for one more answer
An answer is as messages.py decodes it (defaults left out), or "nothing" (for `wait` seconds), or "close". `on` names another connection than
the first. `takes` is the least time in milliseconds. `producer` and `now` have a batch carry the producer id of that name, or times around now.
`at_least` and `at_most` count elements where the answer depends on what else is there; `only` names a list and the field and value of the elements meant.

What a broker is free to choose is left out (FREE) or named by its turn ("<topicId 1>"); lists of structs have no order.

The answers are Apache Kafka's. A step with "otherwise" is one where ours differs; it names the row of docs/protocol.md that says why, and the
test fails if there is none. The requests that ApiVersions lists are compared with the table in the same page."""
import glob
import json
import os
import re
import struct
import sys
import time

import messages
import rig
import wire

APIS = messages.load()
DATA = os.path.join(messages.ROOT, "tests", "data", "answers")
NAMED = {"topicId": "topicId", "sessionId": "sessionId", "producerId": "producerId", "clusterId": "clusterId", "memberId": "memberId", "leader": "memberId"}
FREE = {"host", "port", "logAppendTimeMs", "errorMessage", "message", "batchIndexErrorMessage", "nodeEndpoints", "supportedFeatures", "finalizedFeatures", "finalizedFeaturesEpoch",
        "rack", "documentation", "lastTimestamp", "replicaDirectoryId", "clientHost", "clientId"}
LEAST_MEMBER_ID = 20  # what is shorter, the case made up itself
COME_AGAIN = {14, 15, 16}  # COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR
LISTED = "<the table in docs/protocol.md>"
PRODUCER_AT, BASE_TIME_AT, MAX_TIME_AT, CRC_AT, CHECKED_FROM = 43, 27, 35, 17, 21


def page():
    with open(os.path.join(messages.ROOT, "docs", "protocol.md"), encoding="utf-8") as f:
        return f.read()


def documented():
    """The rows of the table of requests: {(key, first version, last version)}."""
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (\d+)-(\d+) \|$", page(), re.MULTILINE)
    for key, name, _, _ in rows:
        assert APIS[name].key == int(key), f"docs/protocol.md: {name} is not key {key}"
    return {(int(key), int(first), int(last)) for key, _, first, last in rows}


def reasons():
    """What the rows of the other table are about."""
    return set(re.findall(r"^\| (.+?) \| .+ \| .+ \| .+ \|$", page(), re.MULTILINE))


class Names:
    """What the broker chose, by field and in the order in which it came."""

    def __init__(self):
        self.known = {}

    def mask(self, value, key=None):
        if isinstance(value, dict):
            return {k: self.mask(v, k) for k, v in value.items() if k not in FREE}
        if isinstance(value, list):
            items = [self.mask(v, key) for v in value]
            return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if items and isinstance(items[0], dict) else items
        return self.name(NAMED[key], value) if key in NAMED and value is not None else value

    def name(self, kind, value):
        if kind == "memberId" and len(value) < LEAST_MEMBER_ID:
            return value
        values = self.known.setdefault(kind, [])
        if value not in values:
            values.append(value)
        return f"<{kind} {values.index(value) + 1}>"

    def real(self, value):
        if isinstance(value, dict):
            return {k: self.real(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.real(v) for v in value]
        name = re.fullmatch(r"<(\w+) (\d+)>", value) if isinstance(value, str) else None
        return self.known[name.group(1)][int(name.group(2)) - 1] if name else value


def listed(answer):
    """With a list of requests told by a word if it is the documented one, else by what is wrong with it."""
    if len(answer.get("apiKeys", [])) < 2:
        return answer
    said = {(a.get("apiKey", 0), a.get("minVersion", 0), a.get("maxVersion", 0)) for a in answer["apiKeys"]}
    wrong = [f"{key}: {first}-{last}" for key, first, last in sorted(said ^ documented())]
    return {**answer, "apiKeys": f"not as in docs/protocol.md: {', '.join(wrong)}" if wrong else LISTED}


def chosen(answer, only):
    """With those elements of its lists that are meant, and nothing but what they are chosen by."""
    lists = {field: [by for element in answer.get(field, []) if by.items() <= element.items()] for field, by in only.items()}
    return {field: elements for field, elements in lists.items() if elements}


def edit(batch, at, form, value):
    return batch[:at] + struct.pack(form, value) + batch[at + struct.calcsize(form):]


class Case:
    def __init__(self, broker, case):
        self.broker, self.case, self.names, self.open, self.correlation = broker, case, Names(), {}, 0

    def play(self):
        for number, step in enumerate(self.case["steps"], 1):
            try:
                self.topic(step) if "topic" in step else self.step(step)
            except (AssertionError, OSError, LookupError) as problem:
                raise AssertionError(f"{self.case['case']}, step {number} ({step.get('ask')}): {problem}") from problem
        self.close()

    def close(self):
        for connection in self.open.values():
            connection.close()

    def topic(self, step):
        configs = [{"name": k, "value": v} for k, v in step.get("configs", {}).items()]
        request = {"topics": [{"name": step["topic"], "numPartitions": step.get("partitions", 1), "replicationFactor": 1, "configs": configs}], "timeoutMs": 10000}
        answer = self.ask("CreateTopics", 7, request)
        assert "errorCode" not in answer["topics"][0], answer
        self.names.mask(answer["topics"][0]["topicId"], "topicId")

    def step(self, step):
        on, ask = step.get("on", "a"), step.get("ask")
        if "frame" in step:
            data = bytes.fromhex(step["frame"])
        else:
            data = self.frame(*ask, self.fresh(self.names.real(step["request"]), step)) if "request" in step else b""
        began = time.monotonic()
        answer = self.exchange(on, data, ask, step.get("wait", 0))
        took = (time.monotonic() - began) * 1000
        assert took >= step.get("takes", 0), f"answered after {took:.0f} ms"
        if "at_least" in step or "at_most" in step:
            assert all(len(answer.get(field, [])) >= count for field, count in step.get("at_least", {}).items()), answer
            assert all(len(answer.get(field, [])) <= count for field, count in step.get("at_most", {}).items()), answer
            return
        if "only" in step:
            answer = chosen(answer, step["only"])
        got = self.names.mask(listed(answer)) if isinstance(answer, dict) else answer
        assert got == step["answer"], f"\n    expected {json.dumps(step['answer'], sort_keys=True)}\n    got      {json.dumps(got, sort_keys=True)}"

    def ask(self, api, version, request):
        return self.exchange("a", self.frame(api, version, request), (api, version), 0)

    def frame(self, api, version, request):
        self.correlation += 1
        payload = APIS[api].encode(version, self.correlation, request)
        return struct.pack(">i", len(payload)) + payload

    def fresh(self, request, step):
        """Has a Produce request's batches carry what is known only now."""
        for topic in request.get("topicData", []) if "producer" in step or "now" in step else []:
            for part in topic["partitionData"]:
                batch = messages.base64.b64decode(part["records"])
                if "producer" in step:
                    batch = edit(batch, PRODUCER_AT, ">q", self.names.real(step["producer"]))
                if "now" in step:
                    base, latest = struct.unpack_from(">qq", batch, BASE_TIME_AT)
                    now = int(time.time() * 1000)
                    batch = edit(edit(batch, BASE_TIME_AT, ">q", now), MAX_TIME_AT, ">q", now + latest - base)
                part["records"] = messages.base64.b64encode(edit(batch, CRC_AT, ">I", wire.crc32c(batch[CHECKED_FROM:]))).decode()
        return request

    def exchange(self, on, data, ask, wait):
        """The answer decoded, "close" or "nothing"."""
        if on not in self.open:
            self.open[on] = rig.Wire(self.broker.port)
        connection = self.open[on]
        connection.socket.settimeout(wait if wait else rig.seconds(10))
        try:
            connection.socket.sendall(data)
            payload = connection.receive()
        except ConnectionError:
            payload = None
        except TimeoutError:
            assert wait, "no answer"
            return "nothing"
        if payload is None:
            self.open.pop(on).close()
            return "close"
        assert ask, f"an answer of {len(payload)} bytes"
        return APIS[ask[0]].decode(ask[1], payload)


def files(only):
    """The cases whose name has `only` in it, by file."""
    for path in sorted(glob.glob(os.path.join(DATA, "*.jsonl"))):
        with open(path, encoding="utf-8") as f:
            cases = [case for case in map(json.loads, f) if re.search(only, case["case"])]
        if cases:
            yield os.path.basename(path), cases


def wait_for_coordinators(broker):
    """Until all coordinators of groups are up: who asks earlier is told to come again."""
    names = [f"group-{n}" for n in range(100)]  # of few coordinators: each has some of these
    side = Case(broker, {"case": "coordinators"})
    side.ask("FindCoordinator", 4, {"coordinatorKeys": names})  # which makes the topic that keeps groups
    rig.until(lambda: not any(group.get("errorCode") in COME_AGAIN for group in side.ask("DescribeGroups", 5, {"groups": names})["groups"]), "coordinators are up")
    side.close()


def every_difference_has_its_reason(all_cases):
    given = reasons()
    for case in all_cases:
        for step in case["steps"]:
            row = step.get("otherwise")
            assert row is None or row in given, f"{case['case']}: docs/protocol.md has no row '{row}'"


def play(tidelog, shards, name, cases):
    """One file against a fresh broker."""
    options = (f"shards={shards}", "num.partitions=1", "node.id=1", "max.connection.creation.rate=10000", "group.initial.rebalance.delay.ms=0",
               f"offsets.topic.num.partitions={shards}")
    with rig.Broker(tidelog, *options) as broker:
        wait_for_coordinators(broker)
        failures = 0
        for case in cases:
            try:
                Case(broker, case).play()
            except AssertionError as problem:
                failures += 1
                print(f"FAILED {problem}", flush=True)
        steps = sum(len(case["steps"]) for case in cases)
        differing = sum(any("otherwise" in step for step in case["steps"]) for case in cases)
        print(f"{name}: {len(cases)} cases of {steps} steps with {shards} shard(s), {differing} of them answered otherwise than by Kafka: {failures} failed", flush=True)
        assert failures == 0
        assert broker.stop() == 0


def the_page_has_the_counts(all_cases):
    """Of cases, and of those that are answered otherwise in any step."""
    otherwise = sum(any("otherwise" in step for step in case["steps"]) for case in all_cases)
    for count in (f"holds {len(all_cases)} cases", f"as in {otherwise} cases"):
        assert count in page(), f"docs/protocol.md: is it not '{count}'?"


def main():
    args = rig.arguments(only="")
    by_file = dict(files(args.only))
    assert by_file, "no case"
    all_cases = [case for cases in by_file.values() for case in cases]
    every_difference_has_its_reason(all_cases)
    if not args.only:
        the_page_has_the_counts(all_cases)
    for shards in (1, 3):
        for name, cases in by_file.items():
            play(args.tidelog, shards, name, cases)
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
