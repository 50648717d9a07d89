#include "storage/disk/posix.h"
#include "storage/key_value/log_view.h"
#include "storage/key_value/rocksdb_store.h"
#include "tests/support/faulty_files.h"
#include "tests/unit/storage/key_value/scratch_folder.h"
#include "tests/unit/storage/key_value/small_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::testing {
namespace {

using storage::DirEntry;
using storage::File;
using storage::LogView;
using storage::OpenMode;
using storage::RocksdbPlace;

constexpr int kFlips = 12;

/// A view in RocksDB that was made and closed, to be damaged and opened again. Whatever the damage, its owner ends up with what the log
/// says: that is the one thing that may not fail.
class DamagedViews : public ::testing::Test {
 protected:
  void SetUp() override {
    LogView view(place_, "the view");
    ViewOwner owner;
    ASSERT_TRUE(owner.open(view, log_));
    for (int table = 0; table < 3; ++table) {
      fill(log_, 100);
      ASSERT_TRUE(owner.catch_up(view, log_));
      ASSERT_TRUE(view.sync());
    }
    ASSERT_FALSE(files_with("MANIFEST-").empty());
    ASSERT_EQ(tables().size(), 3U);
  }

  /// The disk may fail it. What is shown if it does not is right.
  void open_if_it_can_be(RocksdbPlace& place) {
    LogView view(place, "the view");
    ViewOwner owner;
    if (!owner.open(view, log_)) return;
    EXPECT_TRUE(owner.catch_up(view, log_));
    EXPECT_EQ(owner.contents(), log_.contents(log_.end()));
  }

  [[nodiscard]] std::string store(const std::string& file = "") const { return folder_.path("state/store/") + file; }
  std::vector<std::string> files_with(std::string_view part) {
    std::vector<std::string> found;
    const Result<std::vector<DirEntry>> entries = folder_.files().list(store());
    if (!entries) return found;
    for (const DirEntry& entry : *entries) {
      if (entry.name.find(part) != std::string::npos) found.push_back(entry.name);
    }
    return found;
  }
  std::vector<std::string> tables() { return files_with(".sst"); }
  std::string manifest() { return files_with("MANIFEST-").back(); }

  std::unique_ptr<File> file(const std::string& name) { return *folder_.files().open(store(name), OpenMode::write); }
  std::uint64_t size(const std::string& name) { return *file(name)->size(); }
  void cut(const std::string& name, std::uint64_t to) { ASSERT_TRUE(file(name)->truncate(to)); }
  void remove(const std::string& name) { ASSERT_TRUE(folder_.files().remove(store(name))); }
  void flip(const std::string& name, std::uint64_t at) {
    const std::unique_ptr<File> damaged = file(name);
    std::array<std::byte, 1> byte{};
    ASSERT_EQ(*damaged->read_at(at, byte), 1U);
    byte[0] ^= std::byte{0x40};
    const std::array<Bytes, 1> parts{byte};
    ASSERT_TRUE(damaged->write_at(at, parts));
  }
  void write(const std::string& name, std::string_view text) {
    const std::unique_ptr<File> replaced = *folder_.files().open(store(name), OpenMode::replace);
    const std::array<Bytes, 1> parts{std::as_bytes(std::span(text))};
    ASSERT_TRUE(replaced->write_at(0, parts));
  }

  /// What a start makes of it. The lines that it logged.
  std::vector<std::string> open_and_compare() {
    LogView view(place_, "the view");
    ViewOwner owner;
    EXPECT_TRUE(owner.open(view, log_)) << "a start may not fail";
    EXPECT_TRUE(owner.catch_up(view, log_));
    EXPECT_EQ(owner.contents(), log_.contents(log_.end()));
    EXPECT_TRUE(view.is_ready());
    return owner.lines();
  }
  void expect_rebuilt() { EXPECT_EQ(open_and_compare().size(), 1U) << "rebuilt, and said so once"; }
  void expect_nothing_said() { EXPECT_EQ(open_and_compare(), std::vector<std::string>{}); }

  /// Flips one byte after the other of a file, each in the same view. How many of them made it be rebuilt.
  int rebuilds_by_flips(const std::string& name) {
    const std::string whole = folder_.path("whole");
    std::filesystem::copy(folder_.path("state"), whole, std::filesystem::copy_options::recursive);
    const std::uint64_t bytes = size(name);
    int rebuilt = 0;
    for (std::uint64_t i = 0; i < kFlips; ++i) {
      const std::uint64_t at = i * (bytes - 1) / (kFlips - 1);
      std::filesystem::remove_all(folder_.path("state"));
      std::filesystem::copy(whole, folder_.path("state"), std::filesystem::copy_options::recursive);
      flip(name, at);
      const std::vector<std::string> lines = open_and_compare();
      EXPECT_LE(lines.size(), 1U) << name << " at " << at;
      if (HasFailure()) {
        ADD_FAILURE() << name << " with byte " << at << " of " << bytes << " flipped";
        break;
      }
      rebuilt += lines.empty() ? 0 : 1;
    }
    return rebuilt;
  }

  ScratchFolder folder_;
  SmallLog log_;
  RocksdbPlace place_{folder_.files(), folder_.path("state")};
};

TEST_F(DamagedViews, AreKeptIfTheyAreNot) { expect_nothing_said(); }

TEST_F(DamagedViews, LoseNothingIfTheirDirectoryIsGone) {
  std::filesystem::remove_all(folder_.path("state"));

  expect_nothing_said();
}

TEST_F(DamagedViews, OfAnotherLogAreRebuilt) {
  log_.begin_anew();
  fill(log_, 400);

  expect_rebuilt();
  expect_nothing_said();
}

TEST_F(DamagedViews, WithAnEmptyCurrentAreRebuilt) {
  cut("CURRENT", 0);

  expect_rebuilt();
  expect_nothing_said();
}

TEST_F(DamagedViews, WithACurrentThatIsCutAreRebuilt) {
  cut("CURRENT", size("CURRENT") / 2);

  expect_rebuilt();
}

TEST_F(DamagedViews, WithoutACurrentAreRebuilt) {
  remove("CURRENT");

  expect_rebuilt();
}

TEST_F(DamagedViews, WithACurrentThatLeadsNowhereAreRebuilt) {
  write("CURRENT", "MANIFEST-999999\n");

  expect_rebuilt();
}

TEST_F(DamagedViews, WithoutAManifestAreRebuilt) {
  remove(manifest());

  expect_rebuilt();
}

TEST_F(DamagedViews, WithAnEmptyManifestAreRebuilt) {
  cut(manifest(), 0);

  expect_rebuilt();
}

// RocksDB takes what is cut for a tear and goes back to an earlier state, if the files of that are still there.
TEST_F(DamagedViews, WithAManifestThatIsCutAreRightAllTheSame) {
  cut(manifest(), size(manifest()) - 1);

  EXPECT_LE(open_and_compare().size(), 1U);
}

TEST_F(DamagedViews, WithoutATableAreRebuilt) {
  remove(tables().front());

  expect_rebuilt();
}

TEST_F(DamagedViews, WithATableThatIsCutAreRebuilt) {
  cut(tables().back(), size(tables().back()) - 1);

  expect_rebuilt();
}

TEST_F(DamagedViews, WithAnEmptyTableAreRebuilt) {
  cut(tables().front(), 0);

  expect_rebuilt();
}

TEST_F(DamagedViews, WithATableOfZerosAreRebuilt) {
  const std::string name = tables().front();
  write(name, std::string(size(name), '\0'));

  expect_rebuilt();
}

TEST_F(DamagedViews, WithAFlippedByteInTheManifestAreRight) { EXPECT_GT(rebuilds_by_flips(manifest()), 0); }

TEST_F(DamagedViews, WithAFlippedByteInATableAreRight) { EXPECT_GT(rebuilds_by_flips(tables().front()), 0); }

// One table for another: RocksDB's checksums are all right then, and only the entries are not.
TEST_F(DamagedViews, WithATableOfAnotherTimeAreRight) {
  const std::vector<std::string> names = tables();
  std::filesystem::copy_file(store(names[0]), store(names[1]), std::filesystem::copy_options::overwrite_existing);

  expect_rebuilt();
}

TEST_F(DamagedViews, ThatAreDamagedWhileTheyAreOpenAreClosedAndRebuilt) {
  LogView view(place_, "the view");
  ViewOwner owner;
  ASSERT_TRUE(owner.open(view, log_));
  for (const std::string& name : tables()) {
    const std::uint64_t end = size(name) / 2;
    for (std::uint64_t at = 0; at < end; at += 16) flip(name, at);
  }

  EXPECT_EQ(view.get("key-01").error(), Errc::corrupt);

  EXPECT_FALSE(view.is_ready());
  expect_rebuilt();
}

// Each call to the disk fails once, of those that throw a damaged view away and make another. It may be done without then, but what the
// next start finds is right.
TEST_F(DamagedViews, WhoseDiskFailsOnceAreRightAfterwards) {
  FaultyFiles faults(folder_.files());
  RocksdbPlace place(faults, folder_.path("state"));
  std::size_t call = 1;
  for (bool has_failed = true; has_failed; ++call) {
    remove("CURRENT");
    faults.fail_call(call);
    open_if_it_can_be(place);
    has_failed = faults.has_failed();
    faults.heal();
    EXPECT_LE(open_and_compare().size(), 1U) << "after call " << call;
  }
  EXPECT_GT(call, 8U);
}

// Whatever it is that lies in the way, a start goes on without the view.
TEST_F(DamagedViews, ThatCannotBeThereAtAllAreDoneWithout) {
  ASSERT_TRUE(folder_.files().open(folder_.path("a file"), OpenMode::create));
  RocksdbPlace nowhere(folder_.files(), folder_.path("a file"));
  LogView view(nowhere, "the view");
  ViewOwner owner;

  EXPECT_FALSE(owner.open(view, log_));

  EXPECT_FALSE(view.is_ready());
  EXPECT_EQ(owner.contents(), Contents{});
}

}  // namespace
}  // namespace tidelog::testing
