#!/usr/bin/env python3
"""`tidelog debug wire` over a conversation that really took place: as a capture, mangled as networks mangle it, and as bare streams."""
import json
import os
import random
import subprocess
import sys
import threading

import rig
from recorder import Recorder


def run(args, *words, data=None):
    done = subprocess.run([args.tidelog, "debug", "wire", *words], input=data, capture_output=True, timeout=rig.seconds(60))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def decode(args, *words, data=None, expected=0):
    code, out, said = run(args, *words, "--format", "json", data=data)
    assert code == expected, (words, code, out[-2000:], said)
    return [json.loads(line) for line in out.splitlines()]


def talk(args, recorder, home):
    """A producer and a consumer by way of the recorder."""
    at = ["-b", f"127.0.0.1:{recorder.port}"]
    said = b"".join(b"line %d\n" % i for i in range(500))
    subprocess.run([args.tidelog, "produce", "talk", *at, "-z", "lz4"], input=said, check=True, capture_output=True, timeout=rig.seconds(60))
    heard = subprocess.run([args.tidelog, "consume", "talk", *at, "-o", "start:end", "--raw"], check=True, capture_output=True, timeout=rig.seconds(60))
    assert heard.stdout == said
    recorder.wait()
    recorder.write_capture(os.path.join(home, "talk.pcap"))


def the_capture_is_told_in_full(lines):
    requests = [line for line in lines if line["type"] == "request"]
    responses = [line for line in lines if line["type"] == "response"]
    assert not [line for line in lines if "error" in line or line["type"] == "remark"], lines
    assert {"ApiVersions", "Metadata", "Produce", "Fetch", "InitProducerId"} <= {line["api"] for line in requests}
    # Every request has the response with its number on its connection.
    asked = sorted((line["from"], line["to"], line["correlation_id"], line["api"]) for line in requests)
    answered = sorted((line["to"], line["from"], line["correlation_id"], line["api"]) for line in responses)
    assert asked == answered
    assert all(line["latency_us"] >= 0 for line in responses) and all(line["client_id"] == "tidelog-cli" for line in requests)
    batches = [batch for line in requests if line["api"] == "Produce" for topic in line["body"]["topicData"]
               for partition in topic["partitionData"] for batch in partition["records"]["batches"]]
    assert sum(batch["count"] for batch in batches) == 500
    assert all(batch["crc_good"] and batch["codec"] == "lz4" and batch["producer_id"] >= 0 for batch in batches), batches
    fetched = [batch for line in responses if line["api"] == "Fetch" for topic in line["body"]["responses"]
               for partition in topic["partitions"] for batch in partition["records"]["batches"]]
    assert sum(batch["count"] for batch in fetched) >= 500 and all(batch["crc_good"] for batch in fetched)


def without_times(lines):
    """Order between connections is the network's; what each says is not."""
    kept = [{key: value for key, value in line.items() if key not in ("time", "latency_us")} for line in lines]
    return sorted(json.dumps(line, sort_keys=True) for line in kept)


def mangled(packets):
    """Data that comes twice, and data that overtakes what the same side sent before it. Handshakes and ends stay where they are."""
    flags, ports = 33, slice(20, 24)
    dice = random.Random(7)
    out = []
    for packet in (one for one in packets if not one[1][flags] & 3):
        out.append(packet)
        if len(out) > 1 and dice.random() < 0.3 and out[-1][1][ports] == out[-2][1][ports]:
            out[-1], out[-2] = out[-2], out[-1]
        if dice.random() < 0.3:
            out.append(dice.choice(out))
    return [one for one in packets if one[1][flags] & 2] + out + [one for one in packets if one[1][flags] & 1]


def a_mangled_capture_says_the_same(args, recorder, home, lines):
    path = os.path.join(home, "mangled.pcap")
    recorder.write_capture(path, mangled)
    assert without_times(decode(args, path)) == without_times(lines)


def a_capture_with_a_hole_goes_on(args, recorder, home, lines):
    def drop_one(packets):
        data = [i for i, (_, packet) in enumerate(packets) if len(packet) > 40 and packet[20:22] != b"\x23\x84"]
        return packets[:data[3]] + packets[data[3] + 1:]
    path = os.path.join(home, "hole.pcap")
    recorder.write_capture(path, drop_one)
    code, out, _ = run(args, path, "--format", "json")
    told = [json.loads(line) for line in out.splitlines()]
    assert [line for line in told if line["type"] == "remark" and "missing" in line["message"]], "the hole is not told"
    assert len(told) > len(lines) * 0.8 and code in (0, 1), (len(told), len(lines), code)


def bare_streams(args, recorder, home, lines):
    requests, responses = os.path.join(home, "requests"), os.path.join(home, "responses")
    recorder.write_stream(requests, 0, 0)
    recorder.write_stream(responses, 0, 1)
    first = [line for line in lines if line["type"] == "request" and line["from"].endswith(":40000")]
    bare = decode(args, requests)
    assert [line["body"] for line in bare] == [line["body"] for line in first]
    with open(requests, "rb") as f:
        raw = f.read()
    assert decode(args, "-", data=raw) == bare
    assert decode(args, "--hex", data=raw.hex(" ", 4).encode()) == bare
    # The first response answers ApiVersions, and stands in front.
    with open(responses, "rb") as f:
        answer = f.read()
    answer = answer[:4 + int.from_bytes(answer[:4], "big")]
    version = str(bare[0]["api_version"])
    for api in ("18", "ApiVersions"):
        told = decode(args, "--responses", "--api-key", api, "--api-version", version, data=answer)
        assert len(told) == 1 and any(one["apiKey"] == 18 for one in told[0]["body"]["apiKeys"]), told
    code, out, said = run(args, requests)
    assert code == 0 and out.startswith("request ApiVersions v") and "clientSoftwareName: \"tidelog-client\"" in out, (out, said)


def damage_is_told_and_the_rest_goes_on(args, recorder, home):
    recorder.write_stream(os.path.join(home, "requests"), 0, 0)
    with open(os.path.join(home, "requests"), "rb") as f:
        raw = f.read()
    frames, at = [], 0
    while at < len(raw):
        size = 4 + int.from_bytes(raw[at:at + 4], "big")
        frames.append(raw[at:at + size])
        at += size
    broken = bytearray(frames[0])
    broken[-1] = 0xFF  # the count of tags: its varint goes on, and the frame does not
    lines = decode(args, data=bytes(broken) + b"".join(frames[1:]), expected=1)
    assert len(lines) == len(frames)
    assert lines[0]["error"]["offset"] == len(frames[0]) - 5 and lines[0]["error"]["field"] == "tags", lines[0]
    assert not any("error" in line for line in lines[1:])
    # A frame that ends too early, one of an API that nobody has, and a length that is none.
    assert "error" in decode(args, data=frames[0][:-3], expected=1)[0]
    unknown = decode(args, data=bytes.fromhex("0000000e" "03e7 0001 00000001 ffff 01020304"))
    assert unknown[0]["api_key"] == 999 and unknown[0]["body_begins"] == "01020304"
    lines = decode(args, data=frames[0] + b"GET / HTTP/1.1\r\n\r\n", expected=1)
    assert [line["type"] for line in lines] == ["request", "remark"]


def refusals(args):
    for words, data, wanted in [
        (["/nowhere"], None, "cannot read"),
        (["--hex"], b"00 0g", "hex"),
        (["--api-key", "3"], b"", "--responses"),
        (["--responses"], b"", "--api-key"),
        (["--responses", "--api-key", "Metadatas", "--api-version", "1"], b"", "Metadatas"),
        (["-"], bytes.fromhex("a1b2c3d400020004000000000000000000040000000000ff"), "link type 255"),
        (["-"], bytes.fromhex("0a0d0d0a00000008"), "damaged"),
    ]:
        code, out, said = run(args, *words, data=data)
        assert code in (1, 2) and wanted in said and said.startswith("error: ") and "  code: " in said, (words, code, said)


def an_endless_stream_takes_no_memory(args):
    """Frames of one request for ever: each is printed as it comes, and what was printed is forgotten."""
    request = bytes.fromhex("00000010" "0003 0004 00000007 0001 63 00000000 01")
    process = subprocess.Popen([args.tidelog, "debug", "wire", "--format", "json", "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdin.write(request)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["api"] == "Metadata"  # Before there is more.
        counted = [0]

        def read():
            while line := process.stdout.readline():
                counted[0] += line.startswith(b'{"type":"request"')
        reader = threading.Thread(target=read)
        reader.start()
        # A length that claims 200 MiB, and never gets there: what came is kept, no more.
        for _ in range(200):
            process.stdin.write(request * 1000)
        process.stdin.write((200 << 20).to_bytes(4, "big") + b"x" * 1000)
        process.stdin.flush()
        rig.until(lambda: counted[0] == 200_000, "everything is printed", 60)
        with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
            peak = int(next(line for line in f if line.startswith("VmHWM")).split()[1])
        assert peak < 64 * 1024, f"{peak} KiB for a stream of small frames"
        process.stdin.close()
        assert process.wait(timeout=rig.seconds(30)) == 1  # The last frame is not whole.
        reader.join()
    finally:
        process.kill()
        process.wait()


def main():
    args = rig.arguments()
    broker = rig.Broker(args.tidelog)
    with Recorder(broker.port) as recorder:
        # Brokers tell clients their own address, which has to be the recorder's.
        broker.options = (f"advertised.listeners=PLAINTEXT://127.0.0.1:{recorder.port}",)
        with broker:
            talk(args, recorder, broker.home)
            lines = decode(args, os.path.join(broker.home, "talk.pcap"))
            the_capture_is_told_in_full(lines)
            a_mangled_capture_says_the_same(args, recorder, broker.home, lines)
            a_capture_with_a_hole_goes_on(args, recorder, broker.home, lines)
            bare_streams(args, recorder, broker.home, lines)
            damage_is_told_and_the_rest_goes_on(args, recorder, broker.home)
            refusals(args)
    an_endless_stream_takes_no_memory(args)
    print(f"{len(lines)} frames of a conversation decoded")
    return 0


if __name__ == "__main__":
    sys.exit(rig.run(main))
