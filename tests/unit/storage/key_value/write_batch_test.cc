#include "storage/key_value/write_batch.h"

#include <gtest/gtest.h>

#include <string>

namespace tidelog::testing {
namespace {

using storage::kChangeOverheadBytes;
using storage::kMaxKeyBytes;
using storage::kMaxValueBytes;
using storage::kMaxWriteBatchBytes;
using storage::WriteBatch;

TEST(WriteBatch, RefusesKeysAndValuesOutsideTheirLimits) {
  WriteBatch batch;

  EXPECT_EQ(batch.put("", "v").error(), Errc::invalid);
  EXPECT_EQ(batch.erase("").error(), Errc::invalid);
  EXPECT_EQ(batch.put(std::string(kMaxKeyBytes + 1, 'k'), "").error(), Errc::too_large);
  EXPECT_EQ(batch.erase(std::string(kMaxKeyBytes + 1, 'k')).error(), Errc::too_large);
  EXPECT_EQ(batch.put("k", std::string(kMaxValueBytes + 1, 'v')).error(), Errc::too_large);
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.size_bytes(), 0U);
}

TEST(WriteBatch, CountsWhatItHolds) {
  WriteBatch batch;
  ASSERT_TRUE(batch.put("key", "value"));
  EXPECT_EQ(batch.size_bytes(), 8 + kChangeOverheadBytes);

  ASSERT_TRUE(batch.put("key", "longer value"));
  EXPECT_EQ(batch.size_bytes(), 15 + kChangeOverheadBytes);

  ASSERT_TRUE(batch.erase("key"));
  EXPECT_EQ(batch.size_bytes(), 3 + kChangeOverheadBytes);

  ASSERT_TRUE(batch.erase("other"));
  EXPECT_EQ(batch.size_bytes(), 8 + 2 * kChangeOverheadBytes);
}

TEST(WriteBatch, GrowsToItsLimitAndNoFurther) {
  const std::string value(kMaxValueBytes, 'v');
  WriteBatch batch;
  ASSERT_TRUE(batch.put("a", value));
  const std::size_t left = kMaxWriteBatchBytes - batch.size_bytes() - kChangeOverheadBytes - 1;

  EXPECT_EQ(batch.put("b", std::string(left + 1, 'v')).error(), Errc::too_large);
  EXPECT_EQ(batch.changes().size(), 1U);
  ASSERT_TRUE(batch.put("b", std::string(left, 'v')));
  EXPECT_EQ(batch.size_bytes(), kMaxWriteBatchBytes);

  EXPECT_EQ(batch.erase("c").error(), Errc::too_large);
  // What takes the place of something needs no more room than that had.
  EXPECT_TRUE(batch.put("b", "small"));
  EXPECT_EQ(batch.put("a", std::string(kMaxValueBytes + 1, 'v')).error(), Errc::too_large);
  EXPECT_EQ(batch.changes().at("a"), value);
}

}  // namespace
}  // namespace tidelog::testing
