#include "broker/group/records.h"

#include "tests/unit/proto/codec_vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>

// What is stored in `__consumer_offsets`, against what Apache Kafka's own classes wrote.
namespace tidelog::broker::test {
namespace {

using proto::test::as_bytes;
using proto::test::from_base64;
using proto::test::from_hex;
using proto::test::Json;
using proto::test::to_hex;

/// A record's key or value as recorded.
struct Recorded {
  std::string name;
  std::string kind;
  std::int16_t key_type;
  std::int16_t version;
  std::string variant;
  std::vector<std::byte> stored;
  Json json;
  [[nodiscard]] std::string where() const { return name + " v" + std::to_string(version) + " " + variant; }
};

std::vector<Recorded> load_recorded() {
  std::vector<Recorded> out;
  for (const Json& line : proto::test::load_lines("records-group-coordinator.jsonl")) {
    out.push_back({.name = line.at("name"),
                   .kind = line.at("kind"),
                   .key_type = line.at("key"),
                   .version = line.at("version"),
                   .variant = line.at("variant"),
                   .stored = from_hex(line.at("stored").get<std::string>()),
                   .json = line.at("json")});
  }
  return out;
}

/// All keys or all values.
std::vector<Recorded> recorded(std::string_view kind) {
  static const std::vector<Recorded> all = load_recorded();
  std::vector<Recorded> out;
  std::ranges::copy_if(all, std::back_inserter(out), [&](const Recorded& one) { return one.kind == kind; });
  return out;
}

bool is_ours(std::int16_t key_type) { return key_type <= 8 || key_type == 16; }

OwnedBytes bytes_of(const Json& json) { return from_base64(json.get<std::string>()); }

std::optional<std::string> optional_text(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<std::string>());
}

/// A record whose key has only text in it, and no value, as the JSON of its key has it.
GroupRecord key_from_json(std::int16_t key_type, const Json& json) {
  const std::string group = json.at(key_type <= 2 ? "group" : "groupId");
  switch (key_type) {
    case 0:
    case 1: return OffsetRecord{.group = group, .topic = json.at("topic"), .partition = {json.at("partition")}, .value = {}};
    case 2: return ClassicGroupRecord{.group = group, .value = {}};
    case 3: return ConsumerGroupRecord{.group = group, .value = {}};
    case 4: return ConsumerPartitionMetadataRecord{.group = group, .is_tombstone = true};
    case 5: return ConsumerMemberRecord{.group = group, .member = json.at("memberId"), .value = {}};
    case 6: return ConsumerTargetEpochRecord{.group = group, .value = {}};
    case 7: return ConsumerTargetMemberRecord{.group = group, .member = json.at("memberId"), .value = {}};
    case 8: return ConsumerCurrentMemberRecord{.group = group, .member = json.at("memberId"), .value = {}};
    case 16: return ConsumerRegexRecord{.group = group, .regex = json.at("regularExpression"), .value = {}};
    default: return ForeignRecord{.key_type = key_type};
  }
}

OffsetRecord::Value offset_from_json(const Json& json) {
  return {.offset = {json.at("offset")},
          .leader_epoch = {json.value("leaderEpoch", -1)},
          .metadata = json.at("metadata"),
          .committed_at = {json.at("commitTimestamp")},
          .expires_at = {json.value("expireTimestamp", std::int64_t{-1})},
          .topic_id = json.contains("topicId") ? Uuid::parse(json.at("topicId").get<std::string>()) : Uuid{}};
}

ClassicGroupRecord::Value classic_from_json(const Json& json) {
  ClassicGroupRecord::Value out{.protocol_type = json.at("protocolType"),
                                .generation = json.at("generation"),
                                .protocol = optional_text(json.at("protocol")),
                                .leader = optional_text(json.at("leader")),
                                .state_since = {json.value("currentStateTimestamp", std::int64_t{-1})},
                                .members = {}};
  for (const Json& member : json.at("members")) {
    out.members.push_back({.id = member.at("memberId"),
                           .instance_id = optional_text(member.value("groupInstanceId", Json())),
                           .client_id = member.at("clientId"),
                           .client_host = member.at("clientHost"),
                           .rebalance_timeout_ms = member.value("rebalanceTimeout", -1),
                           .session_timeout_ms = member.at("sessionTimeout"),
                           .subscription = bytes_of(member.at("subscription")),
                           .assignment = bytes_of(member.at("assignment"))});
  }
  return out;
}

ConsumerMemberRecord::Value member_from_json(const Json& json) {
  ConsumerMemberRecord::Value out{.instance_id = optional_text(json.at("instanceId")),
                                  .rack_id = optional_text(json.at("rackId")),
                                  .client_id = json.at("clientId"),
                                  .client_host = json.at("clientHost"),
                                  .subscribed_names = json.at("subscribedTopicNames"),
                                  .subscribed_regex = optional_text(json.at("subscribedTopicRegex")),
                                  .rebalance_timeout_ms = json.at("rebalanceTimeoutMs"),
                                  .server_assignor = optional_text(json.at("serverAssignor")),
                                  .classic = {}};
  const Json classic = json.value("classicMemberMetadata", Json());
  if (classic.is_null()) return out;
  out.classic = {.session_timeout_ms = classic.at("sessionTimeoutMs"), .protocols = {}};
  for (const Json& protocol : classic.at("supportedProtocols")) {
    out.classic->protocols.push_back({.name = protocol.at("name"), .metadata = bytes_of(protocol.at("metadata"))});
  }
  return out;
}

using Ordered = std::map<Uuid, std::map<std::int32_t, std::int32_t>>;

/// Partitions and their epochs, 0 where there are none.
Ordered ordered(const Json& topics) {
  Ordered out;
  for (const Json& topic : topics) {
    const Json epochs = topic.value("assignmentEpochs", Json());
    for (std::size_t i = 0; i < topic.at("partitions").size(); ++i) {
      out[Uuid::parse(topic.at("topicId").get<std::string>())][topic.at("partitions")[i]] = epochs.is_array() ? epochs[i] : Json(0);
    }
  }
  return out;
}

PartitionsById partitions_of(const Ordered& from) {
  PartitionsById out;
  for (const auto& [topic, partitions] : from) {
    out.push_back({topic, {}});
    for (const auto& [partition, epoch] : partitions) out.back().second.push_back(partition);
  }
  return out;
}

PartitionEpochs epochs_of(const Ordered& from) {
  PartitionEpochs out;
  for (const auto& [topic, partitions] : from) {
    out.emplace_back();
    for (const auto& [partition, epoch] : partitions) out.back().push_back(epoch);
  }
  return out;
}

ConsumerCurrentMemberRecord::Value current_from_json(const Json& json) {
  const auto state = json.at("state").get<int>();
  const Ordered assigned = ordered(json.at("assignedPartitions"));
  const Ordered pending = ordered(json.at("partitionsPendingRevocation"));
  return {.member_epoch = json.at("memberEpoch"),
          .previous_member_epoch = json.at("previousMemberEpoch"),
          .state = static_cast<ConsumerCurrentMemberRecord::State>(state >= 0 && state <= 2 ? state : 127),
          .assigned = partitions_of(assigned),
          .pending_revocation = partitions_of(pending),
          .assigned_epochs = epochs_of(assigned),
          .pending_epochs = epochs_of(pending)};
}

/// What a record of `key`, given without a value, is with the value of that JSON.
GroupRecord with_value(GroupRecord key, const Json& json) {
  struct Visitor {
    const Json& json;
    void operator()(OffsetRecord& record) const { record.value = offset_from_json(json); }
    void operator()(ClassicGroupRecord& record) const { record.value = classic_from_json(json); }
    void operator()(ConsumerGroupRecord& record) const {
      record.value = {.epoch = json.at("epoch"), .metadata_hash = json.value("metadataHash", std::int64_t{0})};
    }
    void operator()(ConsumerPartitionMetadataRecord& record) const { record.is_tombstone = false; }
    void operator()(ConsumerMemberRecord& record) const { record.value = member_from_json(json); }
    void operator()(ConsumerTargetEpochRecord& record) const {
      record.value = {.assignment_epoch = json.at("assignmentEpoch"), .made_at = {json.value("assignmentTimestamp", std::int64_t{0})}};
    }
    void operator()(ConsumerTargetMemberRecord& record) const { record.value = partitions_of(ordered(json.at("topicPartitions"))); }
    void operator()(ConsumerCurrentMemberRecord& record) const { record.value = current_from_json(json); }
    void operator()(ConsumerRegexRecord& record) const {
      record.value = {.topics = json.at("topics"), .version = json.at("version"), .resolved_at = {json.at("timestamp")}};
    }
    void operator()(ForeignRecord& /*record*/) const {}
  };
  std::visit(Visitor{json}, key);
  return key;
}

std::map<std::int16_t, Recorded> full_keys() {
  std::map<std::int16_t, Recorded> out;
  for (const Recorded& key : recorded("coordinator-key")) {
    if (key.variant == "full") out.emplace(key.key_type, key);
  }
  return out;
}

/// Every recorded value, each with a key of its type.
void for_each_recorded_value(const std::function<void(const Recorded& key, const Recorded& value)>& look) {
  const std::map<std::int16_t, Recorded> keys = full_keys();
  for (const Recorded& value : recorded("coordinator-value")) look(keys.at(value.key_type), value);
}

/// Where Kafka would write what is in the vector in the same bytes: it writes one version of each, and what we have to put in order is
/// none.
bool is_as_written(const Recorded& value) {
  if (value.variant == "tags" || value.key_type == 0 || value.key_type == 4 || !is_ours(value.key_type)) return false;
  if (value.key_type == 1 && value.version == 1) return value.json.at("expireTimestamp") != -1;
  if (value.key_type == 1) return value.version == 4;
  if (value.key_type == 2) return value.version == 3;
  if (value.key_type == 5) return value.json.contains("classicMemberMetadata");
  return (value.key_type != 7 && value.key_type != 8) || value.variant == "default" || value.variant == "empty";
}

TEST(GroupRecords, KeysAreKafkas) {
  std::size_t seen = 0;
  for (const Recorded& key : recorded("coordinator-key")) {
    const GroupRecord expected = key_from_json(key.key_type, key.json);

    const Result<GroupRecord> decoded = decode_group_record(key.stored, {});

    ASSERT_TRUE(decoded) << key.where();
    EXPECT_TRUE(*decoded == expected) << key.where();
    if (!is_ours(key.key_type)) continue;
    const StoredRecord stored = encode(expected);
    std::vector<std::byte> as_type_1 = key.stored;
    if (key.key_type == 0) as_type_1[1] = std::byte{1};
    EXPECT_EQ(to_hex(stored.key), to_hex(as_type_1)) << key.where();
    EXPECT_FALSE(stored.value) << key.where();
    ++seen;
  }
  EXPECT_EQ(seen, 50U) << "ten types, five variants each";
}

TEST(GroupRecords, ValuesOfEveryVersionMeanWhatKafkaMeant) {
  std::size_t seen = 0;
  for_each_recorded_value([&](const Recorded& key, const Recorded& value) {
    const GroupRecord expected = with_value(key_from_json(key.key_type, key.json), value.json);

    const Result<GroupRecord> decoded = decode_group_record(key.stored, value.stored);

    ASSERT_TRUE(decoded) << value.where();
    EXPECT_TRUE(*decoded == expected) << value.where();
    ++seen;
  });
  EXPECT_GT(seen, 100U);
}

TEST(GroupRecords, AreWrittenAsKafkaWritesThem) {
  std::map<std::int16_t, int> seen;
  for_each_recorded_value([&](const Recorded& key, const Recorded& value) {
    if (!is_as_written(value)) return;

    const StoredRecord stored = encode(with_value(key_from_json(key.key_type, key.json), value.json));

    EXPECT_EQ(to_hex(stored.key), to_hex(key.stored)) << value.where();
    ASSERT_TRUE(stored.value) << value.where();
    EXPECT_EQ(to_hex(*stored.value), to_hex(value.stored)) << value.where();
    ++seen[key.key_type];
  });
  for (const std::int16_t key_type : {1, 2, 3, 5, 6, 7, 8, 16}) EXPECT_GE(seen[key_type], 2) << key_type;
}

TEST(GroupRecords, WrittenAgainAreTheSame) {
  for_each_recorded_value([&](const Recorded& key, const Recorded& value) {
    const Result<GroupRecord> record = decode_group_record(key.stored, value.stored);
    ASSERT_TRUE(record) << value.where();
    if (!is_ours(key.key_type) || key.key_type == 4) return;

    const StoredRecord stored = encode(*record);
    const Result<GroupRecord> again = decode_group_record(stored.key, *stored.value);

    ASSERT_TRUE(again) << value.where();
    EXPECT_TRUE(*again == *record) << value.where();
  });
}

std::string value_hex(const GroupRecord& record) { return to_hex(encode(record).value.value_or(OwnedBytes{})); }

TEST(GroupRecords, AnOffsetIsWrittenInVersion4) {
  const OffsetRecord record{
      .group = "g", .topic = "t", .partition = {2}, .value = OffsetRecord::Value{.offset = {5}, .metadata = "m", .topic_id = {}}};

  EXPECT_EQ(to_hex(encode(record).key),
            "0001"
            "000167"
            "000174"
            "00000002");
  EXPECT_EQ(value_hex(record),
            "0004"
            "0000000000000005"
            "ffffffff"
            "026d"
            "ffffffffffffffff"
            "00");
}

TEST(GroupRecords, AnOffsetThatExpiresIsWrittenInVersion1) {
  const OffsetRecord record{
      .group = "g",
      .topic = "t",
      .partition = {2},
      .value = OffsetRecord::Value{.offset = {5}, .metadata = "", .committed_at = {6}, .expires_at = {7}, .topic_id = {}}};

  EXPECT_EQ(value_hex(record),
            "0001"
            "0000000000000005"
            "0000"
            "0000000000000006"
            "0000000000000007");
}

TEST(GroupRecords, AMemberSaysThatItIsNotClassic) {
  // Left out, Kafka would take it for one that is.
  ConsumerMemberRecord::Value value;
  value.client_id = "c";
  value.client_host = "h";
  const ConsumerMemberRecord record{.group = "g", .member = "m", .value = value};

  EXPECT_EQ(value_hex(record),
            "0000"
            "00"
            "00"
            "0263"
            "0268"
            "01"
            "00"
            "ffffffff"
            "00"
            "01"
            "000100");
}

TEST(GroupRecords, ATargetIsWrittenTopicByTopic) {
  const Uuid first{.bytes = {std::byte{1}}};
  const Uuid second{.bytes = {std::byte{2}}};
  const ConsumerTargetMemberRecord record{.group = "g", .member = "m", .value = PartitionsById{{first, {0, 2}}, {second, {7}}}};
  const std::string stored =
      "0000"
      "03"
      "01000000000000000000000000000000"
      "03"
      "00000000"
      "00000002"
      "00"
      "02000000000000000000000000000000"
      "02"
      "00000007"
      "00"
      "00";

  EXPECT_EQ(value_hex(record), stored);
}

TEST(GroupRecords, WhatAMemberOwnsIsWrittenWithItsEpochs) {
  const Uuid topic{.bytes = {std::byte{1}}};
  const ConsumerCurrentMemberRecord::Value value{.member_epoch = 4,
                                                 .previous_member_epoch = 3,
                                                 .state = ConsumerCurrentMemberRecord::State::unrevoked_partitions,
                                                 .assigned = {{topic, {0, 2}}},
                                                 .pending_revocation = {},
                                                 .assigned_epochs = {{4, 3}},
                                                 .pending_epochs = {}};
  const ConsumerCurrentMemberRecord record{.group = "g", .member = "m", .value = value};
  const std::string stored =
      "0000"
      "00000004"
      "00000003"
      "01"
      "02"
      "01000000000000000000000000000000"
      "03"
      "00000000"
      "00000002"
      "01"
      "0009"
      "03"
      "00000004"
      "00000003"
      "01"
      "00";

  EXPECT_EQ(value_hex(record), stored);
  const Result<GroupRecord> decoded = decode_group_record(encode(record).key, from_hex(stored));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, GroupRecord(record));
}

/// A current assignment's value whose only topic lists these partitions and epochs, as hex of arrays.
std::vector<std::byte> current_value(const std::string& partitions, const std::string& tags) {
  return from_hex(
      "0000"
      "00000005"
      "00000004"
      "00"
      "02" +
      std::string(32, '0') + partitions + tags +
      "01"
      "00");
}

Result<GroupRecord> decode_current(const std::vector<std::byte>& value) {
  const GroupRecord key = ConsumerCurrentMemberRecord{.group = "g", .member = "m", .value = {}};
  return decode_group_record(encode(key).key, value);
}

TEST(GroupRecords, PartitionsComeInOrderAndOnce) {
  // Partitions 3, 1, 3 with epochs 5, 2, 4.
  const Result<GroupRecord> decoded =
      decode_current(current_value("04"
                                   "00000003"
                                   "00000001"
                                   "00000003",
                                   "01"
                                   "000d"
                                   "04"
                                   "00000005"
                                   "00000002"
                                   "00000004"));

  ASSERT_TRUE(decoded);
  const auto& value = std::get<ConsumerCurrentMemberRecord>(*decoded).value;
  EXPECT_EQ(value->assigned, (PartitionsById{{Uuid{}, {1, 3}}}));
  EXPECT_EQ(value->assigned_epochs, (PartitionEpochs{{2, 4}}));
}

TEST(GroupRecords, EpochsMayBeUnknownButNotTooFew) {
  const Result<GroupRecord> unknown =
      decode_current(current_value("02"
                                   "00000003",
                                   "00"));
  const Result<GroupRecord> null =
      decode_current(current_value("02"
                                   "00000003",
                                   "01"
                                   "0001"
                                   "00"));
  const Result<GroupRecord> too_few =
      decode_current(current_value("03"
                                   "00000003"
                                   "00000004",
                                   "01"
                                   "0005"
                                   "02"
                                   "00000005"));

  ASSERT_TRUE(unknown && null);
  EXPECT_TRUE(std::get<ConsumerCurrentMemberRecord>(*unknown).value->assigned_epochs.empty());
  EXPECT_EQ(*unknown, *null);
  ASSERT_FALSE(too_few);
  EXPECT_EQ(too_few.error(), Errc::corrupt);
}

TEST(GroupRecords, KnownEpochsOfOneTopicAreTheMembersForAnother) {
  // Topic 0 says epoch 2 for its partition, topic ff.. says nothing.
  const std::string second = std::string(32, 'f') +
                             "02"
                             "00000007"
                             "00";
  const Result<GroupRecord> decoded =
      decode_current(from_hex("0000"
                              "00000005"
                              "00000004"
                              "00"
                              "03" +
                              std::string(32, '0') +
                              "02"
                              "00000003"
                              "01"
                              "0005"
                              "02"
                              "00000002" +
                              second +
                              "01"
                              "00"));

  ASSERT_TRUE(decoded);
  EXPECT_EQ(std::get<ConsumerCurrentMemberRecord>(*decoded).value->assigned_epochs, (PartitionEpochs{{2}, {5}}));
}

TEST(GroupRecords, KeyTypesNobodySpeaksAreForeignWhateverTheyHold) {
  for (const std::int16_t key_type : {9, 10, 15, 17, 24, 32767, -1}) {
    std::vector<std::byte> key(2);
    store_be(key.data(), key_type);
    key.push_back(std::byte{0xEE});

    const Result<GroupRecord> decoded = decode_group_record(key, as_bytes("anything"));

    ASSERT_TRUE(decoded) << key_type;
    EXPECT_EQ(*decoded, GroupRecord(ForeignRecord{.key_type = key_type}));
  }
}

TEST(GroupRecords, AKeyIsNothingButTheKey) {
  for (const Recorded& key : recorded("coordinator-key")) {
    if (!is_ours(key.key_type)) continue;
    std::vector<std::byte> longer = key.stored;
    longer.push_back(std::byte{0});
    EXPECT_EQ(decode_group_record(longer, {}).error(), Errc::corrupt) << key.where();
    for (std::size_t size = 0; size < key.stored.size(); ++size) {
      const std::vector<std::byte> cut(key.stored.begin(), key.stored.begin() + static_cast<std::ptrdiff_t>(size));
      const Result<GroupRecord> decoded = decode_group_record(cut, {});
      ASSERT_FALSE(decoded) << key.where() << " cut at " << size;
      EXPECT_EQ(decoded.error(), Errc::corrupt);
    }
  }
}

TEST(GroupRecords, ACutValueIsCorruptAndNoTombstone) {
  for_each_recorded_value([](const Recorded& key, const Recorded& value) {
    if (!is_ours(key.key_type) || value.variant == "limits") return;
    for (std::size_t size = 0; size < value.stored.size(); ++size) {
      const Result<GroupRecord> decoded = decode_group_record(key.stored, Bytes(value.stored).first(size));
      ASSERT_FALSE(decoded) << value.where() << " cut at " << size;
      EXPECT_EQ(decoded.error(), Errc::corrupt);
    }
  });
}

TEST(GroupRecords, BytesBehindAValueArePassedOver) {
  for_each_recorded_value([](const Recorded& key, const Recorded& value) {
    std::vector<std::byte> longer = value.stored;
    longer.push_back(std::byte{0x55});

    const Result<GroupRecord> decoded = decode_group_record(key.stored, longer);

    ASSERT_TRUE(decoded) << value.where();
    EXPECT_EQ(*decoded, *decode_group_record(key.stored, value.stored)) << value.where();
  });
}

TEST(GroupRecords, VersionsNobodySpeaksAreUnsupported) {
  const std::map<std::int16_t, std::int16_t> newest = {{0, 4}, {1, 4}, {2, 4}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}, {8, 0}, {16, 0}};
  const std::map<std::int16_t, Recorded> keys = full_keys();
  for (const auto& [key_type, version] : newest) {
    const Recorded& key = keys.at(key_type);
    for (const int beyond : {version + 1, -1, 32767}) {
      std::vector<std::byte> value(100);
      store_be(value.data(), static_cast<std::int16_t>(beyond));

      const Result<GroupRecord> decoded = decode_group_record(key.stored, value);

      ASSERT_FALSE(decoded) << key_type << " v" << beyond;
      EXPECT_EQ(decoded.error(), Errc::unsupported) << key_type << " v" << beyond;
    }
  }
}

TEST(GroupRecords, CountsThatLieAreCorrupt) {
  const GroupRecord key = ConsumerTargetMemberRecord{.group = "g", .member = "m", .value = {}};

  EXPECT_EQ(decode_group_record(encode(key).key, from_hex("0000"
                                                          "ffffffff0f"
                                                          "00"))
                .error(),
            Errc::corrupt);
  EXPECT_EQ(decode_current(current_value("ffffffff0f", "00")).error(), Errc::corrupt);
}

}  // namespace
}  // namespace tidelog::broker::test
