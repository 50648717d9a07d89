// Fields that Kafka does not have are tagged, left out unless they were asked for, and skipped by whoever does not know them.
#include "proto/codec/api_table.h"
#include "proto/codec/interpreter.h"
#include "proto/messages/api_messages.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace tidelog::proto {
namespace {

/// Kafka numbers the tags of a struct from 0 without gaps, so it would need that many fields to meet ours.
constexpr std::int16_t kFirstOwnTag = 29801;

std::vector<std::byte> encoded(const auto& message, std::int16_t version) {
  Output out;
  encode(message, version, out);
  return {out.bytes().begin(), out.bytes().end()};
}

TEST(OwnFields, AreNotSentUnlessTheyWereSet) {
  DescribeGroupsRequest request;
  const std::vector<std::byte> without = encoded(request, 6);
  request.include_history = true;
  const std::vector<std::byte> with = encoded(request, 6);

  EXPECT_EQ(without, (std::vector<std::byte>{std::byte{1}, std::byte{0}, std::byte{0}}));
  // One tag: its number as an unsigned varint, the size of its value, the value.
  EXPECT_EQ(with, (std::vector<std::byte>{std::byte{1}, std::byte{0}, std::byte{1}, std::byte{0xe9}, std::byte{0xe8}, std::byte{1},
                                          std::byte{1}, std::byte{1}}));
}

TEST(OwnFields, HaveNoPlaceInVersionsWithoutTags) {
  DescribeGroupsRequest request;
  request.include_history = true;
  EXPECT_EQ(encoded(request, 4).size(), 5U);
}

TEST(OwnFields, StandInTheOrderOfTheirTags) {
  OffsetFetchResponse::OffsetFetchResponsePartitions partition;
  partition.end_offset = 7;
  partition.lag_records = 5;
  partition.lag_ms = 3;
  OffsetFetchResponse::OffsetFetchResponseTopics topic;
  topic.partitions = std::span<const OffsetFetchResponse::OffsetFetchResponsePartitions>(&partition, 1);
  OffsetFetchResponse::OffsetFetchResponseGroup group;
  group.topics = std::span<const OffsetFetchResponse::OffsetFetchResponseTopics>(&topic, 1);
  OffsetFetchResponse response;
  response.groups = std::span<const OffsetFetchResponse::OffsetFetchResponseGroup>(&group, 1);
  const std::vector<std::byte> bytes = encoded(response, 9);

  OffsetFetchResponse read;
  ASSERT_TRUE(decode(bytes, 9, read));
  const auto told_group = *read.groups.begin();
  const auto told_topic = *told_group.topics.begin();
  const OffsetFetchResponse::OffsetFetchResponsePartitions told = *told_topic.partitions.begin();
  EXPECT_EQ(told.end_offset, 7);
  EXPECT_EQ(told.lag_records, 5);
  EXPECT_EQ(told.lag_ms, 3);
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t first = text.find("\xe9\xe8\x01\x08");
  const std::size_t second = text.find("\xea\xe8\x01\x08");
  const std::size_t third = text.find("\xeb\xe8\x01\x08");
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_NE(third, std::string::npos);
}

TEST(OwnFields, AreReadBack) {
  const std::vector<ConsumerGroupDescribeResponse::HistoryEvent> events{{.timestamp_ms = 17, .generation = 3, .event = "member a joined"}};
  ConsumerGroupDescribeResponse::DescribedGroup group;
  group.history = events;
  ConsumerGroupDescribeResponse response;
  response.groups = std::span<const ConsumerGroupDescribeResponse::DescribedGroup>(&group, 1);
  const std::vector<std::byte> bytes = encoded(response, 1);

  ConsumerGroupDescribeResponse read;
  ASSERT_TRUE(decode(bytes, 1, read));
  const ConsumerGroupDescribeResponse::DescribedGroup told = *read.groups.begin();
  ASSERT_EQ(told.history.size(), 1U);
  EXPECT_EQ((*told.history.begin()).timestamp_ms, 17);
  EXPECT_EQ((*told.history.begin()).generation, 3);
  EXPECT_EQ((*told.history.begin()).event, "member a joined");
}

/// The same struct as Kafka's classes know it.
Schema without_own_fields(const Schema& schema, std::vector<Field>& fields) {
  for (const Field& field : schema.fields) {
    if (field.tag < kFirstOwnTag) fields.push_back(field);
  }
  Schema known = schema;
  known.fields = fields;
  return known;
}

TEST(OwnFields, AreSkippedByWhoDoesNotKnowThem) {
  const std::vector<std::string_view> names{"g"};
  DescribeGroupsRequest request;
  request.groups = names;
  request.include_history = true;
  const std::vector<std::byte> bytes = encoded(request, 6);
  std::vector<Field> fields;
  const Schema known = without_own_fields(DescribeGroupsRequest::kSchema, fields);

  DescribeGroupsRequest read;
  ASSERT_TRUE(decode_message(bytes, 6, known, &read));
  EXPECT_EQ(*read.groups.begin(), "g");
  EXPECT_FALSE(read.include_history);
}

void collect_tags(const Schema& schema, std::set<std::string>& own) {
  for (const Field& field : schema.fields) {
    if (field.tag >= kFirstOwnTag) own.insert(std::string(schema.name) + "." + field.name);
    if (field.nested != nullptr) collect_tags(*field.nested, own);
    EXPECT_TRUE(field.tag < 100 || field.tag >= kFirstOwnTag) << schema.name << "." << field.name;
  }
}

TEST(OwnFields, AreThese) {
  std::set<std::string> own;
  for (const ApiInfo& api : served_apis()) {
    collect_tags(*api.request, own);
    collect_tags(*api.response, own);
  }
  EXPECT_EQ(own,
            (std::set<std::string>{"ConsumerGroupDescribeRequest.includeHistory", "DescribeGroupsRequest.includeHistory",
                                   "DescribedGroup.history", "OffsetFetchRequest.includeLag", "OffsetFetchResponsePartitions.endOffset",
                                   "OffsetFetchResponsePartitions.lagMs", "OffsetFetchResponsePartitions.lagRecords"}));
}

}  // namespace
}  // namespace tidelog::proto
