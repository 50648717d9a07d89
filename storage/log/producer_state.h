#pragma once

#include "proto/base/keyed_hash.h"
#include "storage/compaction/last_batches.h"
#include "storage/log/batch_header.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace tidelog::storage {

/// What the state says of a batch that wants in.
enum class ProducerVerdict : std::uint8_t {
  fresh,          ///< Append it.
  duplicate,      ///< Appended already: answer success with the original's offset once that is durable (R2).
  out_of_order,   ///< OUT_OF_ORDER_SEQUENCE_NUMBER
  invalid_epoch,  ///< INVALID_PRODUCER_EPOCH
};

struct ProducerCheck {
  ProducerVerdict verdict = ProducerVerdict::fresh;
  Offset base_offset{-1};  ///< Of the original, for `duplicate` only, as the next two.
  Offset last_offset{-1};
  TimestampMs timestamp{-1};  ///< Max timestamp of the original.
};

/// One remembered batch. The first sequence follows from the last and the offset delta, as in Kafka's snapshot.
struct ProducerBatch {
  std::int32_t last_sequence = -1;
  std::int32_t offset_delta = 0;
  Offset last_offset{-1};
  TimestampMs timestamp{-1};
  [[nodiscard]] std::int32_t first_sequence() const;
  [[nodiscard]] Offset base_offset() const { return last_offset - offset_delta; }
};

/// A line of a snapshot: a batch of a producer. Several lines of one producer stand oldest first.
struct ProducerEntry {
  ProducerId id{-1};
  std::int16_t epoch = -1;
  ProducerBatch batch;
};

/// Idempotence per log: for each producer id its epoch and last five batches (kafka-protocol rules: the sequence wraps from 2^31-1 to 0, a
/// new epoch starts at 0 unless nothing is known, a duplicate is an exact match of first and last sequence among the five).
/// A pass first stages what it will append, so that its later batches are checked against its earlier ones; only what was written is
/// applied. Invariant: at most `max_producers` ids; the least recently used goes first.  Thread: the owner's.
class ProducerStates {
 public:
  static constexpr std::size_t kWindow = 5;

  explicit ProducerStates(std::size_t max_producers) : max_producers_(max_producers) {}
  ProducerStates(const ProducerStates&) = delete;
  ProducerStates& operator=(const ProducerStates&) = delete;

  /// Judges a batch against what was applied and staged. A fresh one is staged as if appended at `base`.
  ProducerCheck check_and_stage(const BatchHeader& batch, Offset base);
  void drop_staged();
  /// Drops what was staged because it could not be written. A producer of whom nothing is known must come with the same sequence again:
  /// the batches behind the failed one are under way already, and the first of them would be taken for a beginning, out of order for good.
  void refuse_staged();

  /// Takes over a batch that stands in the log, unchecked: append, recovery and replicas alike.
  void apply(const BatchHeader& batch);
  void load(const ProducerEntry& entry);

  /// Forgets producers unused for `expiration_ms`. Use is counted in time of this process: record timestamps may be years old.
  void expire(TimestampMs now, std::int64_t expiration_ms);
  void clear();

  [[nodiscard]] std::size_t size() const { return producers_.size(); }
  /// All remembered batches, least recently used producer first.
  [[nodiscard]] std::vector<ProducerEntry> entries() const;
  /// Of each producer the newest remembered batch that ends below `limit`; none for a producer whose batches all lie above.
  [[nodiscard]] LastBatches newest_below(Offset limit) const;

 private:
  struct Producer {
    ProducerId id{-1};
    std::int16_t epoch = -1;
    std::uint8_t count = 0;
    std::uint8_t newest = 0;
    std::int32_t staged = -1;            ///< Index of its newest entry in `staged_`.
    std::int16_t refused_epoch = -1;     ///< Of a batch that could not be written while nothing was known; -1: there is none.
    std::int32_t refused_sequence = -1;  ///< What it began with.
    TimestampMs last_used{0};            ///< Time of the last `expire` before its last use; 0: none yet.
    Producer* older = nullptr;
    Producer* younger = nullptr;
    std::array<ProducerBatch, kWindow> batches{};
    void push(const ProducerBatch& batch);
    [[nodiscard]] const ProducerBatch* last() const { return count == 0 ? nullptr : &batches[newest]; }
  };
  struct Staged {
    Producer* producer = nullptr;
    std::int32_t previous = -1;  ///< The one staged before for the same producer.
    std::int16_t epoch = -1;
    ProducerBatch batch;
  };

  [[nodiscard]] ProducerCheck judge(const Producer& producer, const BatchHeader& batch) const;
  [[nodiscard]] const ProducerBatch* find_duplicate(const Producer& producer, const BatchHeader& batch) const;
  void stage(const BatchHeader& batch, Offset base);
  Producer& touch(ProducerId id);
  void unlink(Producer& producer);
  void link_youngest(Producer& producer);
  void erase(Producer& producer);
  void make_room();

  std::size_t max_producers_;
  std::unordered_map<std::int64_t, Producer, KeyedHasher> producers_;  ///< Node based: the list below points into it.
  Producer* oldest_ = nullptr;
  Producer* youngest_ = nullptr;
  std::vector<Staged> staged_;
  TimestampMs clock_{0};
};

}  // namespace tidelog::storage
