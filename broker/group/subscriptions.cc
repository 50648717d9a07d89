#include "broker/group/subscriptions.h"

#include "broker/group/memory.h"
#include "broker/group/topic_pattern.h"
#include "proto/base/sip_hash.h"

#include <algorithm>
#include <cstring>

namespace tidelog::broker {

namespace {

std::size_t bytes_of(const Subscriptions::Shared& shared) {
  return sizeof(shared) + kNodeBytes + bytes_beside(shared.wish.names) + bytes_beside(shared.wish.regex);
}

std::size_t bytes_of(const std::pair<const std::string, std::vector<std::string>>& resolved) {
  return sizeof(resolved) + kNodeBytes + bytes_beside(resolved.first) + bytes_beside(resolved.second);
}

}  // namespace

const Subscriptions::Shared& Subscriptions::add(Wish wish) {
  const auto [at, is_new] = wishes_.insert({.wish = std::move(wish)});
  if (is_new) bytes_ += bytes_of(*at);
  ++at->members;
  return *at;
}

void Subscriptions::remove(const Shared& shared) {
  if (--shared.members != 0) return;
  bytes_ -= bytes_of(shared);
  wishes_.erase(wishes_.find(shared));
}

void Subscriptions::set_resolved(const std::string& regex, std::optional<std::vector<std::string>> topics) {
  if (const auto before = resolved_.find(regex); before != resolved_.end()) {
    bytes_ -= bytes_of(*before);
    resolved_.erase(before);
  }
  if (!topics) return;
  std::ranges::sort(*topics);
  bytes_ += bytes_of(*resolved_.emplace(regex, std::move(*topics)).first);
}

const std::vector<std::string>* Subscriptions::resolved(const std::string& regex) const {
  const auto found = resolved_.find(regex);
  return found == resolved_.end() ? nullptr : &found->second;
}

bool Subscriptions::wants(const Wish& wish, std::string_view topic) const {
  if (std::ranges::binary_search(wish.names, topic)) return true;
  const std::vector<std::string>* matched = wish.regex.empty() ? nullptr : resolved(wish.regex);
  return matched != nullptr && std::ranges::binary_search(*matched, topic);
}

bool Subscriptions::anyone_wants(std::string_view topic) const {
  return std::ranges::any_of(wishes_, [&](const Shared& one) { return wants(one.wish, topic); });
}

std::vector<TopicFacts> Subscriptions::topics_of(const Wish& wish, const TopicsView& topics) const {
  std::vector<TopicFacts> found;
  const auto look_up = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (const std::optional<TopicFacts> facts = topics.find(name)) found.push_back(*facts);
    }
  };
  look_up(wish.names);
  if (const std::vector<std::string>* matched = wish.regex.empty() ? nullptr : resolved(wish.regex)) look_up(*matched);
  return found;
}

std::vector<const Wish*> Subscriptions::wishes_after(const Change& change) const {
  std::map<const Shared*, std::size_t> gone;
  for (const Shared* one : change.less) ++gone[one];
  std::vector<const Wish*> left;
  for (const Shared& one : wishes_) {
    const auto found = gone.find(&one);
    if (found == gone.end() || found->second < one.members) left.push_back(&one.wish);
  }
  if (change.more) left.push_back(&*change.more);
  return left;
}

bool Subscriptions::alters(const Change& change) const {
  if (!change.resolved.empty()) return true;
  if (change.more && !wishes_.contains({.wish = *change.more})) return true;
  if (change.less.empty()) return false;
  std::map<const Shared*, std::size_t> gone;
  for (const Shared* one : change.less) ++gone[one];
  return std::ranges::any_of(gone, [](const auto& one) { return one.second >= one.first->members; });
}

std::set<std::string> Subscriptions::patterns_after(const Change& change) const {
  std::set<std::string> patterns;
  for (const Wish* wish : wishes_after(change)) {
    if (!wish->regex.empty()) patterns.insert(wish->regex);
  }
  return patterns;
}

std::vector<TopicFacts> Subscriptions::topics_after(const Change& change, const TopicsView& topics) const {
  std::set<std::string_view> names;
  for (const Wish* wish : wishes_after(change)) {
    names.insert(wish->names.begin(), wish->names.end());
    if (wish->regex.empty()) continue;
    const auto fresh = change.resolved.find(wish->regex);
    const std::vector<std::string>* matched = fresh != change.resolved.end() ? &fresh->second : resolved(wish->regex);
    if (matched != nullptr) names.insert(matched->begin(), matched->end());
  }
  std::vector<TopicFacts> found;
  for (const std::string_view name : names) {
    if (const std::optional<TopicFacts> facts = topics.find(name)) found.push_back(*facts);
  }
  return found;
}

std::int64_t metadata_hash(const std::vector<TopicFacts>& topics) {
  if (topics.empty()) return 0;
  std::vector<std::byte> bytes;
  for (const TopicFacts& topic : topics) {
    bytes.insert(bytes.end(), topic.id.bytes.begin(), topic.id.bytes.end());
    for (std::size_t shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<std::byte>(static_cast<std::uint32_t>(topic.partitions) >> shift));
    }
  }
  // No secret: every broker that leads the group must come to the same number.
  const auto hash = static_cast<std::int64_t>(sip_hash(HashSecret{}, bytes).low);
  return hash == 0 ? 1 : hash;
}

std::vector<std::string> matching_topics(const TopicPattern& pattern, const TopicsView& topics) {
  std::vector<std::string> matched;
  for (const TopicFacts& topic : topics.all()) {
    if (pattern.matches(topic.name)) matched.emplace_back(topic.name);
  }
  return matched;
}

std::optional<std::vector<std::string>> resolve(const std::string& regex, const TopicsView& topics) {
  const Result<TopicPattern, std::string> pattern = TopicPattern::compile(regex);
  if (!pattern) return std::nullopt;
  return matching_topics(*pattern, topics);
}

std::vector<std::string> part_to_store(const std::vector<std::string>& topics) {
  std::size_t bytes = 0;
  const auto is_beyond = [&bytes](const std::string& name) { return (bytes += name.size() + sizeof(std::int16_t)) > kMostStoredBytes; };
  return {topics.begin(), std::ranges::find_if(topics, is_beyond)};
}

std::size_t bytes_of_names(const std::vector<std::string>& topics) {
  std::size_t bytes = 0;
  for (const std::string& name : topics) bytes += name.size() + sizeof(std::int16_t);
  return bytes;
}

}  // namespace tidelog::broker
