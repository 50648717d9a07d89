#pragma once

#include "broker/env/env.h"
#include "broker/metadata/image.h"
#include "proto/messages/fetch_request.h"

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tidelog::broker {

/// One partition a fetch asks for, as the client last said, and what it was last told.
struct FetchItem {
  std::shared_ptr<const std::string> topic;  ///< As the client names it, versions up to 12. One for all that a request asks of the topic.
  TopicPartition id;                         ///< With the client's topic id from version 13 on, else resolved from the name each time.
  std::int64_t fetch_offset = 0;
  std::int32_t max_bytes = 0;
  std::int32_t current_leader_epoch = -1;
  std::int32_t last_fetched_epoch = -1;
  std::int64_t told_high_watermark = -1;
  std::int64_t told_log_start = -1;
};

/// What a client fetches, kept between its requests so that each one tells only what changed (KIP-227).
/// A session belongs to its connection (R14): any other connection gets FETCH_SESSION_ID_NOT_FOUND.
/// Items are ordered by the turn they are served in: one that returned data goes to the end, so that none starves.
class FetchSession {
 public:
  /// Views the name in the item.
  struct Key {
    std::string_view topic;
    TopicPartition id;
    std::uint64_t topic_hash = 0;  ///< Once for all that a request asks of the topic, since names may be long. 0: there is no index.
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return KeyedHash::with(key.topic_hash, std::hash<TopicPartition>{}(key.id)); }
  };

  FetchSession(std::int32_t id, bool by_id, SteadyTime now) : id_(id), by_id_(by_id), created_(now), last_used_(now) {}
  FetchSession(const FetchSession&) = delete;
  FetchSession& operator=(const FetchSession&) = delete;

  [[nodiscard]] std::int32_t id() const { return id_; }
  [[nodiscard]] bool uses_topic_ids() const { return by_id_; }
  [[nodiscard]] SteadyTime created() const { return created_; }
  [[nodiscard]] SteadyTime last_used() const { return last_used_; }
  void touch(SteadyTime now) { last_used_ = now; }
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }
  /// After each incremental answer; wraps to 1, since 0 means "start a session".
  void next_epoch() { epoch_ = epoch_ == INT32_MAX ? 1 : epoch_ + 1; }

  /// Adds or changes what the request names, then removes what it forgets.
  void update(const proto::FetchRequest& request);
  [[nodiscard]] std::list<FetchItem>& items() { return items_; }
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  /// About what it takes in memory.
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }
  void move_to_end(std::list<FetchItem>::iterator item) { items_.splice(items_.end(), items_, item); }

 private:
  using Items = std::list<FetchItem>;

  /// For keys of a topic of which a request names so many partitions.
  [[nodiscard]] std::uint64_t hash_of(std::string_view topic, std::size_t partitions) const;
  /// The end if there is none.
  Items::iterator find(const Key& key);
  void add_to_index(Items::iterator item, std::uint64_t topic_hash) {
    index_.emplace(Key{.topic = *item->topic, .id = item->id, .topic_hash = topic_hash}, item);
  }
  /// `name` is made when the first item needs it.
  FetchItem& item_for(const Key& key, std::shared_ptr<const std::string>& name);
  void forget(const Key& key);
  static std::size_t size_of(const FetchItem& item);

  std::int32_t id_;
  bool by_id_;
  SteadyTime created_;
  SteadyTime last_used_;
  std::int32_t epoch_ = 1;
  std::size_t size_bytes_ = 0;
  Items items_;
  /// Of all items, or of none while they are so few that a look at each is quicker.
  std::unordered_map<Key, Items::iterator, KeyHash> index_;
};

}  // namespace tidelog::broker
