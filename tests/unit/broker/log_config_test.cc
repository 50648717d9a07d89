#include "broker/partition/log_config.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

TEST(LogConfig, SegmentsOfACompactedTopicLeaveRoomToBeLaidOutAnew) {
  TopicConfig config;
  config.segment_bytes = 0x7fffffff;
  const std::uint32_t plain = to_log_config(config, {}).segment_bytes;
  config.cleanup_policy = {"compact"};
  const std::uint32_t compacted = to_log_config(config, {}).segment_bytes;

  EXPECT_EQ(plain, 0x7fffffffU);
  EXPECT_EQ(compacted, 1U << 30);
}

TEST(LogConfig, ACompactedTopicTakesNoBatchThatCompactionCannotOpen) {
  TopicConfig config;
  config.max_message_bytes = 100 << 20;
  const std::size_t plain = max_opened_bytes(config);
  config.cleanup_policy = {"compact"};
  const std::size_t compacted = max_opened_bytes(config);

  EXPECT_EQ(plain, std::size_t{1600} << 20);
  EXPECT_EQ(compacted, storage::kLargestOpenedBatch);
}

}  // namespace
}  // namespace tidelog::broker
