#include "proto/error_code.h"
#include "proto/messages/list_offsets_request.h"
#include "proto/messages/list_offsets_response.h"
#include "proto/messages/produce_request.h"
#include "proto/record/builder.h"
#include "tests/attack/converse.h"
#include "tests/attack/dear.h"
#include "tests/attack/messages.h"

#include <algorithm>
#include <memory>

namespace tidelog::attack {
namespace {

using proto::ListOffsetsRequest;
using proto::ListOffsetsResponse;
using proto::ProduceRequest;

constexpr std::int16_t kProduceVersion = 9;
constexpr std::int16_t kListVersion = 10;  ///< The first that says how long it may take.
constexpr std::int64_t kRecordTime = 1'000'000;
constexpr std::int64_t kClaimedTime = 1'700'000'000'000;
constexpr std::int64_t kGreatestTime = -3;

/// Below the 16 MiB that are opened whatever a topic says.
constexpr std::size_t kOpenedBytes = (std::size_t{16} << 20) - 4096;

/// A batch whose header claims a later time than its records have, and that is as large as may be once it is opened.
std::string liar(proto::BatchBuilder& builder) {
  return as_string(builder.build({.codec = proto::Codec::gzip, .max_timestamp = TimestampMs{kClaimedTime}}));
}

/// One record that opens to all that is allowed.
std::string hollow_liar(std::size_t compressed_limit) {
  for (std::size_t size = kOpenedBytes;; size /= 2) {
    const std::string zeros(size, '\0');
    proto::BatchBuilder builder;
    builder.append({.timestamp = {kRecordTime}, .key = as_bytes("k"), .value = as_bytes(zeros)});
    if (std::string batch = liar(builder); batch.size() <= compressed_limit) return batch;
  }
}

/// Very many records, each of which has to be looked at.
std::string crowded_liar(std::size_t compressed_limit) {
  const std::string zeros(100, '\0');
  for (std::size_t size = kOpenedBytes;; size /= 2) {
    proto::BatchBuilder builder;
    const proto::NewRecord record{.timestamp = {kRecordTime}, .key = as_bytes("k"), .value = as_bytes(zeros)};
    while (builder.size_with(record) < size) builder.append(record);
    if (std::string batch = liar(builder); batch.size() <= compressed_limit) return batch;
  }
}

/// The same batch for `count` partitions from `first` on.
std::string produce_to(const std::string& topic, std::int32_t first, std::int32_t count, std::string_view batch) {
  std::vector<ProduceRequest::PartitionProduceData> partitions;
  for (std::int32_t i = first; i < first + count; ++i) partitions.push_back({.index = i, .records = {.bytes = as_bytes(batch)}});
  const std::vector<ProduceRequest::TopicProduceData> topics{{.name = topic, .partition_data = partitions}};
  return framed(ProduceRequest{.acks = -1, .timeout_ms = 10'000, .topic_data = topics}, kProduceVersion);
}

/// More than are opened in vain for one question, to each partition. Most are hollow, which costs little to send.
std::vector<std::string> all_bombs(const Knowledge& known) {
  constexpr int kRounds = 20, kRoundsPerCrowded = 5;
  constexpr std::int32_t kCrowdedAtOnce = 2;
  const std::string hollow = produce_to(known.times_topic, 0, kTimesPartitions, hollow_liar(known.message_max_bytes / kTimesPartitions));
  const std::string crowded = crowded_liar(known.message_max_bytes);
  std::vector<std::string> all;
  for (int round = 0; round < kRounds; ++round) {
    if (round % kRoundsPerCrowded != 0) {
      all.push_back(hollow);
      continue;
    }
    for (std::int32_t i = 0; i < kTimesPartitions; i += kCrowdedAtOnce) {
      all.push_back(produce_to(known.times_topic, i, kCrowdedAtOnce, crowded));
    }
  }
  return all;
}

std::string ask_everywhere(const std::string& topic, std::int64_t timestamp, Milliseconds longest) {
  std::vector<ListOffsetsRequest::ListOffsetsPartition> partitions;
  for (std::int32_t i = 0; i < kTimesPartitions; ++i) partitions.push_back({.partition_index = i, .timestamp = timestamp});
  const std::vector<ListOffsetsRequest::ListOffsetsTopic> topics{{.name = topic, .partitions = partitions}};
  const ListOffsetsRequest request{.topics = topics, .timeout_ms = static_cast<std::int32_t>(longest.count())};
  return framed(request, kListVersion);
}

/// Many ask for times that batches claim and do not have.
class TimeSieges {
 public:
  TimeSieges(const Battlefield& field, Tally& tally) : camp_(field, tally) {}

  void times_in_bombs() { look_up("times in bombs", kClaimedTime, 20); }
  void greatest_times() { look_up("greatest times", kGreatestTime, 21); }

  /// Until all that are under way have been answered, each behind those before it.
  [[nodiscard]] static Milliseconds lasts(const Deadlines& deadlines) { return kPipelined * deadlines.search + deadlines.slack; }

 private:
  static constexpr int kPipelined = 3;

  void look_up(const char* family, std::int64_t timestamp, std::uint8_t network);
  void lay_bombs(const char* family);
  /// Bombs that were taken at their word were not opened, and cost nothing.
  void hear(std::string_view payload);

  Camp camp_;
  bool has_bombs_ = false;
  bool was_one_opened_ = false;
  bool was_one_believed_ = false;
};

void TimeSieges::lay_bombs(const char* family) {
  if (has_bombs_) return;
  static constexpr const char* kLaying = "bombs are laid";
  const std::vector<std::string> bombs = all_bombs(camp_.known());
  std::vector<Socket> one = camp_.crowd({.family = kLaying, .count = 1, .network = 22});
  std::size_t laid = 0;
  const Exchange laying{.family = kLaying,
                        .next = [&](std::size_t) { return laid < bombs.size() ? bombs[laid++] : std::string(); },
                        .patience = camp_.deadlines().answer()};
  converse(one, laying, camp_.tally(), Clock::now() + camp_.deadlines().answer());
  has_bombs_ = camp_.tally().families()[kLaying].answered == bombs.size();
  if (!has_bombs_) camp_.tally().note_unproven(family, "not all bombs could be laid");
}

void TimeSieges::hear(std::string_view payload) {
  ListOffsetsResponse response;
  if (!read_answer(payload, kListVersion, response)) return;
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != 0) continue;
      was_one_opened_ = was_one_opened_ || partition.offset != 0;
      was_one_believed_ = was_one_believed_ || partition.offset == 0;
    }
  }
}

void TimeSieges::look_up(const char* family, std::int64_t timestamp, std::uint8_t network) {
  constexpr std::size_t kConnections = 60;
  lay_bombs(family);
  const std::string request = ask_everywhere(camp_.known().times_topic, timestamp, camp_.deadlines().search);
  std::vector<Socket> sockets = camp_.crowd({.family = family, .count = kConnections, .network = network, .per_address = 4});
  std::vector<int> asked(sockets.size());
  const Exchange asking{.family = family,
                        .next = [&](std::size_t who) { return asked[who]++ < kPipelined ? request : std::string(); },
                        .hear = [this](std::size_t, std::string_view payload) { hear(payload); },
                        .lawful = {static_cast<std::int16_t>(ErrorCode::request_timed_out)},
                        .pipelined = kPipelined,
                        .patience = camp_.deadlines().search + camp_.deadlines().slack};
  was_one_opened_ = was_one_believed_ = false;
  converse(sockets, asking, camp_.tally(), Clock::now() + camp_.deadlines().slack);
  if (was_one_believed_ && !was_one_opened_) camp_.tally().note_unproven(family, "the first bomb was believed instead of opened");
}

}  // namespace

std::vector<Siege> time_sieges(const Battlefield& field, Tally& tally) {
  const auto sieges = std::make_shared<TimeSieges>(field, tally);
  const Milliseconds lasts = TimeSieges::lasts(field.deadlines);
  return {{.name = "times in bombs", .lasts = lasts, .run = [sieges] { sieges->times_in_bombs(); }},
          {.name = "greatest times", .lasts = lasts, .run = [sieges] { sieges->greatest_times(); }}};
}

}  // namespace tidelog::attack
