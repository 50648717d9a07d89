#include "client/core/metadata.h"

#include <gtest/gtest.h>

namespace tidelog::core {
namespace {

using Answer = proto::MetadataResponse;

/// An answer about topic "logs" with one partition, and the memory it points to.
struct OneTopic {
  OneTopic(std::int32_t leader, std::int32_t epoch, std::byte id, std::int16_t error_code = 0) {
    partition.partition_index = 0;
    partition.leader_id = leader;
    partition.leader_epoch = epoch;
    topic.name = "logs";
    topic.topic_id.bytes[0] = id;
    topic.error_code = error_code;
    if (error_code == 0) topic.partitions = std::span<const Answer::MetadataResponsePartition>(&partition, 1);
    answer.topics = std::span<const Answer::MetadataResponseTopic>(&topic, 1);
  }
  Answer::MetadataResponsePartition partition;
  Answer::MetadataResponseTopic topic;
  Answer answer;
};

constexpr std::byte kId{1}, kOtherId{2};

TEST(MetadataMerge, BelievesANewerLeader) {
  const auto first = merge(Metadata{}, OneTopic(1, 5, kId).answer);
  const auto second = merge(*first, OneTopic(2, 6, kId).answer);
  EXPECT_EQ(second->leader_of("logs", 0), 2);
}

TEST(MetadataMerge, DoesNotBelieveABrokerThatLagsBehind) {
  const auto first = merge(Metadata{}, OneTopic(2, 6, kId).answer);
  const auto second = merge(*first, OneTopic(1, 5, kId).answer);
  EXPECT_EQ(second->leader_of("logs", 0), 2);
}

TEST(MetadataMerge, TakesALowerEpochForATopicMadeAnew) {
  const auto first = merge(Metadata{}, OneTopic(2, 6, kId).answer);
  const auto second = merge(*first, OneTopic(1, 0, kOtherId).answer);
  EXPECT_EQ(second->leader_of("logs", 0), 1);
}

TEST(MetadataMerge, KeepsTopicsThatTheAnswerDoesNotMention) {
  const auto first = merge(Metadata{}, OneTopic(1, 0, kId).answer);
  const auto second = merge(*first, Answer{});
  EXPECT_NE(second->topic("logs"), nullptr);
}

TEST(MetadataMerge, ForgetsTopicsThatAnAnswerAboutAllDoesNotMention) {
  const auto first = merge(Metadata{}, OneTopic(1, 0, kId).answer);
  EXPECT_FALSE(first->has_all_topics);
  const auto second = merge(*first, Answer{}, true);
  EXPECT_EQ(second->topic("logs"), nullptr);
  EXPECT_TRUE(second->has_all_topics);
  EXPECT_TRUE(merge(*second, OneTopic(1, 0, kId).answer)->has_all_topics);
}

TEST(MetadataMerge, KeepsWhatIsKnownOfATopicThatCannotBeDescribedNow) {
  const auto first = merge(Metadata{}, OneTopic(1, 0, kId).answer);
  const auto second = merge(*first, OneTopic(1, 0, kId, 5).answer, true);
  EXPECT_EQ(second->leader_of("logs", 0), 1);
}

TEST(MetadataMerge, RemembersThatATopicIsNotThere) {
  const auto known = merge(Metadata{}, OneTopic(1, 0, kId, 3).answer);
  ASSERT_NE(known->topic("logs"), nullptr);
  EXPECT_EQ(known->topic("logs")->error_code, 3);
  EXPECT_EQ(known->leader_of("logs", 0), -1);
}

TEST(MetadataMerge, PassesOverIndexesThatCannotBe) {
  for (const std::int32_t index : {-1, 1, 2'000'000'000}) {
    OneTopic told(1, 0, kId);
    told.partition.partition_index = index;
    EXPECT_TRUE(merge(Metadata{}, told.answer)->topic("logs")->partitions.empty()) << index;
  }
}

TEST(MetadataMerge, PassesOverBrokersWithoutAPort) {
  Answer::MetadataResponseBroker broker;
  broker.node_id = 1;
  broker.host = "somewhere";
  broker.port = 70'000;
  Answer answer;
  answer.brokers = std::span<const Answer::MetadataResponseBroker>(&broker, 1);
  EXPECT_TRUE(merge(Metadata{}, answer)->brokers.empty());
}

}  // namespace
}  // namespace tidelog::core
