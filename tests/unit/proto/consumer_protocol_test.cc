#include "proto/codec/consumer_protocol.h"

#include "proto/base/endian.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

#include <string>

namespace tidelog::proto::test {
namespace {

std::vector<Json> recorded(std::string_view name) {
  std::vector<Json> out;
  for (const Json& line : load_lines("consumer-protocol.jsonl")) {
    if (line.at("name") == name) out.push_back(line);
  }
  return out;
}

std::string where(const Json& line) { return "v" + line.at("version").dump() + " " + line.at("variant").get<std::string>(); }

std::vector<std::byte> stored(const Json& line) { return from_hex(line.at("stored").get<std::string>()); }

std::optional<OwnedBytes> user_data(const Json& json) {
  if (json.at("userData").is_null()) return std::nullopt;
  return from_base64(json.at("userData").get<std::string>());
}

std::vector<NamedPartitions> named(const Json& topics) {
  std::vector<NamedPartitions> out;
  for (const Json& topic : topics) out.push_back({.topic = topic.at("topic"), .partitions = topic.at("partitions")});
  return out;
}

ConsumerSubscription subscription_from_json(const Json& line) {
  const Json& json = line.at("json");
  const Json rack = json.value("rackId", Json());
  return {.version = line.at("version"),
          .topics = json.at("topics"),
          .user_data = user_data(json),
          .owned = named(json.value("ownedPartitions", Json::array())),
          .generation = json.value("generationId", -1),
          .rack_id = rack.is_null() || rack == "" ? std::nullopt : std::optional(rack.get<std::string>())};
}

ConsumerAssignment assignment_from_json(const Json& line) {
  const Json& json = line.at("json");
  return {.version = line.at("version"), .partitions = named(json.at("assignedPartitions")), .user_data = user_data(json)};
}

TEST(ConsumerProtocol, SubscriptionsAreKafkas) {
  const std::vector<Json> lines = recorded("ConsumerProtocolSubscription");
  ASSERT_EQ(lines.size(), 20U);
  for (const Json& line : lines) {
    const ConsumerSubscription expected = subscription_from_json(line);

    const Result<ConsumerSubscription> decoded = decode_subscription(stored(line));

    ASSERT_TRUE(decoded) << where(line);
    EXPECT_TRUE(*decoded == expected) << where(line);
    if (line.at("json").value("rackId", Json()) == "") continue;  // Written again it is none.
    EXPECT_EQ(to_hex(encode_subscription(expected)), line.at("stored").get<std::string>()) << where(line);
  }
}

TEST(ConsumerProtocol, AssignmentsAreKafkas) {
  const std::vector<Json> lines = recorded("ConsumerProtocolAssignment");
  ASSERT_EQ(lines.size(), 20U);
  for (const Json& line : lines) {
    const ConsumerAssignment expected = assignment_from_json(line);

    const Result<ConsumerAssignment> decoded = decode_assignment(stored(line));

    ASSERT_TRUE(decoded) << where(line);
    EXPECT_TRUE(*decoded == expected) << where(line);
    EXPECT_EQ(to_hex(encode_assignment(expected)), line.at("stored").get<std::string>()) << where(line);
  }
}

TEST(ConsumerProtocol, OlderVersionsLeaveOutWhatTheyLack) {
  ConsumerSubscription subscription{
      .topics = {"t"}, .user_data = {}, .owned = {{.topic = "t", .partitions = {3}}}, .generation = 7, .rack_id = "r"};
  const std::string v0 =
      "00000001"
      "000174"
      "ffffffff";
  const std::string v1 = v0 +
                         "00000001"
                         "000174"
                         "00000001"
                         "00000003";
  const std::string v2 = v1 + "00000007";
  const std::string v3 = v2 + "000172";

  EXPECT_EQ(to_hex(encode_subscription(subscription)), "0003" + v3);
  subscription.version = 2;
  EXPECT_EQ(to_hex(encode_subscription(subscription)), "0002" + v2);
  subscription.version = 1;
  EXPECT_EQ(to_hex(encode_subscription(subscription)), "0001" + v1);
  subscription.version = 0;
  EXPECT_EQ(to_hex(encode_subscription(subscription)), "0000" + v0);
}

TEST(ConsumerProtocol, ALaterVersionIsReadAsTheHighestThereIs) {
  const ConsumerSubscription subscription{
      .topics = {"a", "b"}, .user_data = OwnedBytes{std::byte{1}}, .owned = {}, .generation = 3, .rack_id = "r"};
  const ConsumerAssignment assignment{.partitions = {{.topic = "a", .partitions = {0, 1}}}, .user_data = {}};
  for (const std::int16_t later : {std::int16_t{4}, std::int16_t{32767}}) {
    OwnedBytes of_subscription = encode_subscription(subscription);
    OwnedBytes of_assignment = encode_assignment(assignment);
    for (OwnedBytes* blob : {&of_subscription, &of_assignment}) {
      store_be(blob->data(), later);
      blob->resize(blob->size() + 9);  // What that version adds.
    }

    const Result<ConsumerSubscription> first = decode_subscription(of_subscription);
    const Result<ConsumerAssignment> second = decode_assignment(of_assignment);

    ASSERT_TRUE(first && second) << later;
    EXPECT_TRUE(*first == subscription) << later;
    EXPECT_TRUE(*second == assignment) << later;
  }
}

TEST(ConsumerProtocol, NoUserDataIsNotEmptyUserData) {
  ConsumerAssignment assignment;

  EXPECT_EQ(to_hex(encode_assignment(assignment)),
            "0003"
            "00000000"
            "ffffffff");
  assignment.user_data.emplace();
  EXPECT_EQ(to_hex(encode_assignment(assignment)),
            "0003"
            "00000000"
            "00000000");
  EXPECT_TRUE(*decode_assignment(encode_assignment(assignment)) == assignment);
}

TEST(ConsumerProtocol, NoBytesAreAnAssignmentOfNothingButNoSubscription) {
  const Result<ConsumerAssignment> assignment = decode_assignment({});

  ASSERT_TRUE(assignment);
  EXPECT_TRUE(assignment->partitions.empty());
  EXPECT_EQ(decode_subscription({}).error(), Errc::corrupt);
}

TEST(ConsumerProtocol, ANegativeVersionIsCorrupt) {
  EXPECT_EQ(decode_subscription(from_hex("ffff"
                                         "00000000"
                                         "ffffffff"
                                         "00000000"
                                         "00000000"
                                         "ffff"))
                .error(),
            Errc::corrupt);
  EXPECT_EQ(decode_assignment(from_hex("8000"
                                       "00000000"
                                       "ffffffff"))
                .error(),
            Errc::corrupt);
}

TEST(ConsumerProtocol, EveryCutIsCorrupt) {
  for (const Json& line : load_lines("consumer-protocol.jsonl")) {
    const bool is_assignment = line.at("name") == "ConsumerProtocolAssignment";
    const std::vector<std::byte> whole = stored(line);
    for (std::size_t size = is_assignment ? 1 : 0; size < whole.size(); ++size) {
      const Bytes cut = Bytes(whole).first(size);
      const bool is_refused = is_assignment ? !decode_assignment(cut) : !decode_subscription(cut);
      EXPECT_TRUE(is_refused) << where(line) << " cut at " << size;
    }
  }
}

TEST(ConsumerProtocol, CountsThatLieAreCorrupt) {
  EXPECT_EQ(decode_subscription(from_hex("0000"
                                         "7fffffff"
                                         "000174"))
                .error(),
            Errc::corrupt);
  EXPECT_EQ(decode_subscription(from_hex("0001"
                                         "00000000"
                                         "ffffffff"
                                         "00000001"
                                         "000174"
                                         "7fffffff"
                                         "00000000"))
                .error(),
            Errc::corrupt);
  EXPECT_EQ(decode_assignment(from_hex("0000"
                                       "00000001"
                                       "000174"
                                       "7fffffff"
                                       "00000000"
                                       "ffffffff"))
                .error(),
            Errc::corrupt);
  EXPECT_EQ(decode_assignment(from_hex("0000"
                                       "00000000"
                                       "7fffffff"
                                       "00"))
                .error(),
            Errc::corrupt);
}

TEST(ConsumerProtocol, NullWhereThereMustBeATextOrListIsCorrupt) {
  EXPECT_EQ(decode_subscription(from_hex("0000"
                                         "ffffffff"
                                         "ffffffff"))
                .error(),
            Errc::corrupt);
  EXPECT_EQ(decode_subscription(from_hex("0000"
                                         "00000001"
                                         "ffff"
                                         "ffffffff"))
                .error(),
            Errc::corrupt);
  EXPECT_EQ(decode_assignment(from_hex("0000"
                                       "00000001"
                                       "ffff"
                                       "00000000"
                                       "ffffffff"))
                .error(),
            Errc::corrupt);
}

}  // namespace
}  // namespace tidelog::proto::test
