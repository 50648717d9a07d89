#include "storage/disk/posix.h"

#include "tests/unit/storage/log_fixture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

namespace tidelog::testing {
namespace {

using storage::DirEntry;
using storage::File;
using storage::OpenMode;
using storage::PosixFileSystem;

/// A folder of its own, gone with the test.
class PosixFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "tidelog-posix-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { EXPECT_TRUE(files_.remove_all(root_)); }

  [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }

  PosixFileSystem files_;
  std::string root_;
};

TEST_F(PosixFiles, WriteMorePartsThanOneCallTakes) {
  std::vector<std::byte> bytes(5000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  std::vector<Bytes> parts;
  for (std::size_t i = 0; i < bytes.size(); i += 2) parts.push_back(Bytes(bytes).subspan(i, 2));
  const std::unique_ptr<File> file = *files_.open(path("f"), OpenMode::exclusive);

  ASSERT_TRUE(file->write_at(3, parts));

  std::vector<std::byte> got(6000);
  EXPECT_EQ(*file->read_at(3, got), 5000U);
  got.resize(5000);
  EXPECT_EQ(got, bytes);
  EXPECT_EQ(*file->size(), 5003U);
  EXPECT_TRUE(file->sync());
}

TEST_F(PosixFiles, SayWhatWentWrong) {
  ASSERT_TRUE(files_.open(path("f"), OpenMode::create));

  EXPECT_EQ(files_.open(path("none"), OpenMode::read).error(), Errc::not_found);
  EXPECT_EQ(files_.open(path("f"), OpenMode::exclusive).error(), Errc::exists);
  EXPECT_EQ(files_.make_directory(path("f")).error(), Errc::exists);
  EXPECT_EQ(files_.list(path("none")).error(), Errc::not_found);
  EXPECT_EQ(files_.remove(path("none")).error(), Errc::not_found);
}

TEST_F(PosixFiles, ReportAFullDisk) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  const std::unique_ptr<File> full = *files_.open("/dev/full", OpenMode::write);
  const std::vector<std::byte> byte(1);
  const std::vector<Bytes> parts{byte};

  EXPECT_EQ(full->write_at(0, parts).error(), Errc::no_space);
}

TEST_F(PosixFiles, ListNamesInOrderWithSizes) {
  ASSERT_TRUE(files_.make_directory(path("b/c/d")));
  ASSERT_TRUE(replace_file(files_, path("a"), "12345"));

  const auto entries = files_.list(root_);

  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ(entries->at(0).name, "a");
  EXPECT_EQ(entries->at(0).size_bytes, 5U);
  EXPECT_TRUE(entries->at(1).is_directory);
  EXPECT_EQ(files_.stat(path("a"))->size_bytes, 5U);
  EXPECT_TRUE(files_.sync_dir(path("b/c")));
  EXPECT_TRUE(files_.sync_disk(root_));
}

TEST_F(PosixFiles, AreForTheOwnerAlone) {
  ASSERT_TRUE(files_.make_directory(path("d")));
  ASSERT_TRUE(files_.open(path("d/f"), OpenMode::create));

  struct stat file{}, directory{};
  ASSERT_EQ(::stat(path("d/f").c_str(), &file), 0);
  ASSERT_EQ(::stat(path("d").c_str(), &directory), 0);
  EXPECT_EQ(file.st_mode & 077, 0U);
  EXPECT_EQ(directory.st_mode & 077, 0U);
}

TEST_F(PosixFiles, LockADirectoryOnce) {
  auto held = files_.lock(root_);

  EXPECT_TRUE(held);
  EXPECT_EQ(files_.lock(root_).error(), Errc::busy);
  held->reset();
  EXPECT_TRUE(files_.lock(root_));
}

TEST_F(PosixFiles, RemoveTreesButNotWhatLinksPointTo) {
  ASSERT_TRUE(files_.make_directory(path("keep")));
  ASSERT_TRUE(replace_file(files_, path("keep/file"), "x"));
  ASSERT_TRUE(files_.make_directory(path("tree/deep")));
  ASSERT_EQ(::symlink(path("keep").c_str(), path("tree/deep/link").c_str()), 0);

  ASSERT_TRUE(files_.remove_all(path("tree")));

  EXPECT_EQ(files_.stat(path("tree")).error(), Errc::not_found);
  EXPECT_TRUE(files_.stat(path("keep/file")));
  EXPECT_TRUE(files_.remove_all(path("tree")));
}

TEST_F(PosixFiles, ReplaceAFileAsAWhole) {
  ASSERT_TRUE(replace_file(files_, path("f"), "old and long"));
  ASSERT_TRUE(replace_file(files_, path("f"), "new"));

  EXPECT_EQ(*read_file(files_, path("f"), 3), "new");
  EXPECT_EQ(read_file(files_, path("f"), 2).error(), Errc::too_large);
  EXPECT_EQ(files_.list(root_)->size(), 1U);
}

/// Whether the first byte of a file can be told to be on the disk alone: file systems in memory and some layered ones cannot.
bool is_known_to_be_cold(int descriptor) {
  char byte = 0;
  iovec into{.iov_base = &byte, .iov_len = 1};
  return ::preadv2(descriptor, &into, 1, 0, RWF_NOWAIT) < 0 && errno == EAGAIN;
}

TEST_F(PosixFiles, KnowWhatLiesOnTheDiskAloneAndWarmIt) {
  constexpr std::uint64_t kSize = 3 * storage::kProbeBytes + 17;
  const auto file = *files_.open(path("f"), storage::OpenMode::create);
  const std::vector<std::byte> bytes(kSize, std::byte{7});
  const std::vector<Bytes> parts{bytes};
  ASSERT_TRUE(file->write_at(0, parts));
  EXPECT_TRUE(file->is_cached(0, kSize));
  ASSERT_TRUE(file->sync());
  // Whoever finds a page missing makes the system read ahead, so each question gets a file that was just dropped from memory. The system
  // may hold on to pages for a while when it is busy.
  const auto is_seen_cold = [&](const auto& is_cold) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (std::chrono::steady_clock::now() < until) {
      if (::posix_fadvise(file->native_handle(), 0, 0, POSIX_FADV_DONTNEED) == 0 && is_cold()) return true;
    }
    return false;
  };
  const bool can_be_told = is_seen_cold([&] { return is_known_to_be_cold(file->native_handle()); });
  EXPECT_EQ(is_seen_cold([&] { return !file->is_cached(0, kSize); }), can_be_told);
  EXPECT_EQ(is_seen_cold([&] { return !file->is_cached(kSize - 1, 1); }), can_be_told);
  EXPECT_TRUE(file->is_cached(0, 0));
  file->warm(0, kSize);
  file->warm(kSize, 1000);  // Behind the end there is nothing to wait for.

  EXPECT_TRUE(file->is_cached(0, kSize));
}

TEST_F(PosixFiles, TellWhatTheDiskHolds) {
  const Result<storage::DiskSpace> space = files_.space(root_);

  ASSERT_TRUE(space);
  EXPECT_GT(space->total_bytes, 0U);
  EXPECT_LE(space->usable_bytes, space->total_bytes);
  EXPECT_EQ(files_.space(path("missing")).error(), Errc::not_found);
}

TEST_F(PosixFiles, CarryALogThroughRestarts) {
  const storage::LogPlace place{&files_, path("topic-0")};
  storage::LogConfig config = small_segments();
  BatchBytes written;
  {
    const auto log = *storage::Log::create(place, kIdentity, config);
    for (std::int64_t i = 0; i < 50; ++i) {
      const BatchBytes batch = make_batch({i});
      written.insert(written.end(), batch.begin(), batch.end());
      const std::vector<Bytes> views{batch};
      ASSERT_TRUE(log->append(views));
    }
    const storage::SyncTicket ticket = log->begin_sync();
    ASSERT_TRUE(ticket.sync(files_));
    log->finish_sync(ticket);
  }

  storage::RecoveryReport report;
  const auto log = *storage::Log::open(place, config, {.identity = *storage::read_identity(place), .recovery = {}}, report);

  EXPECT_EQ(log->end_offset(), Offset{50});
  EXPECT_EQ(report.bytes_scanned, written.size());
  BatchBytes read;
  for (Offset from{0}; from < Offset{50};) {
    const auto slice = *log->read({.from = from, .limit = {50}, .max_bytes = 500});
    const BatchBytes bytes = LogFixture::bytes_of(slice);
    read.insert(read.end(), bytes.begin(), bytes.end());
    from = slice.next_offset;
    EXPECT_GE(slice.file->native_handle(), 0);
  }
  EXPECT_EQ(read, written);
  const auto aside = storage::set_log_aside(place, kIdentity.log_id);
  EXPECT_TRUE(storage::is_set_aside(*aside));
}

}  // namespace
}  // namespace tidelog::testing
