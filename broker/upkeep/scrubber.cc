#include "broker/upkeep/scrubber.h"

#include "broker/logging/log.h"
#include "broker/shard/run_on.h"
#include "storage/log/number_lines.h"
#include "storage/log/segment.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

/// How often is looked at whether a scrub is due: an interval that is set shorter counts soon.
constexpr std::int64_t kLookMs = 10'000, kShortestLookMs = 10;
constexpr std::string_view kVersionLine = "0\n";

std::string checkpoint_path(const LogDir& dir) { return dir.path() + "/scrub-checkpoint"; }

/// 0 for whatever is not what `encode` writes: then a scrub begins at once.
std::int64_t decode(std::string_view text) {
  if (!text.starts_with(kVersionLine)) return 0;
  text.remove_prefix(kVersionLine.size());
  const std::optional<std::int64_t> began = storage::take_number<std::int64_t>(text, '\n');
  return began && text.empty() ? std::max<std::int64_t>(*began, 0) : 0;
}

std::string encode(std::int64_t began_ms) { return std::string(kVersionLine) + std::to_string(began_ms) + "\n"; }

}  // namespace

Scrubber::Scrubber(Env& env, std::span<const std::unique_ptr<ShardServices>> shards)
    : env_(env), shards_(shards), gate_(home().executor()), wake_(home().executor()), timer_([this] { wake_.notify(); }) {}

void Scrubber::start(const LogDir& dir) {
  dir_ = &dir;
  asio::co_spawn(home().executor(), run(), asio::detached);
}

asio::awaitable<void> Scrubber::stop() {
  stopping_ = true;
  timer_.cancel();
  wake_.notify();
  co_await gate_.close();
}

asio::awaitable<void> Scrubber::run() {
  const Gate::Pass pass = gate_.enter();
  Job load = [this] {
    const Result<std::string> text = storage::read_file(env_.files(), checkpoint_path(*dir_), 100);
    last_began_ms_ = text ? decode(*text) : 0;
  };
  co_await run_blocking(env_, home(), std::move(load));
  while (!stopping_) {
    const std::int64_t interval_ms = options().log_scrub_interval_ms;
    const std::int64_t now_ms = home().wall_clock().value;
    // A clock that went back must not put the next scrub off for long.
    const bool is_due = interval_ms > 0 && (now_ms - last_began_ms_ >= interval_ms || last_began_ms_ > now_ms);
    if (is_due) co_await scrub_all();
    if (stopping_) break;
    const std::int64_t look_ms = interval_ms > 0 ? std::clamp(interval_ms, kShortestLookMs, kLookMs) : kLookMs;
    shards_.front()->shard.timers().arm_in(timer_, std::chrono::milliseconds(look_ms));
    co_await wake_.wait();
  }
}

asio::awaitable<void> Scrubber::scrub_all() {
  const std::int64_t began_ms = home().wall_clock().value;
  const ScrubCounts before = counts_;
  std::vector<TopicPartition> logs;
  const std::shared_ptr<const Image> image = shards_.front()->image;
  for (const auto& [name, topic] : image->topics()) {
    for (const PartitionImage& partition : topic->partitions) logs.push_back({.topic_id = topic->id, .partition = partition.index});
  }
  for (const TopicPartition& id : logs) {
    if (stopping_ || options().log_scrub_interval_ms <= 0) co_return;
    ShardServices& owner = *shards_[shard_of(id, shards_.size())];
    const double rate = static_cast<double>(options().log_scrub_max_bytes_per_second);
    co_await await_on(owner.shard.loop(), home(),
                      scrub_partition(owner, {.id = id, .bytes_per_second = rate, .must_stop = stopping_}, counts_));
  }
  if (stopping_) co_return;
  last_began_ms_ = began_ms;
  // Unsynced and of no weight: if it is lost, a restart scrubs sooner than it has to.
  Job save = [this] {
    static_cast<void>(storage::write_unsynced(env_.files(), checkpoint_path(*dir_), encode(last_began_ms_)).has_value());
  };
  co_await run_blocking(env_, home(), std::move(save));
  const std::uint64_t damaged = counts_.ranges_damaged - before.ranges_damaged;
  const std::uint64_t bytes = counts_.bytes - before.bytes;
  if (bytes == 0 && damaged == 0) co_return;
  log_info("scrub: {} logs and {} bytes read, {} damaged ranges found that were not known, in {:.1f} s", counts_.logs - before.logs, bytes,
           damaged, static_cast<double>(home().wall_clock().value - began_ms) / 1000);
}

}  // namespace tidelog::broker
