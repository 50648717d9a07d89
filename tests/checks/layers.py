#!/usr/bin/env python3
"""Checks who may include whom, and how long a file may be.

The layers stand in LAYERS, lowest first: a file includes its own layer and lower ones. What a layer may take from third parties stands
beside it; the standard library is always allowed. Prints one line a violation and exits 1 if there is one.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import NamedTuple


class Layer(NamedTuple):
    rank: int
    third_party: tuple  # prefixes of include paths in <>, beyond the standard library; ("*",) for any
    only: tuple = ()  # if given, the only folders of ours it may include beside itself


SYSTEM = ("sys/", "arpa/", "netinet/", "netdb.h", "unistd.h", "fcntl.h", "sched.h", "poll.h", "dirent.h", "pthread.h", "signal.h", "malloc.h", "linux/")
CODECS = ("zlib.h", "zstd", "lz4", "snappy", "isa-l", "crc.h", "nmmintrin.h", "immintrin.h")
DRIVER = ("boost/", "fmt/", "jemalloc/", *SYSTEM)

# The longest prefix of a path decides.
LAYERS = {
    "proto": Layer(0, CODECS),
    "storage": Layer(1, SYSTEM),
    # The only file that knows RocksDB; above storage, so that nothing of storage may need it.
    "storage/key_value/rocksdb_store.cc": Layer(2, ("rocksdb/",), only=("storage", "proto")),
    "client": Layer(1, SYSTEM),
    # What a pattern means is the same on both sides; nobody who includes our headers has to know by whom.
    "client/group/topic_filter.cc": Layer(2, ("re2/",), only=("client", "proto")),
    "broker/metadata": Layer(1, (), only=("proto",)),
    "broker/group": Layer(1, ("re2/",), only=("proto",)),
    "broker/config": Layer(2, ("fmt/", "unistd.h"), only=("proto/base",)),
    "broker/logging": Layer(2, ("fmt/", "spdlog/"), only=("broker/config", "proto/base")),
    "broker": Layer(2, DRIVER),
    "broker/handlers": Layer(3, DRIVER),
    # What wires all of it together.
    "broker/broker.h": Layer(3, DRIVER),
    "broker/broker.cc": Layer(3, DRIVER),
    "broker/serve.cc": Layer(3, DRIVER),
    "cli": Layer(4, ("*",)),
    "tests": Layer(9, ("*",)),
    "bench": Layer(9, ("*",)),
}
SOURCES = (".h", ".cc", ".cpp", ".hpp")
FILE_LINES = 600
TEST_LINES = 900
ASIO_FILES = 40  # Asio costs 2.5 s a unit to compile
SPDLOG_FILES = 1
PEERS = 1  # the rank whose layers may not include one another
GENERATED = "proto/messages/"  # made at build time; part of proto
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# A header of ours for programs: it is installed, so it is included by its installed name.
PUBLIC = "tidelog/"


def layer_name(path):
    fits = [name for name in LAYERS if path == name or path.startswith(name + "/")]
    return max(fits, key=len, default=None)


def is_below(path, folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def is_standard(header):
    return re.fullmatch(r"[a-z0-9_]+", header) is not None


def check_own(name, included):
    """Why a file of ours may not be included, or None."""
    layer, other = LAYERS[name], layer_name(included)
    if other is None:
        return f'"{included}" is in no layer (paths begin at the repository root)'
    if other == name:
        return None
    if layer.only and not is_below(included, layer.only):
        return f"{name} may include only {', '.join(layer.only)}: not {included}"
    if LAYERS[other].rank > layer.rank:
        return f"{name} lies below {other}: it may not include {included}"
    if layer.rank == LAYERS[other].rank == PEERS:
        return f"{name} and {other} know nothing of each other: it may not include {included}"
    return None


def check_third_party(name, header):
    allowed = LAYERS[name].third_party
    if is_standard(header) or "*" in allowed or header.startswith(allowed):
        return None
    return f"{name} may not include <{header}>"


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1), found.group(2)


def exists(root, included):
    return included.startswith(GENERATED) or (root / included).is_file() or included.endswith(".pb.h")


def check_file(root, path, text):
    name = layer_name(path)
    if name is None:
        yield f"{path}:1: the folder is in no layer: add it to LAYERS in tests/checks/layers.py"
        return
    limit = TEST_LINES if path.startswith("tests/") else FILE_LINES
    lines = len(text.splitlines())
    if lines > limit:
        yield f"{path}:{limit}: {lines} lines, at most {limit}: split it by responsibility"
    if path.endswith((".h", ".hpp")) and "#pragma once" not in text:
        yield f"{path}:1: #pragma once is missing"
    for number, ours, other in includes(text):
        if other is not None and other.startswith(PUBLIC):
            ours, other = f"client/include/{other}", None
        if ours is not None and ours.startswith(PUBLIC):
            ours = f"client/include/{ours}"
        why = check_third_party(name, other) if ours is None else check_own(name, ours)
        if why is None and ours is not None and not exists(root, ours):
            why = f'"{ours}" does not exist (paths begin at the repository root)'
        if why is not None:
            yield f"{path}:{number}: {why}"


def count_users(texts, pattern, where):
    expression = re.compile(r"^\s*#\s*include\s*[<\"]" + pattern, re.MULTILINE)
    return [path for path, text in texts.items() if path.startswith(where) and expression.search(text)]


def check_counts(texts):
    asio = count_users(texts, r"boost/asio", ("proto/", "storage/", "broker/", "client/", "cli/"))
    if len(asio) > ASIO_FILES:
        yield f"{asio[0]}:1: {len(asio)} files include Boost.Asio, at most {ASIO_FILES}"
    spdlog = count_users(texts, r"spdlog/", ("proto/", "storage/", "broker/", "client/", "cli/"))
    if len(spdlog) > SPDLOG_FILES:
        yield f"{spdlog[-1]}:1: {len(spdlog)} files include spdlog, at most {SPDLOG_FILES}: use broker/logging/log.h"


def read_tree(root):
    texts = {}
    for top in sorted({name.split("/")[0] for name in LAYERS}):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                texts[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8", errors="replace")
    return texts


def check_tree(root):
    texts = read_tree(root)
    violations = [violation for path, text in texts.items() for violation in check_file(root, path, text)]
    return len(texts), violations + list(check_counts(texts))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent.parent)
    count, violations = check_tree(parser.parse_args().root)
    for violation in violations:
        print(violation)
    print(f"layers: {count} files, {len(violations)} violations")
    return 1 if violations or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
