#pragma once

#include "broker/handlers/groups/group_lag.h"

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// What one request asks about lag. What it names again is the same question: it costs a search once, however often it is named.
class LagQuestions {
 public:
  /// The place of its answer in `queries`.
  std::size_t ask(const LagQuery& query) {
    const auto [known, is_new] = places_.try_emplace({query.id, query.committed}, queries_.size());
    if (is_new) queries_.push_back(query);
    return known->second;
  }
  [[nodiscard]] std::vector<LagQuery>& queries() { return queries_; }

 private:
  std::vector<LagQuery> queries_;
  std::map<std::pair<TopicPartition, Offset>, std::size_t> places_;
};

}  // namespace tidelog::broker
