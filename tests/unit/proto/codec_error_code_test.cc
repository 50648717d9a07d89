#include "proto/error_code.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

namespace tidelog {
namespace {

TEST(ErrorCode, HasTheNameAndRetriabilityOfEveryCodeKafkaAssigned) {
  std::ifstream file(std::filesystem::path(TIDELOG_TEST_DATA) / "../../proto/schema/errors.tsv");
  std::set<int> codes;
  std::string line;
  std::getline(file, line);

  while (std::getline(file, line)) {
    std::istringstream words(line);
    int code = 0;
    std::string name_expected;
    std::string retriable_expected;
    words >> code >> name_expected >> retriable_expected;
    codes.insert(code);
    EXPECT_EQ(name(static_cast<ErrorCode>(code)), name_expected);
    EXPECT_EQ(retriable(static_cast<ErrorCode>(code)), retriable_expected == "yes") << name_expected;
  }

  EXPECT_EQ(codes.size(), 138U);
  EXPECT_EQ(*codes.begin(), -1);
  EXPECT_EQ(*codes.rbegin(), 136);
}

TEST(ErrorCode, EnumeratorsAreKafkasNumbers) {
  EXPECT_EQ(static_cast<int>(ErrorCode::unknown_server_error), -1);
  EXPECT_EQ(static_cast<int>(ErrorCode::none), 0);
  EXPECT_EQ(static_cast<int>(ErrorCode::unsupported_version), 35);
  EXPECT_EQ(static_cast<int>(ErrorCode::invalid_record), 87);
  EXPECT_EQ(static_cast<int>(ErrorCode::rebootstrap_required), 129);
}

}  // namespace
}  // namespace tidelog
