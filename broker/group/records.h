#pragma once

#include "proto/base/result.h"
#include "proto/base/types.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// What is stored in `__consumer_offsets`, in Kafka's formats (docs/formats.md). Every struct owns what it names, so that one can be kept.

namespace tidelog::broker {

using OwnedBytes = std::vector<std::byte>;

/// Partitions of topics, by id; topics and partitions in rising order, no topic without partitions.
using PartitionsById = std::vector<std::pair<Uuid, std::vector<std::int32_t>>>;

/// Beside partitions: for each, in the same order, the member epoch at which it came to its member. Empty: not known, which counts as the
/// epoch that the member has (as in records of versions before 4.4).
using PartitionEpochs = std::vector<std::vector<std::int32_t>>;

/// Where a group stands in a partition (key type 1; type 0 is read as well).
struct OffsetRecord {
  struct Value {
    Offset offset{-1};
    LeaderEpoch leader_epoch{-1};
    std::string metadata;
    TimestampMs committed_at{-1};
    /// -1: as long as the group's retention says. Only version 1 can say another time, and neither leader epoch nor topic id then: leave
    /// them unknown, or replay gives back less than was applied.
    TimestampMs expires_at{-1};
    Uuid topic_id;  ///< Zero: not known.
    bool operator==(const Value&) const = default;
  };
  std::string group;
  std::string topic;
  PartitionIndex partition{0};
  std::optional<Value> value;  ///< None: forgotten.
  bool operator==(const OffsetRecord&) const = default;
};

/// A classic group as it was when it last became stable or empty (key type 2).
struct ClassicGroupRecord {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    std::int32_t rebalance_timeout_ms = -1;
    std::int32_t session_timeout_ms = 0;
    OwnedBytes subscription;  ///< The metadata of the chosen protocol.
    OwnedBytes assignment;
    bool operator==(const Member&) const = default;
  };
  struct Value {
    std::string protocol_type;
    std::int32_t generation = 0;
    std::optional<std::string> protocol;
    std::optional<std::string> leader;
    TimestampMs state_since{-1};
    std::vector<Member> members;
    bool operator==(const Value&) const = default;
  };
  std::string group;
  std::optional<Value> value;
  bool operator==(const ClassicGroupRecord&) const = default;
};

/// A consumer group's epoch (key type 3).
struct ConsumerGroupRecord {
  struct Value {
    std::int32_t epoch = 0;
    std::int64_t metadata_hash = 0;  ///< Of the topics the group is subscribed to; 0: not known.
    bool operator==(const Value&) const = default;
  };
  std::string group;
  std::optional<Value> value;
  bool operator==(const ConsumerGroupRecord&) const = default;
};

/// Kafka's older form of that hash (key type 4): read and forgotten, so that a log of Kafka's can be followed; only its end is written.
struct ConsumerPartitionMetadataRecord {
  std::string group;
  bool is_tombstone = false;
  bool operator==(const ConsumerPartitionMetadataRecord&) const = default;
};

/// What a member of a consumer group said of itself (key type 5).
struct ConsumerMemberRecord {
  struct ClassicProtocol {
    std::string name;
    OwnedBytes metadata;
    bool operator==(const ClassicProtocol&) const = default;
  };
  /// Of a member that speaks the classic protocol in a consumer group.
  struct Classic {
    std::int32_t session_timeout_ms = 0;
    std::vector<ClassicProtocol> protocols;
    bool operator==(const Classic&) const = default;
  };
  struct Value {
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> subscribed_names;
    std::optional<std::string> subscribed_regex;
    std::int32_t rebalance_timeout_ms = -1;
    std::optional<std::string> server_assignor;
    std::optional<Classic> classic;
    bool operator==(const Value&) const = default;
  };
  std::string group;
  std::string member;
  std::optional<Value> value;
  bool operator==(const ConsumerMemberRecord&) const = default;
};

/// For which epoch the target assignment was made (key type 6).
struct ConsumerTargetEpochRecord {
  struct Value {
    std::int32_t assignment_epoch = 0;
    TimestampMs made_at{0};
    bool operator==(const Value&) const = default;
  };
  std::string group;
  std::optional<Value> value;
  bool operator==(const ConsumerTargetEpochRecord&) const = default;
};

/// What a member shall own (key type 7).
struct ConsumerTargetMemberRecord {
  std::string group;
  std::string member;
  std::optional<PartitionsById> value;
  bool operator==(const ConsumerTargetMemberRecord&) const = default;
};

/// What a member owns (key type 8).
struct ConsumerCurrentMemberRecord {
  /// As stored.
  enum class State : std::int8_t { stable = 0, unrevoked_partitions = 1, unreleased_partitions = 2, unknown = 127 };
  struct Value {
    std::int32_t member_epoch = 0;
    std::int32_t previous_member_epoch = 0;
    State state = State::stable;
    PartitionsById assigned;
    PartitionsById pending_revocation;
    PartitionEpochs assigned_epochs{};
    PartitionEpochs pending_epochs{};
    bool operator==(const Value&) const = default;
  };
  std::string group;
  std::string member;
  std::optional<Value> value;
  bool operator==(const ConsumerCurrentMemberRecord&) const = default;
};

/// What a pattern stands for (key type 16).
struct ConsumerRegexRecord {
  struct Value {
    std::vector<std::string> topics;
    std::int64_t version = 0;  ///< Of the metadata it was resolved against.
    TimestampMs resolved_at{0};
    bool operator==(const Value&) const = default;
  };
  std::string group;
  std::string regex;
  std::optional<Value> value;
  bool operator==(const ConsumerRegexRecord&) const = default;
};

/// A record whose key type nobody here speaks, of Kafka's (share and streams groups) or of a later version: left where it is.
struct ForeignRecord {
  std::int16_t key_type = 0;
  bool operator==(const ForeignRecord&) const = default;
};

using GroupRecord =
    std::variant<OffsetRecord, ClassicGroupRecord, ConsumerGroupRecord, ConsumerPartitionMetadataRecord, ConsumerMemberRecord,
                 ConsumerTargetEpochRecord, ConsumerTargetMemberRecord, ConsumerCurrentMemberRecord, ConsumerRegexRecord, ForeignRecord>;

/// A record as bytes; a tombstone has no value.
struct StoredRecord {
  OwnedBytes key;
  std::optional<OwnedBytes> value;
};

/// As Apache Kafka 4.4 writes them. Not for a foreign record, nor for partition metadata that is no tombstone. Texts are at most as long as
/// those of requests.
StoredRecord encode(const GroupRecord& record);

/// Reads every version there is of each. `Errc::corrupt`: not what it says it is; `unsupported`: a value's version that nobody here speaks.
/// Bytes are taken as hostile: memory follows their size. `value.data() == nullptr`: a tombstone. A key is exactly what `encode` makes of
/// it (of key type 0: but for the type), or compaction would keep two records that are one here. Bytes behind a value are passed over.
Result<GroupRecord> decode_group_record(Bytes key, Bytes value);

}  // namespace tidelog::broker
