#!/usr/bin/env python3
"""Shows that layers.py notices each kind of violation: a check that cannot fail checks nothing."""

import tempfile
import unittest
from pathlib import Path

import layers

CLEAN = {
    "proto/base/types.h": "#pragma once\n#include <cstdint>\n",
    "storage/log/log.h": '#pragma once\n#include "proto/base/types.h"\n#include <sys/uio.h>\n',
    "broker/metadata/image.h": '#pragma once\n#include "proto/base/types.h"\n#include <map>\n',
    "broker/config/value.cc": '#include "proto/base/types.h"\n#include <fmt/format.h>\n',
    "broker/net/connection.cc": '#include "broker/env/env.h"\n#include "storage/log/log.h"\n',
    "broker/env/env.h": "#pragma once\n#include <boost/asio/any_io_executor.hpp>\n",
    "client/include/tidelog/client.h": "#pragma once\n#include <string>\n",
    "cli/main.cc": '#include <CLI/CLI.hpp>\n#include <tidelog/client.h>\n#include "broker/env/env.h"\n',
}


def violations(changes):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {**CLEAN, **changes}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return layers.check_tree(root)[1]


class Layers(unittest.TestCase):
    def expect_one(self, changes, words):
        found = violations(changes)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_accepts_a_tree_in_order(self):
        self.assertEqual(violations({}), [])

    def test_refuses_an_include_from_above(self):
        self.expect_one({"proto/base/a.cc": '#include "storage/log/log.h"\n'}, "proto/base/a.cc:1: proto lies below storage")

    def test_refuses_a_handler_below_the_handlers(self):
        changes = {"broker/handlers/h.h": "#pragma once\n", "broker/net/a.cc": '\n#include "broker/handlers/h.h"\n'}
        self.expect_one(changes, "broker/net/a.cc:2: broker lies below broker/handlers")

    def test_keeps_client_and_storage_apart(self):
        self.expect_one({"client/a.cc": '#include "storage/log/log.h"\n'}, "know nothing of each other")
        self.expect_one({"client/a.cc": '#include "broker/env/env.h"\n'}, "client lies below broker")

    def test_keeps_metadata_pure(self):
        self.expect_one({"broker/metadata/a.cc": '#include "storage/log/log.h"\n'}, "may include only proto")
        self.expect_one({"broker/metadata/a.cc": "#include <boost/container/small_vector.hpp>\n"}, "may not include <boost/")

    def test_keeps_asio_and_logging_out_of_storage(self):
        self.expect_one({"storage/a.cc": "#include <boost/asio/post.hpp>\n"}, "storage may not include <boost/asio")
        self.expect_one({"storage/a.cc": "#include <spdlog/spdlog.h>\n"}, "storage may not include <spdlog/")

    def test_keeps_rocksdb_in_its_file(self):
        self.expect_one({"storage/a.cc": "#include <rocksdb/db.h>\n"}, "storage may not include <rocksdb/")
        self.expect_one({"storage/key_value/rocksdb_store.cc": '#include "broker/env/env.h"\n'}, "may include only storage, proto")
        allowed = '#include "storage/log/log.h"\n#include <rocksdb/db.h>\n'
        self.assertEqual(violations({"storage/key_value/rocksdb_store.cc": allowed}), [])

    def test_finds_spdlog_outside_its_file(self):
        changes = {"broker/logging/log.cc": "#include <spdlog/spdlog.h>\n", "broker/logging/more.cc": "#include <spdlog/spdlog.h>\n"}
        self.expect_one(changes, "2 files include spdlog")

    def test_counts_the_users_of_asio(self):
        changes = {f"broker/net/a{i}.cc": "#include <boost/asio/post.hpp>\n" for i in range(layers.ASIO_FILES)}
        self.expect_one(changes, f"{layers.ASIO_FILES + 1} files include Boost.Asio")

    def test_finds_a_long_file(self):
        self.expect_one({"proto/a.cc": "\n" * 601}, "601 lines, at most 600")
        self.assertEqual(violations({"tests/unit/a.cc": "\n" * 900}), [])

    def test_finds_a_header_without_its_guard(self):
        self.expect_one({"proto/a.h": "int f();\n"}, "#pragma once is missing")

    def test_finds_a_path_that_is_not_there(self):
        self.expect_one({"proto/a.cc": '#include "proto/gone.h"\n'}, "does not exist")
        self.expect_one({"proto/a.cc": '#include "types.h"\n'}, "in no layer")


if __name__ == "__main__":
    unittest.main()
