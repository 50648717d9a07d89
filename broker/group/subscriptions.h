#pragma once

#include "broker/group/ports.h"
#include "broker/group/records.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Topics by their names, and by a pattern (empty: none). Names rise.
struct Wish {
  std::vector<std::string> names;
  std::string regex;
  auto operator<=>(const Wish&) const = default;
};

/// Who wants which topics. Most members of a group want the same, so each wish is kept once and its members are counted: what is worked out
/// from the wishes costs as much as there are different ones.
class Subscriptions {
 public:
  struct Shared {
    Wish wish;
    mutable std::size_t members = 0;
    bool operator<(const Shared& other) const { return wish < other.wish; }
  };

  /// Wishes that go and that come, before they do.
  struct Change {
    std::vector<const Shared*> less;  ///< One for each member that goes.
    std::optional<Wish> more;
    std::map<std::string, std::vector<std::string>> resolved;  ///< What patterns stand for from now on.
  };

  const Shared& add(Wish wish);
  void remove(const Shared& shared);
  /// What a pattern stands for.
  void set_resolved(const std::string& regex, std::optional<std::vector<std::string>> topics);

  /// What wishes and what patterns stand for take in memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const std::vector<std::string>* resolved(const std::string& regex) const;
  [[nodiscard]] const std::map<std::string, std::vector<std::string>>& all_resolved() const { return resolved_; }
  [[nodiscard]] bool wants(const Wish& wish, std::string_view topic) const;
  [[nodiscard]] bool anyone_wants(std::string_view topic) const;
  /// The topics of a wish that there are.
  [[nodiscard]] std::vector<TopicFacts> topics_of(const Wish& wish, const TopicsView& topics) const;

  /// Whether other topics may be wanted after the change than before.
  [[nodiscard]] bool alters(const Change& change) const;
  [[nodiscard]] std::set<std::string> patterns_after(const Change& change) const;
  /// The topics that there are and that somebody wants, in the order of their names.
  [[nodiscard]] std::vector<TopicFacts> topics_after(const Change& change, const TopicsView& topics) const;

 private:
  [[nodiscard]] std::vector<const Wish*> wishes_after(const Change& change) const;

  std::set<Shared> wishes_;
  std::map<std::string, std::vector<std::string>> resolved_;
  std::size_t bytes_ = 0;
};

/// What tells whether a group must be assigned anew when topics changed: over ids and partition counts, the same on every machine. 0: of no
/// topics.
std::int64_t metadata_hash(const std::vector<TopicFacts>& topics);

inline constexpr std::size_t kMostTopicBytes = 249 + sizeof(std::int16_t);  ///< Of a topic's name, as it is stored.
/// Of what one pattern stands for: a record has to fit a batch beside a member's, and each change of topics may write one for each pattern.
inline constexpr std::size_t kMostStoredBytes = 64UL * 1024;

class TopicPattern;

/// The topics a pattern stands for, in the order of their names.
std::vector<std::string> matching_topics(const TopicPattern& pattern, const TopicsView& topics);
/// The same of its text. Nothing: RE2 does not take the pattern (another broker took it).
std::optional<std::vector<std::string>> resolve(const std::string& regex, const TopicsView& topics);
/// The first ones of them, up to `kMostStoredBytes`.
std::vector<std::string> part_to_store(const std::vector<std::string>& topics);
/// What all of them come to when they are stored.
std::size_t bytes_of_names(const std::vector<std::string>& topics);

}  // namespace tidelog::broker
