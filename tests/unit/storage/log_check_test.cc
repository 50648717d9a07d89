#include "storage/inspect/log_check.h"

#include "storage/compaction/swap.h"
#include "storage/log/file_names.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

namespace tidelog::testing {
namespace {

using storage::CheckReport;

/// A disk on which something happens right after a directory was listed for the first time.
class ListedOnce final : public storage::FileSystem {
 public:
  ListedOnce(storage::FileSystem& inner, std::function<void()> then) : inner_(inner), then_(std::move(then)) {}
  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override { return inner_.open(path, mode); }
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override {
    Result<std::vector<storage::DirEntry>> entries = inner_.list(directory);
    if (const auto then = std::exchange(then_, nullptr)) then();
    return entries;
  }
  Result<storage::DirEntry> stat(const std::string& path) override { return inner_.stat(path); }
  Result<void> make_directory(const std::string& path) override { return inner_.make_directory(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return inner_.remove(path); }
  Result<void> remove_all(const std::string& path) override { return inner_.remove_all(path); }
  Result<void> sync_dir(const std::string& directory) override { return inner_.sync_dir(directory); }
  Result<void> sync_disk(const std::string& path) override { return inner_.sync_disk(path); }
  Result<storage::DiskSpace> space(const std::string& path) override { return inner_.space(path); }
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override { return inner_.lock(directory); }

 private:
  storage::FileSystem& inner_;
  std::function<void()> then_;
};

/// A closed log of several segments, of which all batches have one record and one size.
struct Closed {
  LogFixture fixture{small_segments()};
  std::size_t one = make_batch({0}).size();
  std::vector<Offset> bases;

  Closed() {
    for (int i = 0; i < 40; ++i) fixture.append();
    EXPECT_TRUE(fixture.sync());
    fixture.log().close();
    fixture.drop();
    for (const std::string& name : fixture.disk().names(kLogDirectory)) {
      if (const auto base = storage::parse_offset_file(name, storage::kLogSuffix)) bases.push_back(*base);
    }
  }
  [[nodiscard]] std::string file(std::size_t segment) const {
    return storage::offset_file(kLogDirectory, bases.at(segment), storage::kLogSuffix);
  }
  CheckReport check(storage::FileSystem& files) {
    CheckReport report;
    EXPECT_TRUE(storage::check_log({.files = &files, .directory = kLogDirectory}, std::nullopt, report));
    return report;
  }
  /// One batch, shorter, in the place of the first two segments.
  [[nodiscard]] BatchBytes merged() const { return make_batch(bases.at(0), {.records = replaced()}); }
  [[nodiscard]] int replaced() const { return static_cast<int>(bases.at(2) - bases.at(0)); }
  [[nodiscard]] std::uint64_t batches_then() const { return 41U - static_cast<std::uint64_t>(replaced()); }
};

TEST(LogCheck, ASwapThatACrashCutShortIsNoDamage) {
  Closed log;
  const std::string swap = storage::swap_file(kLogDirectory, {.base = log.bases.at(0), .end = log.bases.at(2)});
  log.fixture.disk().set_contents(swap, log.merged());
  const CheckReport whole = log.check(log.fixture.disk());
  ASSERT_TRUE(log.fixture.disk().remove(log.file(1)));  // Or renamed, as it would be.

  const CheckReport half = log.check(log.fixture.disk());

  EXPECT_TRUE(whole.findings.empty());
  EXPECT_TRUE(half.findings.empty());
  EXPECT_EQ(half.batches, log.batches_then());
}

TEST(LogCheck, SegmentsThatAreReplacedAfterTheListingAreNoDamage) {
  Closed log;
  const std::string swap = storage::swap_file(kLogDirectory, {.base = log.bases.at(0), .end = log.bases.at(2)});
  ListedOnce files(log.fixture.disk(), [&] {
    log.fixture.disk().set_contents(swap, log.merged());
    EXPECT_EQ(storage::finish_swap(log.fixture.disk(), kLogDirectory, {.base = log.bases.at(0), .end = log.bases.at(2)}),
              storage::SwapEnd::done);
  });

  const CheckReport report = log.check(files);

  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.batches, log.batches_then());
  EXPECT_EQ(report.logs, 1U);
}

/// It lies outside the checksum, and all that follows has a lower one.
TEST(LogCheck, AnEpochThatRoseInTheLastBatchOfASegmentIsBlamedOnThatBatch) {
  Closed log;
  BatchBytes bytes = log.fixture.disk().contents(log.file(0));
  bytes.at(bytes.size() - log.one + 15) ^= std::byte{4};
  log.fixture.disk().set_contents(log.file(0), bytes);

  const CheckReport report = log.check(log.fixture.disk());

  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings.front().file, log.file(0));
  EXPECT_EQ(report.findings.front().offset, log.bases.at(1) - 1);
}

}  // namespace
}  // namespace tidelog::testing
