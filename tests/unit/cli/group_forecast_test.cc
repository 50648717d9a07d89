#include "cli/group_forecast.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

group_info group(const std::string& protocol_type, std::vector<group_member> members) {
  group_info info("g", 1);
  return info.set_kind("classic", protocol_type).set_members(std::move(members));
}

group_member reader_of(std::vector<std::string> topics, std::string pattern = {}, std::vector<topic_partition> target = {}) {
  group_member member("m");
  return member.set_subscription(std::move(topics), std::move(pattern)).set_assigned({}, std::move(target));
}

std::string_view code_of(const result<void>& outcome) { return outcome ? "deleted" : outcome.error().code_name(); }

/// What becomes of partition 0 of "t", and of "u".
std::vector<std::string_view> codes_of(const group_info& group) {
  const auto results = forecast_offset_deletion(group, {{"t", 0}, {"u", 0}});
  if (!results) return {results.error().code_name()};
  std::vector<std::string_view> codes;
  for (const group_partition_result& each : *results) codes.push_back(code_of(each.outcome()));
  return codes;
}

using Codes = std::vector<std::string_view>;

TEST(GroupForecast, OnlyAGroupWithoutMembersIsDeleted) {
  EXPECT_EQ(code_of(forecast_deletion(group("consumer", {}))), "deleted");
  const result<void> refused = forecast_deletion(group("consumer", {reader_of({"t"})}));
  EXPECT_EQ(code_of(refused), "NON_EMPTY_GROUP");
  EXPECT_EQ(refused.error().message(), "cannot delete group \"g\": the group has members");
}

TEST(GroupForecast, OffsetsOfTopicsThatAreReadStay) {
  EXPECT_EQ(codes_of(group("consumer", {})), (Codes{"deleted", "deleted"}));
  EXPECT_EQ(codes_of(group("consumer", {reader_of({"t"})})), (Codes{"GROUP_SUBSCRIBED_TO_TOPIC", "deleted"}));
  EXPECT_EQ(codes_of(group("consumer", {reader_of({"t"}), reader_of({"u"})})),
            (Codes{"GROUP_SUBSCRIBED_TO_TOPIC", "GROUP_SUBSCRIBED_TO_TOPIC"}));
  const auto results = forecast_offset_deletion(group("consumer", {reader_of({"t"})}), {{"t", 3}});
  const error& read = results->front().outcome().error();
  EXPECT_EQ(read.message(), "cannot delete the offset of group \"g\" of \"t\" partition 3: members of the group subscribe to the topic");
  EXPECT_EQ(read.partition(), 3);
}

TEST(GroupForecast, APatternReadsWhatItsMembersShallHave) {
  EXPECT_EQ(codes_of(group("consumer", {reader_of({}, "t.*", {{"t", 1}})})), (Codes{"GROUP_SUBSCRIBED_TO_TOPIC", "deleted"}));
}

TEST(GroupForecast, WhoDoesNotSayWhatItReadsMayReadAnything) {
  EXPECT_EQ(codes_of(group("consumer", {reader_of({"t"}), group_member("silent")})),
            (Codes{"GROUP_SUBSCRIBED_TO_TOPIC", "GROUP_SUBSCRIBED_TO_TOPIC"}));
}

TEST(GroupForecast, OthersThanConsumersKeepAllTheirOffsets) {
  EXPECT_EQ(codes_of(group("connect", {group_member("m")})), Codes{"NON_EMPTY_GROUP"});
  EXPECT_EQ(codes_of(group("", {})), (Codes{"deleted", "deleted"}));
}

}  // namespace
}  // namespace tidelog::cli
