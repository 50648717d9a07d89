#include "storage/log/file_names.h"
#include "storage/log/identity.h"
#include "storage/log/leader_epochs.h"
#include "storage/log/truncation.h"
#include "tests/support/memory_files.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::LeaderEpochs;
using storage::LogDirectoryName;

TEST(LogDirectory, IsTopicAndPartition) {
  EXPECT_EQ(storage::log_directory_name("a-b", {12}), "a-b-12");
  EXPECT_EQ(storage::parse_log_directory_name("a-b-12"), (LogDirectoryName{"a-b", {12}}));
  for (const char* name : {"", "-1", "a", "a-", "a-x", "a-01", ".lock", "a-99999999999", "t-0.000000000000002a-delete"}) {
    EXPECT_FALSE(storage::parse_log_directory_name(name)) << name;
  }
}

TEST(LogDirectory, KnowsWhatWasSetAside) {
  EXPECT_TRUE(storage::is_set_aside("t-0.000000000000002a-delete"));
  EXPECT_FALSE(storage::is_set_aside("t-0"));
  EXPECT_FALSE(storage::is_set_aside("my-delete"));
}

TEST(OffsetFile, HasTwentyDigits) {
  EXPECT_EQ(storage::offset_file("d", {123}, ".log"), "d/00000000000000000123.log");
  EXPECT_EQ(storage::parse_offset_file("00000000000000000123.log", ".log"), Offset{123});
  EXPECT_FALSE(storage::parse_offset_file("00000000000000000123.log.cut", ".log"));
  EXPECT_FALSE(storage::parse_offset_file("99999999999999999999.log", ".log"));
  EXPECT_FALSE(storage::parse_offset_file("123.log", ".log"));
}

TEST(TruncationFile, SaysWhereToCut) {
  const storage::TruncationName cut{.offset = {123}, .segment = {100}, .position = 4567};
  const std::string name = "00000000000000000123-00000000000000000100-00000000000000004567.truncation";

  EXPECT_EQ(storage::truncation_file("d", cut), "d/" + name);
  EXPECT_EQ(storage::parse_truncation_file(name), cut);
  for (std::size_t at = 0; at < name.size(); ++at) {
    std::string other = name;
    other[at] = 'x';
    EXPECT_FALSE(storage::parse_truncation_file(other)) << other;
    EXPECT_FALSE(storage::parse_truncation_file(name.substr(0, at))) << at;
  }
  EXPECT_FALSE(storage::parse_truncation_file("00000000000000000123-00000000000000000124-00000000000000000000.truncation"));
}

TEST(PartitionMetadata, RefusesWhatItDidNotWrite) {
  MemoryFiles disk;
  ASSERT_TRUE(disk.make_directory("d"));
  const std::string good = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ\nlog_id: 00000000000000ff\n";
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto* bytes = reinterpret_cast<const std::byte*>(good.data());
    disk.set_contents("d/partition.metadata", {bytes, bytes + size});
    EXPECT_EQ(storage::read_identity({&disk, "d"}).error(), Errc::corrupt) << size;
  }
  ASSERT_TRUE(replace_file(disk, "d/partition.metadata", good));
  EXPECT_EQ(storage::read_identity({&disk, "d"})->log_id, 255U);
}

TEST(LeaderEpochs, DropEpochsThatWroteNothing) {
  LeaderEpochs epochs;
  epochs.assign({1}, {0});
  epochs.assign({2}, {10});
  epochs.assign({3}, {10});

  EXPECT_EQ(epochs.entries(), (std::vector<LeaderEpochs::Entry>{{{1}, {0}}, {{3}, {10}}}));
  EXPECT_FALSE(epochs.assign({2}, {12}));
}

TEST(LeaderEpochs, AreTruncatedAtBothEnds) {
  LeaderEpochs epochs;
  for (const int n : {1, 2, 3, 4}) epochs.assign({n}, {n * 10});

  epochs.truncate_from_end({40});
  epochs.truncate_from_start({25});

  EXPECT_EQ(epochs.entries(), (std::vector<LeaderEpochs::Entry>{{{2}, {25}}, {{3}, {30}}}));
}

TEST(LeaderEpochs, AreWrittenAsKafkasText) {
  LeaderEpochs epochs;
  epochs.assign({1}, {0});
  epochs.assign({7}, {1234567890123});

  const std::string text = epochs.encode();

  EXPECT_EQ(text, "0\n2\n1 0\n7 1234567890123\n");
  EXPECT_EQ(LeaderEpochs::decode(text)->entries(), epochs.entries());
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(LeaderEpochs::decode(text.substr(0, size))) << size;
  for (const char* bad : {"1\n0\n", "0\n1\n-1 0\n", "0\n2\n1 5\n2 5\n", "0\n2\n2 1\n1 5\n", "0\n0\nx", "0\n99999999999999\n1 0\n"}) {
    EXPECT_FALSE(LeaderEpochs::decode(bad)) << bad;
  }
}

}  // namespace
}  // namespace tidelog::testing
