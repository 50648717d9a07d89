#pragma once

#include "proto/base/types.h"

#include <map>
#include <string>
#include <vector>

namespace tidelog::sim {

enum class Outcome : std::uint8_t {
  unknown,  ///< No answer, or one that promises nothing: it may be there or not.
  acked,
  refused,  ///< The broker said that it is not there.
};

/// One record a producer sent. Its value is its name: no two are alike.
struct SentRecord {
  int producer = 0;
  int partition = 0;
  std::int64_t number = 0;  ///< Counts what this producer sent to this partition.
  bool is_idempotent = false;
  bool needs_all = false;  ///< acks=all.
  Outcome outcome = Outcome::unknown;
  std::int64_t offset = -1;  ///< Where the broker said it is; -1: it did not say.
};

struct PartitionOffset {
  int partition = 0;
  std::int64_t offset = 0;
  auto operator<=>(const PartitionOffset&) const = default;
};

/// Everything clients were told during a run. Contradictions among what they were told are noted as they come.
struct History {
  std::map<std::string, SentRecord> sent;
  std::map<PartitionOffset, std::string> fetched;
  std::map<std::int64_t, int> producer_ids;  ///< Which producer was given which id.
  std::map<int, std::int64_t> highest_ack;   ///< By partition.
  std::vector<std::string> violations;

  void note_fetched(PartitionOffset at, const std::string& value) {
    const auto [known, is_new] = fetched.try_emplace(at, value);
    if (!is_new && known->second != value) {
      violations.push_back("offset " + std::to_string(at.offset) + " of partition " + std::to_string(at.partition) + " was read as " +
                           known->second.substr(0, 40) + " and later as " + value.substr(0, 40));
    }
  }
  void note_producer_id(std::int64_t id, int producer) {
    const auto [known, is_new] = producer_ids.try_emplace(id, producer);
    if (!is_new && known->second != producer) violations.push_back("producer id " + std::to_string(id) + " was given out twice");
  }
};

}  // namespace tidelog::sim
