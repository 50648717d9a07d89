#include "tests/sim/checker.h"

#include <algorithm>
#include <set>

namespace tidelog::sim {
namespace {

using Violations = std::vector<std::string>;

/// The part of a value that names it; the rest is padding.
std::string short_name(const std::string& value) { return value.substr(0, std::min<std::size_t>(value.find(':'), 40)); }

std::string at(int partition, std::int64_t offset) { return std::to_string(partition) + "@" + std::to_string(offset); }

void check_contiguous(int partition, const FinalLog& log, Violations& violations) {
  std::int64_t expected = 0;
  for (const auto& [offset, value] : log) {
    if (offset != expected)
      violations.push_back("offsets of partition " + std::to_string(partition) + " jump to " + std::to_string(offset));
    expected = offset + 1;
  }
}

/// Where each value is; a value that is there twice is noted when its producer asked for exactly once.
std::map<std::string, std::int64_t> find_values(int partition, const FinalLog& log, const History& history, Violations& violations) {
  std::map<std::string, std::int64_t> places;
  for (const auto& [offset, value] : log) {
    const auto sent = history.sent.find(value);
    if (sent == history.sent.end()) {
      violations.push_back("nobody sent what is at " + at(partition, offset) + ": " + short_name(value));
      continue;
    }
    if (sent->second.partition != partition) violations.push_back(short_name(value) + " is in partition " + std::to_string(partition));
    const auto [first, is_new] = places.try_emplace(value, offset);
    if (!is_new)
      violations.push_back(short_name(value) + " is there twice: " + at(partition, first->second) + " and " + at(partition, offset));
  }
  return places;
}

void check_acked(const History& history, const std::map<int, FinalLog>& logs, const std::map<std::string, std::int64_t>& places,
                 Violations& violations) {
  for (const auto& [value, sent] : history.sent) {
    const auto place = places.find(value);
    const bool is_there = place != places.end();
    if (sent.outcome == Outcome::refused && is_there) violations.push_back(short_name(value) + " was refused and is there");
    if (sent.outcome != Outcome::acked || !sent.needs_all) continue;
    if (!is_there) {
      violations.push_back("LOST: " + short_name(value) + " was acknowledged at " + at(sent.partition, sent.offset) + "; the log has " +
                           std::to_string(logs.contains(sent.partition) ? logs.at(sent.partition).size() : 0) + " records");
    } else if (sent.offset >= 0 && place->second != sent.offset) {
      violations.push_back(short_name(value) + " was acknowledged at " + at(sent.partition, sent.offset) + " and is at " +
                           at(sent.partition, place->second));
    }
  }
}

/// Records of one producer in one partition stand in the order they were sent; of an idempotent one none is missing between others.
void check_order(int partition, const FinalLog& log, const History& history, Violations& violations) {
  std::map<int, std::int64_t> last;
  for (const auto& [offset, value] : log) {
    const auto sent = history.sent.find(value);
    if (sent == history.sent.end()) continue;
    const auto [known, is_first] = last.try_emplace(sent->second.producer, -1);
    const std::int64_t expected = known->second + 1;
    const bool is_right = sent->second.is_idempotent ? sent->second.number == expected : sent->second.number >= expected;
    if (!is_right) {
      violations.push_back("order: producer " + std::to_string(sent->second.producer) + " has number " +
                           std::to_string(sent->second.number) + " at " + at(partition, offset) + " where " + std::to_string(expected) +
                           " belongs");
    }
    known->second = sent->second.number;
  }
}

void check_fetched(const History& history, const std::map<int, FinalLog>& logs, Violations& violations) {
  for (const auto& [where, value] : history.fetched) {
    const auto log = logs.find(where.partition);
    const auto there = log == logs.end() ? FinalLog::const_iterator() : log->second.find(where.offset);
    if (log == logs.end() || there == log->second.end()) {
      violations.push_back("GONE: " + short_name(value) + " was read at " + at(where.partition, where.offset));
    } else if (there->second != value) {
      violations.push_back("CHANGED: " + at(where.partition, where.offset) + " was read as " + short_name(value) + " and holds " +
                           short_name(there->second));
    }
  }
}

}  // namespace

std::vector<std::string> check(const History& history, const std::map<int, FinalLog>& logs) {
  Violations violations = history.violations;
  std::map<std::string, std::int64_t> places;
  for (const auto& [partition, log] : logs) {
    check_contiguous(partition, log, violations);
    places.merge(find_values(partition, log, history, violations));
    check_order(partition, log, history, violations);
  }
  check_acked(history, logs, places, violations);
  check_fetched(history, logs, violations);
  return violations;
}

}  // namespace tidelog::sim
