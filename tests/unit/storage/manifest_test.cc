#include "storage/manifest.h"

#include "tests/support/faulty_files.h"
#include "tests/support/memory_files.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

using storage::LoadedManifest;
using storage::Manifest;
using storage::ManifestState;

Uuid topic(std::uint8_t n) {
  Uuid id;
  id.bytes[3] = std::byte{n};
  return id;
}

Manifest sample() {
  Manifest manifest;
  manifest.boot_id = topic(99);
  manifest.clean = true;
  for (const std::uint8_t n : {3, 1, 2}) {
    manifest.logs.push_back({.partition = {topic(n), {n}},
                             .log_id = 100U + n,
                             .recovery = {.log_start = {1}, .offset = {50}, .segment_base = {40}, .position = 1234U + n}});
  }
  return manifest;
}

TEST(Manifest, GivesBackWhatWasStoredAfterPowerLoss) {
  MemoryFiles disk;
  ASSERT_TRUE(disk.make_directory("disk"));
  ASSERT_TRUE(disk.sync_disk("disk"));
  Manifest stored = sample();
  ASSERT_TRUE(store_manifest(disk, "disk", stored));

  disk.crash();
  const Result<LoadedManifest> loaded = load_manifest(disk, "disk");

  ASSERT_EQ(loaded->state, ManifestState::read);
  EXPECT_EQ(loaded->manifest.logs, stored.logs);
  EXPECT_EQ(loaded->manifest.boot_id, topic(99));
  EXPECT_TRUE(loaded->manifest.clean);
}

TEST(Manifest, FindsALogOfTheSameIncarnationOnly) {
  Manifest manifest = sample();
  manifest.sort();

  EXPECT_EQ(manifest.find({topic(2), {2}}, 102)->recovery.position, 1236U);
  EXPECT_EQ(manifest.find({topic(2), {2}}, 103), nullptr);
  EXPECT_EQ(manifest.find({topic(2), {1}}), nullptr);
}

TEST(Manifest, SaysThatItIsMissing) {
  MemoryFiles disk;
  ASSERT_TRUE(disk.make_directory("disk"));

  EXPECT_EQ(load_manifest(disk, "disk")->state, ManifestState::missing);
}

TEST(Manifest, SaysOfEveryFlippedBitAndEveryCutThatItIsCorrupt) {
  MemoryFiles disk;
  ASSERT_TRUE(disk.make_directory("disk"));
  Manifest manifest = sample();
  const std::string text = encode_manifest(manifest);
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::vector<std::byte> bad(begin, begin + text.size());
    bad[i] ^= std::byte{0x40};
    disk.set_contents("disk/manifest", bad);
    EXPECT_EQ(load_manifest(disk, "disk")->state, ManifestState::corrupt) << i;
    disk.set_contents("disk/manifest", {begin, begin + i});
    EXPECT_EQ(load_manifest(disk, "disk")->state, ManifestState::corrupt) << i;
  }
}

TEST(Manifest, IsOldOrNewWhicheverCallFails) {
  for (std::size_t call = 1; call <= 5; ++call) {
    MemoryFiles disk;
    FaultyFiles faults(disk);
    ASSERT_TRUE(disk.make_directory("disk"));
    Manifest old = sample();
    ASSERT_TRUE(store_manifest(disk, "disk", old));
    Manifest next = sample();
    next.clean = false;
    faults.fail_call(call);

    const Result<void> stored = store_manifest(faults, "disk", next);
    disk.crash();

    const Result<LoadedManifest> loaded = load_manifest(disk, "disk");
    EXPECT_EQ(stored.has_value(), !faults.has_failed());
    if (!loaded) continue;  // The directory itself was never synced here.
    if (loaded->state == ManifestState::read) EXPECT_EQ(loaded->manifest.logs, old.logs);
    EXPECT_NE(loaded->state, ManifestState::corrupt);
  }
}

TEST(Manifest, HoldsTenThousandLogsInSixHundredKilobytes) {
  Manifest manifest;
  for (std::int32_t i = 0; i < 10'000; ++i)
    manifest.logs.push_back({.partition = {topic(1), {i}}, .log_id = static_cast<std::uint64_t>(i)});

  const std::string text = encode_manifest(manifest);
  const Result<Manifest> decoded = storage::decode_manifest(std::as_bytes(std::span(text)));

  EXPECT_EQ(text.size(), 600'072U);
  EXPECT_EQ(decoded->logs.size(), 10'000U);
}

}  // namespace
}  // namespace tidelog::testing
