#pragma once

#include "proto/base/types.h"
#include "proto/record/batch.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tidelog::storage {

enum class TransactionEnd : std::uint8_t { commit, abort };

/// How the transactions of a log ended, as its markers say.
class TransactionEnds {
 public:
  /// A marker; they come in the order of the log.
  void note(ProducerId producer, Offset marker, TransactionEnd end) { ends_[producer.value].push_back({marker, end}); }
  /// The end of the transaction that a batch of this producer at `offset` belongs to: that of the first marker behind it. Nothing: it is
  /// open.
  [[nodiscard]] std::optional<TransactionEnd> end_of(ProducerId producer, Offset offset) const;

 private:
  struct Marker {
    Offset offset;
    TransactionEnd end;
  };
  std::unordered_map<std::int64_t, std::vector<Marker>> ends_;
};

/// What a control batch says, if it ends a transaction; its records are few and not compressed, but taken as hostile all the same.
Result<std::optional<TransactionEnd>> transaction_end(const proto::BatchView& control);

}  // namespace tidelog::storage
