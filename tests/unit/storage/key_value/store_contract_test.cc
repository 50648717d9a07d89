#include "storage/key_value/memory_store.h"
#include "storage/key_value/rocksdb_store.h"
#include "tests/unit/storage/key_value/scratch_folder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tidelog::testing {
namespace {

using storage::KeyRange;
using storage::KeyValue;
using storage::KeyValueStore;
using storage::ScanPage;
using storage::WriteBatch;

enum class Form : std::uint8_t { memory, rocksdb };

/// What every store has to do.
class StoreContract : public ::testing::TestWithParam<Form> {
 protected:
  void SetUp() override {
    if (GetParam() == Form::memory) {
      store_ = std::make_unique<storage::MemoryStore>();
      return;
    }
    Result<std::unique_ptr<KeyValueStore>> opened = place_.open();
    ASSERT_TRUE(opened) << name(opened.error());
    store_ = std::move(*opened);
  }
  void TearDown() override { store_.reset(); }

  void put(const std::string& key, const std::string& value) {
    WriteBatch batch;
    ASSERT_TRUE(batch.put(key, value));
    ASSERT_TRUE(store_->write(batch));
  }
  void put_all(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) put(key, "value of " + key);
  }
  std::vector<std::string> keys(const KeyRange& range = {}) {
    std::vector<std::string> found;
    const Result<ScanPage> page = store_->scan(range, {});
    EXPECT_TRUE(page);
    if (!page) return found;
    EXPECT_FALSE(page->next);
    for (const KeyValue& entry : page->entries) found.push_back(entry.key);
    return found;
  }

  ScratchFolder folder_;
  storage::RocksdbPlace place_{folder_.files(), folder_.path("state")};
  std::unique_ptr<KeyValueStore> store_;
};

using Keys = std::vector<std::string>;

TEST_P(StoreContract, BeginsEmpty) {
  EXPECT_EQ(store_->get("a").error(), Errc::not_found);
  EXPECT_EQ(keys(), Keys{});
}

TEST_P(StoreContract, KeepsValuesByteForByte) {
  const std::string key("\0\xff\n", 3);
  const std::string value("\0 \r\n\xfe\0", 6);
  put(key, value);
  put("empty", "");

  EXPECT_EQ(*store_->get(key), value);
  EXPECT_EQ(*store_->get("empty"), "");
  EXPECT_EQ(store_->get("").error(), Errc::not_found);
}

TEST_P(StoreContract, ReplacesAndErases) {
  put("a", "1");
  put("b", "1");
  put("a", "2");
  WriteBatch batch;
  ASSERT_TRUE(batch.erase("b"));
  ASSERT_TRUE(batch.erase("never there"));

  ASSERT_TRUE(store_->write(batch));

  EXPECT_EQ(*store_->get("a"), "2");
  EXPECT_EQ(store_->get("b").error(), Errc::not_found);
  EXPECT_EQ(keys(), Keys{"a"});
}

TEST_P(StoreContract, OfTwoChangesOfAKeyTheLaterCounts) {
  put("a", "0");
  WriteBatch batch;
  ASSERT_TRUE(batch.put("a", "1"));
  ASSERT_TRUE(batch.erase("a"));
  ASSERT_TRUE(batch.erase("b"));
  ASSERT_TRUE(batch.put("b", "2"));

  ASSERT_TRUE(store_->write(batch));

  EXPECT_EQ(keys(), Keys{"b"});
}

TEST_P(StoreContract, TakesAnEmptyBatch) {
  EXPECT_TRUE(store_->write({}));
  EXPECT_EQ(keys(), Keys{});
}

TEST_P(StoreContract, OrdersKeysByUnsignedBytes) {
  put_all({"b", "\x80", "a", "aa", "\x7f", "a\xff", std::string("a\0", 2)});

  EXPECT_EQ(keys(), (Keys{"a", std::string("a\0", 2), "aa", "a\xff", "b", "\x7f", "\x80"}));
}

TEST_P(StoreContract, ScansFromItsFirstKeyToBelowItsLast) {
  put_all({"a", "b", "c", "d"});

  EXPECT_EQ(keys({.from = "b", .to = "d"}), (Keys{"b", "c"}));
  EXPECT_EQ(keys({.from = "aa", .to = "cc"}), (Keys{"b", "c"}));
  EXPECT_EQ(keys({.from = "c", .to = ""}), (Keys{"c", "d"}));
  EXPECT_EQ(keys({.from = "", .to = "b"}), (Keys{"a"}));
  EXPECT_EQ(keys({.from = "e", .to = ""}), Keys{});
  EXPECT_EQ(keys({.from = "b", .to = "b"}), Keys{});
  EXPECT_EQ(keys({.from = "d", .to = "b"}), Keys{});
}

TEST_P(StoreContract, EndsAScanAtItsLimitAndSaysWhereToGoOn) {
  put_all({"a", "b", "c"});

  const Result<ScanPage> first = store_->scan({}, {.entries = 2});
  ASSERT_TRUE(first && first->next);
  const Result<ScanPage> rest = store_->scan({.from = *first->next, .to = ""}, {.entries = 2});

  EXPECT_EQ(first->entries, (std::vector<KeyValue>{{"a", "value of a"}, {"b", "value of b"}}));
  EXPECT_EQ(*first->next, "c");
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->entries, (std::vector<KeyValue>{{"c", "value of c"}}));
  EXPECT_FALSE(rest->next);
}

TEST_P(StoreContract, SaysThatARangeEndsWhereTheLimitIsExact) {
  put_all({"a", "b", "c"});

  const Result<ScanPage> page = store_->scan({.from = "a", .to = "c"}, {.entries = 2});

  ASSERT_TRUE(page);
  EXPECT_EQ(page->entries.size(), 2U);
  EXPECT_FALSE(page->next);
}

TEST_P(StoreContract, PassesTheByteLimitForOneEntryOnly) {
  put("a", std::string(1000, 'x'));
  put("b", std::string(1000, 'y'));

  const Result<ScanPage> page = store_->scan({}, {.entries = 10, .bytes = 100});

  ASSERT_TRUE(page);
  ASSERT_EQ(page->entries.size(), 1U);
  EXPECT_EQ(page->entries[0].value.size(), 1000U);
  EXPECT_EQ(page->next, "b");
}

TEST_P(StoreContract, RefusesALimitOfNothing) { EXPECT_EQ(store_->scan({}, {.entries = 0}).error(), Errc::invalid); }

TEST_P(StoreContract, TakesTheLargestKeyAndValue) {
  const std::string key(storage::kMaxKeyBytes, 'k');
  const std::string value(storage::kMaxValueBytes, 'v');

  put(key, value);

  EXPECT_EQ(*store_->get(key), value);
}

TEST_P(StoreContract, ClearsEverythingAndGoesOn) {
  put_all({"a", "\xff", "c"});
  ASSERT_TRUE(store_->sync());
  put("d", "not synced");

  ASSERT_TRUE(store_->clear());

  EXPECT_EQ(keys(), Keys{});
  EXPECT_EQ(store_->get("a").error(), Errc::not_found);
  put("b", "2");
  EXPECT_EQ(keys(), Keys{"b"});
}

TEST_P(StoreContract, SyncsWhetherOrNotThereIsAnything) {
  EXPECT_TRUE(store_->sync());
  put("a", "1");
  EXPECT_TRUE(store_->sync());
  EXPECT_TRUE(store_->sync());
  EXPECT_EQ(*store_->get("a"), "1");
}

/// One change of a key, in the batch and in the map beside it.
void change(WriteBatch& batch, std::map<std::string, std::string>& model, const std::function<std::size_t(std::uint32_t)>& below) {
  const std::string key = "key-" + std::to_string(below(60));
  if (below(3) == 0) {
    ASSERT_TRUE(batch.erase(key));
    model.erase(key);
  } else {
    const std::string value(below(200), static_cast<char>('a' + below(26)));
    ASSERT_TRUE(batch.put(key, value));
    model.insert_or_assign(key, value);
  }
}

// Random changes, some of them synced, always say what a map says: pages of random sizes put together included.
TEST_P(StoreContract, SaysWhatAMapSays) {
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t limit) { return static_cast<std::size_t>(random() % limit); };
  std::map<std::string, std::string> model;
  for (int round = 0; round < 300; ++round) {
    WriteBatch batch;
    for (std::size_t i = 0; i < 1 + below(8); ++i) ASSERT_NO_FATAL_FAILURE(change(batch, model, below));
    ASSERT_TRUE(store_->write(batch));
    if (below(50) == 0) {
      ASSERT_TRUE(store_->sync());
    }
  }

  std::map<std::string, std::string> found;
  KeyRange rest;
  while (true) {
    const Result<ScanPage> page = store_->scan(rest, {.entries = 1 + below(9), .bytes = 1 + below(1000)});
    ASSERT_TRUE(page);
    for (const KeyValue& entry : page->entries) EXPECT_TRUE(found.emplace(entry.key, entry.value).second);
    if (!page->next) break;
    ASSERT_GT(*page->next, rest.from);
    rest.from = *page->next;
  }

  EXPECT_EQ(found, model);
}

INSTANTIATE_TEST_SUITE_P(Key, StoreContract, ::testing::Values(Form::memory, Form::rocksdb),
                         [](const auto& param) { return param.param == Form::memory ? "Memory" : "Rocksdb"; });

}  // namespace
}  // namespace tidelog::testing
