#include "broker/handlers/fetch_session_cache.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

constexpr SteadyTime kSafeFor = std::chrono::minutes(2);

}  // namespace

std::shared_ptr<FetchSession> FetchSessionCache::open(std::int32_t random, bool by_id, std::size_t partitions, SteadyTime now) {
  if (slots_ == 0) return nullptr;
  if (sessions_.size() >= slots_ && !make_way_for(partitions, 0, now)) return nullptr;
  std::int32_t id = std::max(1, random & INT32_MAX);
  while (sessions_.contains(id)) id = id == INT32_MAX ? 1 : id + 1;
  auto session = std::make_shared<FetchSession>(id, by_id, now);
  sessions_.emplace(id, session);
  return session;
}

std::shared_ptr<FetchSession> FetchSessionCache::find(std::int32_t id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second;
}

bool FetchSessionCache::update(FetchSession& session, const proto::FetchRequest& request, SteadyTime now) {
  size_bytes_ -= session.size_bytes();
  session.update(request);
  size_bytes_ += session.size_bytes();
  session.touch(now);
  bool fits = session.size() > 0;
  while (fits && size_bytes_ > max_bytes_) fits = make_way_for(session.size(), session.id(), now);
  if (!fits) close(session.id());
  return fits;
}

void FetchSessionCache::close(std::int32_t id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  size_bytes_ -= found->second->size_bytes();
  sessions_.erase(found);
}

/// Closes one session other than `keep`, if one may be closed for the sake of a session with so many partitions.
bool FetchSessionCache::make_way_for(std::size_t partitions, std::int32_t keep, SteadyTime now) {
  const FetchSession* oldest = nullptr;
  const FetchSession* smallest = nullptr;
  // A look at each: there are a thousand at most by default, and room is made once in the life of a session.
  for (const auto& [id, session] : sessions_) {
    if (id == keep) continue;
    if (oldest == nullptr || session->last_used() < oldest->last_used()) oldest = session.get();
    const bool is_settled = now - session->created() > kSafeFor;
    if (is_settled && (smallest == nullptr || session->size() < smallest->size())) smallest = session.get();
  }
  if (oldest != nullptr && now - oldest->last_used() > kSafeFor) return close(oldest->id()), true;
  if (smallest == nullptr || smallest->size() > partitions) return false;
  close(smallest->id());
  return true;
}

}  // namespace tidelog::broker
