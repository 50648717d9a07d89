#pragma once

#include "broker/group/memory.h"
#include "proto/base/types.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace tidelog::broker {

/// The names of topics that offsets were committed for, each kept once however many groups read it. Topics of one name and different ids
/// are different ones: the name was given again.
/// Invariant: a topic is here as long as it was taken more often than released.
class TopicPool {
 public:
  struct Name {
    std::string name;
    Uuid id;  ///< Zero: not known.
  };
  /// A topic, and by how many offsets it is used. Stays where it is until it is released for the last time.
  using Topic = std::pair<const Name, std::size_t>;

  TopicPool() = default;
  TopicPool(const TopicPool&) = delete;
  TopicPool& operator=(const TopicPool&) = delete;

  Topic* take(std::string_view name, const Uuid& id) {
    if (const auto found = topics_.find(std::pair(name, id)); found != topics_.end()) return take(&*found);
    Topic* const added = &*topics_.emplace(Name{.name = std::string(name), .id = id}, 0).first;
    bytes_ += bytes_of(*added);
    return take(added);
  }
  static Topic* take(Topic* topic) { return ++topic->second, topic; }
  void release(Topic* topic) {
    if (--topic->second != 0) return;
    bytes_ -= bytes_of(*topic);
    topics_.erase(topics_.find(topic->first));
  }
  [[nodiscard]] std::size_t size() const { return topics_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct ByName {
    using is_transparent = void;
    using View = std::pair<std::string_view, Uuid>;
    static View view(const Name& topic) { return {topic.name, topic.id}; }
    static View view(const View& topic) { return topic; }
    bool operator()(const auto& a, const auto& b) const { return view(a) < view(b); }
  };
  static std::size_t bytes_of(const Topic& topic) { return sizeof(Topic) + kNodeBytes + bytes_beside(topic.first.name); }

  std::map<Name, std::size_t, ByName> topics_;
  std::size_t bytes_ = 0;
};

}  // namespace tidelog::broker
