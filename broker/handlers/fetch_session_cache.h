#pragma once

#include "broker/handlers/fetch_session.h"

#include <memory>
#include <unordered_map>

namespace tidelog::broker {

/// The fetch sessions of one shard's connections: at most so many, in at most so much memory (KIP-227).
///
/// When there is no room, a session makes way that nobody used for two minutes; failing that, the smallest one, if it has lived for two
/// minutes and is no larger than the new one: a session saves the more the larger it is. Whoever loses a session is told
/// FETCH_SESSION_ID_NOT_FOUND once and starts another; whoever gets none goes on with full fetches. Both are legal at any time.
///
/// Thread: its shard. Life: that of the dispatcher. A session that was closed lives on in the request that uses it.
class FetchSessionCache {
 public:
  FetchSessionCache(std::size_t slots, std::size_t max_bytes) : slots_(slots), max_bytes_(max_bytes) {}

  /// A new session for `partitions` partitions, to be filled by `update`; null if there is no room. `random` makes its id hard to guess.
  std::shared_ptr<FetchSession> open(std::int32_t random, bool by_id, std::size_t partitions, SteadyTime now);
  /// Null if there is none, or no longer.
  [[nodiscard]] std::shared_ptr<FetchSession> find(std::int32_t id) const;
  /// Brings the session up to date with the request. False: it is closed now, because it is empty or there is no room for what it became.
  bool update(FetchSession& session, const proto::FetchRequest& request, SteadyTime now);
  void close(std::int32_t id);

  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  bool make_way_for(std::size_t partitions, std::int32_t keep, SteadyTime now);

  std::size_t slots_;
  std::size_t max_bytes_;
  std::size_t size_bytes_ = 0;
  std::unordered_map<std::int32_t, std::shared_ptr<FetchSession>> sessions_;
};

}  // namespace tidelog::broker
