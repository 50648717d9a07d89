#include "tests/sim/disk.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::sim {
namespace {

using storage::OpenMode;

constexpr PowerLoss kLosesAll{.keep_per_mille = 0, .tear_per_mille = 0};
constexpr PowerLoss kKeepsAll{.keep_per_mille = 1000};

struct Rig {
  explicit Rig(std::uint64_t seed = 1) : world(seed), disk(world, world.dice("disk")) {}

  std::unique_ptr<storage::File> open(const std::string& path, OpenMode mode = OpenMode::create) {
    Result<std::unique_ptr<storage::File>> file = disk.open(path, mode);
    return file ? std::move(*file) : nullptr;
  }
  static Result<void> write(storage::File& file, std::uint64_t position, std::string_view text) {
    const std::array<Bytes, 1> part{std::as_bytes(std::span(text))};
    return file.write_at(position, part);
  }
  /// A file with a durable name and durable contents.
  std::unique_ptr<storage::File> open_synced(const std::string& path, std::string_view text) {
    std::unique_ptr<storage::File> file = open(path);
    EXPECT_TRUE(write(*file, 0, text));
    EXPECT_TRUE(file->sync());
    EXPECT_TRUE(disk.sync_dir("/"));
    return file;
  }
  std::string contents(const std::string& path) {
    const Result<std::string> text = storage::read_file(disk, path, 1 << 20);
    return text ? *text : std::string("(") + std::string(name(text.error())) + ")";
  }

  World world;
  SimDisk disk;
};

TEST(SimDisk, PowerLossTakesWhatWasNotSynced) {
  Rig rig;
  const auto file = rig.open_synced("/f", "synced");
  ASSERT_TRUE(Rig::write(*file, 6, " written"));

  const Losses losses = rig.disk.crash(CrashKind::power_loss, kLosesAll);

  EXPECT_EQ(rig.contents("/f"), "synced");
  EXPECT_EQ(losses.dropped_writes, 1U);
}

TEST(SimDisk, AKilledProcessLeavesWhatItWroteButNotSynced) {
  Rig rig;
  const auto file = rig.open_synced("/f", "synced");
  ASSERT_TRUE(Rig::write(*file, 6, " written"));

  rig.disk.crash(CrashKind::process_kill, kLosesAll);
  EXPECT_EQ(rig.contents("/f"), "synced written");

  rig.disk.crash(CrashKind::power_loss, kLosesAll);
  EXPECT_EQ(rig.contents("/f"), "synced");
}

TEST(SimDisk, ALaterWriteMaySurviveAnEarlierOne) {
  bool seen = false;
  for (std::uint64_t seed = 0; seed < 50 && !seen; ++seed) {
    Rig rig(seed);
    const auto file = rig.open_synced("/f", "....");
    ASSERT_TRUE(Rig::write(*file, 0, "a"));
    ASSERT_TRUE(Rig::write(*file, 3, "d"));
    rig.disk.crash(CrashKind::power_loss, {.keep_per_mille = 500, .tear_per_mille = 0});
    seen = rig.contents("/f") == "...d";
  }
  EXPECT_TRUE(seen);
}

TEST(SimDisk, ATornWriteKeepsWholeSectorsAndTouchesNothingAround) {
  bool seen_torn = false, seen_garbage = false;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Rig rig(seed);
    const auto file = rig.open_synced("/f", std::string(3000, 's'));
    ASSERT_TRUE(Rig::write(*file, 1000, std::string(10'000, 'n')));

    rig.disk.crash(CrashKind::power_loss, {.keep_per_mille = 0, .tear_per_mille = 1000, .garbage_per_mille = 300});

    const std::string text = rig.contents("/f");
    EXPECT_EQ(text.substr(0, 1000), std::string(1000, 's')) << "seed=" << seed;
    const auto is_new = [](char c) { return c == 'n'; };
    const auto is_other = [](char c) { return c != 'n' && c != 's' && c != '\0'; };
    seen_torn |= std::ranges::any_of(text, is_new) && text.substr(1000) != std::string(10'000, 'n');
    seen_garbage |= std::ranges::any_of(text, is_other);
  }
  EXPECT_TRUE(seen_torn);
  EXPECT_TRUE(seen_garbage);
}

TEST(SimDisk, ANameSurvivesOnlyWithItsDirectorySynced) {
  Rig rig;
  ASSERT_TRUE(rig.disk.make_directory("/d"));
  ASSERT_TRUE(rig.disk.sync_dir("/"));
  ASSERT_TRUE(rig.open("/d/kept")->sync());
  ASSERT_TRUE(rig.disk.sync_dir("/d"));
  ASSERT_TRUE(rig.open("/d/lost")->sync());

  rig.disk.crash(CrashKind::power_loss, kLosesAll);

  EXPECT_TRUE(rig.disk.stat("/d/kept"));
  EXPECT_EQ(rig.disk.stat("/d/lost").error(), Errc::not_found);
}

TEST(SimDisk, AnUnsyncedRenameIsWhollyUndone) {
  Rig rig;
  const auto target = rig.open_synced("/target", "old");
  const auto source = rig.open_synced("/source", "new");
  ASSERT_TRUE(rig.disk.rename("/source", "/target"));
  EXPECT_EQ(rig.contents("/target"), "new");

  rig.disk.crash(CrashKind::power_loss, kLosesAll);

  EXPECT_EQ(rig.contents("/target"), "old");
  EXPECT_EQ(rig.contents("/source"), "new");
}

TEST(SimDisk, AnUnsyncedRemovalMayComeBack) {
  Rig rig;
  const auto file = rig.open_synced("/f", "text");
  ASSERT_TRUE(rig.disk.remove("/f"));

  rig.disk.crash(CrashKind::power_loss, kLosesAll);

  EXPECT_EQ(rig.contents("/f"), "text");
}

void expect_old_or_new(std::uint64_t changes_before_crash, std::uint64_t seed) {
  Rig rig(seed);
  const auto file = rig.open_synced("/f", "old");
  bool stopped = false;
  rig.disk.stop_after(changes_before_crash, [&] { stopped = true; });

  ASSERT_TRUE(storage::replace_file(rig.disk, "/f", "new"));
  rig.disk.crash(CrashKind::power_loss, {});

  const std::string text = rig.contents("/f");
  EXPECT_TRUE(text == "new" || (stopped && text == "old")) << text << " changes=" << changes_before_crash << " seed=" << seed;
}

TEST(SimDisk, ReplacingAFileIsOneStepThatSurvives) {
  for (std::uint64_t changes = 1; changes < 8; ++changes) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) expect_old_or_new(changes, seed);
  }
}

TEST(SimDisk, AFailedSyncDropsThePagesAndCallsThemClean) {
  Rig rig;
  const auto file = rig.open_synced("/f", "synced");
  ASSERT_TRUE(Rig::write(*file, 6, " written"));
  rig.disk.faults = {.sync_errors = 1, .sync_error_per_mille = 1000};

  EXPECT_EQ(file->sync().error(), Errc::io);
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(rig.contents("/f"), "synced written");

  rig.disk.crash(CrashKind::power_loss, kKeepsAll);
  EXPECT_EQ(rig.contents("/f"), "synced");
}

TEST(SimDisk, AFullDiskRefusesToGrowAFile) {
  Rig rig;
  const auto file = rig.open_synced("/f", "12345");
  rig.disk.faults.capacity_bytes = 8;

  EXPECT_EQ(Rig::write(*file, 5, "6789").error(), Errc::no_space);
  EXPECT_TRUE(Rig::write(*file, 5, "678"));
  EXPECT_TRUE(Rig::write(*file, 0, "abc"));
}

TEST(SimDisk, AFailedWriteLeavesAPrefix) {
  Rig rig;
  const auto file = rig.open_synced("/f", "");
  rig.disk.faults = {.write_errors = 1, .write_error_per_mille = 1000};

  EXPECT_EQ(Rig::write(*file, 0, "0123456789").error(), Errc::io);

  EXPECT_TRUE(std::string("0123456789").starts_with(rig.contents("/f")));
  EXPECT_TRUE(Rig::write(*file, 0, "0123456789"));
}

TEST(SimDisk, ACrashEndsHandlesAndLocks) {
  Rig rig;
  const auto file = rig.open_synced("/f", "text");
  ASSERT_TRUE(rig.disk.make_directory("/d"));
  ASSERT_TRUE(rig.disk.sync_dir("/"));
  const auto lock = rig.disk.lock("/d");
  ASSERT_TRUE(lock);
  EXPECT_EQ(rig.disk.lock("/d").error(), Errc::busy);

  rig.disk.crash(CrashKind::process_kill, {});

  std::array<std::byte, 4> into{};
  EXPECT_EQ(file->read_at(0, into).error(), Errc::io);
  EXPECT_TRUE(rig.disk.lock("/d"));
}

TEST(SimDisk, AnOpenFileOutlivesItsName) {
  Rig rig;
  const auto file = rig.open_synced("/f", "text");
  ASSERT_TRUE(rig.disk.remove("/f"));

  std::array<std::byte, 4> into{};
  const Result<std::size_t> n = file->read_at(0, into);

  ASSERT_TRUE(n);
  EXPECT_EQ(*n, 4U);
}

TEST(SimDisk, CanStopBetweenAnyTwoChanges) {
  Rig rig;
  const auto file = rig.open_synced("/f", "");
  bool stopped = false;
  rig.disk.stop_after(3, [&] { stopped = true; });

  ASSERT_TRUE(Rig::write(*file, 0, "a"));
  ASSERT_TRUE(file->sync());
  EXPECT_FALSE(stopped);
  ASSERT_TRUE(Rig::write(*file, 1, "b"));
  ASSERT_TRUE(file->sync());
  EXPECT_TRUE(stopped);
  rig.disk.crash(CrashKind::power_loss, kKeepsAll);

  EXPECT_EQ(rig.contents("/f"), "a");
}

}  // namespace
}  // namespace tidelog::sim
