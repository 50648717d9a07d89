#include "proto/codec/api_table.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace tidelog::proto {
namespace {

TEST(ProtocolTable, SaysWhatTheProgramLists) {
  std::string expected;
  for (const ApiInfo& api : served_apis()) {
    expected += "| " + std::to_string(api.key) + " | " + std::string(api.name) + " | " + std::to_string(api.min_version) + "-" +
                std::to_string(api.max_version) + " |\n";
  }

  std::ifstream file(TIDELOG_TEST_DATA "/../../docs/protocol.md");
  std::stringstream text;
  text << file.rdbuf();

  EXPECT_NE(text.str().find("|---|---|---|\n" + expected + "\n"), std::string::npos) << "docs/protocol.md needs these rows:\n" << expected;
}

}  // namespace
}  // namespace tidelog::proto
