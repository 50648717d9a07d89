#include "broker/group/consumer_group.h"
#include "broker/group/topic_pattern.h"

#include <algorithm>
#include <utility>

// What patterns of members stand for (SubscribedTopicRegex). All of it is kept in memory; its record has as much as `part_to_store` leaves,
// so that it fits a batch whatever topics there are. The record only spares a new coordinator the work, which looks at all topics again
// anyway.

namespace tidelog::broker {

/// A pattern that nobody had so far.
Result<void, Refusal> ConsumerGroup::admit_pattern(const std::string& regex, Draft& draft, const Step& step) const {
  if (regex.empty() || members_.subscriptions().resolved(regex) != nullptr) return {};
  const Result<TopicPattern, std::string> pattern = TopicPattern::compile(regex);
  if (!pattern) {
    return Refusal{.error = ErrorCode::invalid_regular_expression,
                   .message = "SubscribedTopicRegex is not a pattern: " + pattern.error() + "."};
  }
  if (members_.subscriptions().all_resolved().size() >= kMostPatterns) {
    return Refusal{.error = ErrorCode::invalid_request,
                   .message = "The group has " + std::to_string(kMostPatterns) + " different SubscribedTopicRegex, and may have no more."};
  }
  std::vector<std::string> matched = matching_topics(*pattern, step.topics);
  if (!step.admits_growth(0, bytes_beside(matched))) {
    return Refusal{.error = ErrorCode::group_max_size_reached,
                   .message = "Groups have no memory left for the topics of SubscribedTopicRegex (group.memory.bytes)."};
  }
  draft.change.resolved.emplace(regex, std::move(matched));
  return {};
}

/// What the patterns that stay stand for now that topics changed.
void ConsumerGroup::refresh_patterns(Draft& draft, const TopicsView& topics) const {
  for (const std::string& regex : members_.subscriptions().patterns_after(draft.change)) {
    if (draft.change.resolved.contains(regex)) continue;
    std::optional<std::vector<std::string>> matched = resolve(regex, topics);
    const std::vector<std::string>* known = members_.subscriptions().resolved(regex);
    const bool is_news = matched && (known == nullptr || *known != *matched);
    if (is_news) draft.change.resolved.emplace(regex, *std::move(matched));
  }
}

/// Patterns need not change together: one for which the batch of the draft has no room goes before it, by itself. If that is all that
/// happens, the hash of the topics still tells that the group has to be assigned anew.
Result<void, Refusal> ConsumerGroup::store_patterns_ahead(Draft& draft, Step& step) {
  std::map<std::string, std::vector<std::string>>& resolved = draft.change.resolved;
  std::size_t left = kMostStoredBytes;
  for (auto at = resolved.begin(); at != resolved.end();) {
    const std::size_t bytes = std::min(bytes_of_names(at->second), kMostStoredBytes);
    // What a member brings along comes to be with the member.
    const bool is_of_draft = draft.change.more && draft.change.more->regex == at->first;
    if (is_of_draft || bytes <= left) {
      left -= std::min(left, bytes);
      ++at;
      continue;
    }
    const GroupRecord record = record_of(at->first, at->second, step);
    if (Result<void, Refusal> done = commit({&record, 1}, step); !done) return done;
    members_.subscriptions().set_resolved(at->first, std::move(at->second));
    at = resolved.erase(at);
  }
  return {};
}

GroupRecord ConsumerGroup::record_of(const std::string& regex, const std::vector<std::string>& topics, const Step& step) const {
  return ConsumerRegexRecord{
      .group = name_,
      .regex = regex,
      .value = ConsumerRegexRecord::Value{
          .topics = part_to_store(topics), .version = static_cast<std::int64_t>(step.topics.version()), .resolved_at = step.wall_clock}};
}

/// After a replay: the rest of what was cut when it was stored. If topics came or went meanwhile among those that were stored, the next
/// heartbeat finds out.
void ConsumerGroup::complete_patterns(const TopicsView& topics) {
  std::map<std::string, std::vector<std::string>> whole;
  for (const auto& [regex, known] : members_.subscriptions().all_resolved()) {
    if (bytes_of_names(known) + kMostTopicBytes <= kMostStoredBytes) continue;
    std::optional<std::vector<std::string>> matched = resolve(regex, topics);
    if (matched && matched->size() > known.size() && part_to_store(*matched) == known) whole.emplace(regex, *std::move(matched));
  }
  for (auto& [regex, matched] : whole) members_.subscriptions().set_resolved(regex, std::move(matched));
}

}  // namespace tidelog::broker
