// What a consumer does in a group.
#include "client/consumer/consumer_core.h"

#include <algorithm>

namespace tidelog::core {
namespace {

error no_group() { return error(errc::invalid_argument, "the consumer is not in a group").set_hint("set group.id, and subscribe"); }

}  // namespace

result<void> ConsumerCore::subscribe(const subscription& what) {
  const Settings& settings = client_->settings();
  if (settings.group_id.empty()) return error(errc::invalid_config, "no group is named").set_hint("set group.id");
  if (what.topics().empty() && !what.pattern()) return error(errc::invalid_argument, "no topic is named");
  std::shared_ptr<const TopicFilter> filter;
  if (what.pattern()) {
    auto compiled = TopicFilter::compile(*what.pattern());
    if (!compiled) return compiled.error();
    filter = *std::move(compiled);
  }
  const bool beats_too_rarely =
      settings.group_protocol == GroupProtocol::classic && settings.heartbeat_interval >= settings.session_timeout;
  if (beats_too_rarely) return error(errc::invalid_config, "heartbeat.interval.ms is not below session.timeout.ms");
  leave_group();
  replace({});
  forget_errors();
  group_ = std::make_unique<GroupReader>(client_, state_, what, std::move(filter));
  client_->loop().run_and_wait([this] { fetcher_->set_reset(group_->reset()); });
  result<void> started = group_->start(client_->api_deadline());
  if (!started) leave_group();
  return started;
}

void ConsumerCore::leave_group() {
  group_.reset();
  const std::lock_guard lock(state_->mutex);
  state_->has_change = state_->waits_for_poll = false;
  state_->polled_at.reset();
}

result<void> ConsumerCore::serve_group(TimePoint deadline) {
  if (!group_) return {};
  group_->polled();
  if (!group_->has_change()) {
    group_->commit_now_and_then(assigned_, deadline);
    return {};
  }
  return group_->follow(assigned_, [this](GroupReader::Partitions partitions) { replace(std::move(partitions)); });
}

void ConsumerCore::wait_for_change(TimePoint deadline) {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait_until(lock, deadline, [this] { return state_->has_change; });
}

result<void> ConsumerCore::commit() {
  if (!group_) return no_group();
  return group_->commit(positions_of(assigned_), client_->api_deadline());
}

result<void> ConsumerCore::commit(const std::vector<group_offset>& offsets) {
  if (!group_) return no_group();
  return group_->commit(offsets, client_->api_deadline());
}

result<void> ConsumerCore::close() {
  result<void> closed;
  if (group_) closed = group_->close(assigned_, [this](GroupReader::Partitions partitions) { replace(std::move(partitions)); });
  leave_group();
  replace({});
  return closed;
}

std::vector<topic_partition> ConsumerCore::assigned() const {
  std::vector<topic_partition> all;
  for (const auto& each : assigned_) all.emplace_back(*each->topic, each->index);
  std::ranges::sort(all);
  return all;
}

}  // namespace tidelog::core
