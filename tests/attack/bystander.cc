#include "tests/attack/bystander.h"

#include "proto/messages/metadata_request.h"
#include "proto/messages/metadata_response.h"
#include "tests/attack/records.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace tidelog::attack {
namespace {

using proto::MetadataRequest;
using proto::MetadataResponse;

constexpr Milliseconds kBetweenRounds{3};
constexpr std::uint64_t kRoundsPerMetadata = 10;
constexpr std::uint64_t kRoundsPerHabit = 25;

std::string value_of(std::int64_t number) { return "bystander record " + std::to_string(number); }

}  // namespace

bool Bystander::produce() {
  const std::string batch = batch_of("key", value_of(next_value_));
  if (!write_records(caller_, {.topic = topics_.plain, .batch = batch, .offset = next_value_})) return false;
  ++next_value_;
  ++acknowledged_;
  return true;
}

bool Bystander::fetch() {
  std::vector<std::string> values;
  if (!read_records(caller_, {.topic = topics_.plain, .offset = consumed_}, values)) return false;
  if (values.empty() && consumed_ < next_value_) return caller_.fail("fetch: an acknowledged record is not there");
  for (const std::string& value : values) {
    if (value != value_of(consumed_++)) return caller_.fail("fetch: another record than was stored at " + std::to_string(consumed_ - 1));
  }
  return true;
}

bool Bystander::metadata() {
  const std::vector<MetadataRequest::MetadataRequestTopic> topics{{.name = topics_.plain}};
  MetadataResponse response;
  if (!caller_.ask(MetadataRequest{.topics = topics}, response, "metadata")) return false;
  for (const auto& topic : response.topics) {
    if (topic.error_code != 0) return caller_.fail("metadata: error " + std::to_string(topic.error_code));
  }
  return true;
}

bool Bystander::produce_wide() {
  const std::string batch = batch_of("key", value_of(wide_rounds_));
  const Written written{
      .topic = topics_.wide, .batch = batch, .partitions = kWidePartitions, .offset = wide_rounds_, .what = "wide produce"};
  if (!write_records(caller_, written)) return false;
  ++wide_rounds_;
  return true;
}

/// The newest record of each partition.
bool Bystander::fetch_wide() {
  std::vector<std::string> values;
  const Wanted wanted{.topic = topics_.wide, .partitions = kWidePartitions, .offset = wide_rounds_ - 1, .what = "wide fetch"};
  if (!read_records(caller_, wanted, values)) return false;
  const std::string newest = value_of(wide_rounds_ - 1);
  const auto found = std::ranges::count(values, newest);
  return found == kWidePartitions || caller_.fail("wide fetch: " + std::to_string(found) + " partitions have the newest record");
}

/// One round. What it does now and then is spread over the rounds.
bool Bystander::act(std::uint64_t round) {
  if (!produce() || !fetch()) return false;
  if (round % kRoundsPerMetadata == 0 && !metadata()) return false;
  switch (round % kRoundsPerHabit) {
    case 0: return produce_wide() && fetch_wide();
    case 6: return time_lookups_.once(caller_, dice_);
    case 12: return commits_.once(caller_);
    case 18:
      if (topics_.large.empty()) return true;
      if (!large_records_.once(caller_, dice_)) return false;
      ++large_rounds_;
      return true;
    default: return true;
  }
}

void Bystander::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  for (std::uint64_t round = 0; !stop.stop_requested(); ++round) {
    const bool all_well = act(round);
    // A steady client, not a flood. After a failure nobody knows whether the record is stored: the run has failed, and its end still tells
    // where the broker stands.
    stopped.wait_for(lock, stop, all_well ? kBetweenRounds : caller_.bound(), [] { return false; });
  }
}

std::string Bystander::verify() {
  const auto last_complaint = [this](const char* otherwise) {
    return caller_.complaints().empty() ? std::string(otherwise) : caller_.complaints().back();
  };
  std::int64_t at = 0;
  while (at < next_value_) {
    std::vector<std::string> values;
    if (!read_records(caller_, {.topic = topics_.plain, .offset = at}, values)) return last_complaint("a fetch failed");
    if (values.empty()) return "records from " + std::to_string(at) + " on are missing, of " + std::to_string(next_value_);
    for (const std::string& value : values) {
      if (value != value_of(at)) return "record " + std::to_string(at) + " is \"" + value + "\"";
      ++at;
    }
  }
  if (at != next_value_) return std::to_string(at) + " records instead of " + std::to_string(next_value_);
  if (wide_rounds_ > 0 && !fetch_wide()) return last_complaint("a wide fetch failed");
  return {};
}

}  // namespace tidelog::attack
