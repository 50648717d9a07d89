#pragma once

#include "broker/quota/spent_lately.h"

#include <cstdint>
#include <set>
#include <tuple>
#include <unordered_map>

namespace tidelog::broker {

/// Those who wait for something, the one with the least score first, and of equals the one that came first. Each has something of its own.
template <class Belongings>
class LeastFirst {
 public:
  using Score = SpentLately::Score;

  [[nodiscard]] bool empty() const { return order_.empty(); }
  [[nodiscard]] const NameDigest& first() const { return std::get<NameDigest>(*order_.begin()); }
  [[nodiscard]] bool has(const NameDigest& who) const { return entries_.contains(who); }
  /// Needs it to be there.
  [[nodiscard]] Belongings& at(const NameDigest& who) { return entries_.at(who).belongings; }

  /// Of `who`, who comes with this score and number if it is not there yet.
  Belongings& add(const NameDigest& who, Score score, std::uint64_t number) {
    const auto [entry, is_new] = entries_.try_emplace(who, Entry{.score = score, .number = number, .belongings = {}});
    if (is_new) order_.insert({score, number, who});
    return entry->second.belongings;
  }

  /// Nothing if it is not there.
  void rescore(const NameDigest& who, Score score) {
    const auto found = entries_.find(who);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    order_.erase({entry.score, entry.number, who});
    entry.score = score;
    order_.insert({entry.score, entry.number, who});
  }

  void remove(const NameDigest& who) {
    const auto found = entries_.find(who);
    order_.erase({found->second.score, found->second.number, who});
    entries_.erase(found);
  }

 private:
  struct Entry {
    Score score;
    std::uint64_t number;
    Belongings belongings;
  };
  std::unordered_map<NameDigest, Entry, NameDigestHash> entries_;
  std::set<std::tuple<Score, std::uint64_t, NameDigest>> order_;
};

}  // namespace tidelog::broker
