#include "storage/key_value/rocksdb_store.h"

#include "tests/support/faulty_files.h"
#include "tests/unit/storage/key_value/scratch_folder.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tidelog::testing {
namespace {

using storage::DirEntry;
using storage::KeyValueStore;
using storage::RocksdbPlace;
using storage::WriteBatch;

/// What is particular to the store that is on a disk.
class RocksdbStores : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { store_.reset(); }

  void open() {
    Result<std::unique_ptr<KeyValueStore>> opened = place_.open();
    ASSERT_TRUE(opened) << name(opened.error());
    store_ = std::move(*opened);
  }
  void reopen() {
    store_.reset();
    open();
  }
  void put(const std::string& key, const std::string& value) {
    WriteBatch batch;
    ASSERT_TRUE(batch.put(key, value));
    ASSERT_TRUE(store_->write(batch));
  }
  std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    const Result<std::vector<DirEntry>> entries = folder_.files().list(directory);
    if (!entries) return names;
    for (const DirEntry& entry : *entries) names.push_back(entry.name);
    return names;
  }

  ScratchFolder folder_;
  RocksdbPlace place_{folder_.files(), folder_.path("state")};
  std::unique_ptr<KeyValueStore> store_;
};

TEST_F(RocksdbStores, KeepWhatWasSynced) {
  put("a", "1");
  put("b", "2");
  ASSERT_TRUE(store_->sync());

  reopen();

  EXPECT_EQ(*store_->get("a"), "1");
  EXPECT_EQ(*store_->get("b"), "2");
}

// Without a log of its own what is left is a front of what was written, in whole batches, however it was closed.
TEST_F(RocksdbStores, KeepAFrontOfWhatWasWritten) {
  constexpr int kBatches = 3000;
  const std::string value(4096, 'v');
  for (int i = 0; i < kBatches; ++i) {
    WriteBatch batch;
    ASSERT_TRUE(batch.put("first half of " + std::to_string(i), value));
    ASSERT_TRUE(batch.put("other half of " + std::to_string(i), ""));
    ASSERT_TRUE(store_->write(batch));
    if (i == 10) {
      ASSERT_TRUE(store_->sync());
    }
  }

  reopen();

  int left = 0;
  while (store_->get("first half of " + std::to_string(left))) ++left;
  EXPECT_GT(left, 10);
  for (int i = 0; i < kBatches; ++i) {
    EXPECT_EQ(store_->get("first half of " + std::to_string(i)).has_value(), i < left) << i;
    EXPECT_EQ(store_->get("other half of " + std::to_string(i)).has_value(), i < left) << i;
  }
}

TEST_F(RocksdbStores, StayClearedAfterAReopen) {
  put("a", "1");
  ASSERT_TRUE(store_->sync());
  ASSERT_TRUE(store_->clear());

  reopen();

  EXPECT_EQ(store_->get("a").error(), Errc::not_found);
}

TEST_F(RocksdbStores, WriteNothingBesideTheirDirectory) {
  put("a", "1");
  ASSERT_TRUE(store_->sync());
  ASSERT_TRUE(store_->clear());
  put("b", "1");
  ASSERT_TRUE(store_->sync());

  EXPECT_EQ(names_in(folder_.root()), std::vector<std::string>{"state"});
  EXPECT_EQ(names_in(folder_.path("state")), std::vector<std::string>{"store"});
  for (const std::string& file : names_in(folder_.path("state/store")))
    EXPECT_FALSE(file.starts_with("LOG")) << file << " is a log for people";
}

TEST_F(RocksdbStores, LeaveNothingWhenDiscarded) {
  put("a", "1");
  ASSERT_TRUE(store_->sync());
  store_.reset();

  ASSERT_TRUE(place_.discard());

  EXPECT_EQ(names_in(folder_.path("state")), std::vector<std::string>{});
  ASSERT_TRUE(place_.discard()) << "of nothing";
  open();
  EXPECT_EQ(store_->get("a").error(), Errc::not_found);
}

TEST_F(RocksdbStores, RemoveWhatACrashLeftOfOneThatWasDiscarded) {
  put("a", "1");
  ASSERT_TRUE(store_->sync());
  store_.reset();
  ASSERT_TRUE(folder_.files().rename(folder_.path("state/store"), folder_.path("state/discarded")));

  open();

  EXPECT_EQ(store_->get("a").error(), Errc::not_found);
  EXPECT_EQ(names_in(folder_.path("state")), std::vector<std::string>{"store"});
}

TEST_F(RocksdbStores, SayWhereTheyCannotBe) {
  ASSERT_TRUE(folder_.files().open(folder_.path("a file"), storage::OpenMode::create));
  RocksdbPlace elsewhere(folder_.files(), folder_.path("a file"));

  EXPECT_FALSE(elsewhere.open());
}

TEST_F(RocksdbStores, TouchNothingBeforeTheyAreOpened) {
  const RocksdbPlace elsewhere(folder_.files(), folder_.path("elsewhere"));

  EXPECT_EQ(folder_.files().stat(folder_.path("elsewhere")).error(), Errc::not_found);
}

// Nothing is answered any more, rather than from a directory that is gone.
TEST(RocksdbStore, IsOfNoUseOnceClearingFailed) {
  ScratchFolder folder;
  FaultyFiles faults(folder.files());
  RocksdbPlace place(faults, folder.path("state"));
  const std::unique_ptr<KeyValueStore> store = *place.open();
  WriteBatch batch;
  ASSERT_TRUE(batch.put("a", "1"));
  ASSERT_TRUE(store->write(batch));
  faults.fail_call(1);

  EXPECT_EQ(store->clear().error(), Errc::io);

  EXPECT_EQ(store->get("a").error(), Errc::offline);
  EXPECT_EQ(store->scan({}, {}).error(), Errc::offline);
  EXPECT_EQ(store->write(batch).error(), Errc::offline);
  EXPECT_EQ(store->sync().error(), Errc::offline);
  EXPECT_EQ(store->clear().error(), Errc::offline);
}

}  // namespace
}  // namespace tidelog::testing
