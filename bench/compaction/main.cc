// How fast one thread compacts a log, and what its table of keys costs.
#include "bench/common/die.h"
#include "bench/common/flags.h"
#include "proto/record/builder.h"
#include "storage/compaction/cleaning.h"
#include "storage/disk/posix.h"
#include "storage/log/log.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

namespace tidelog::bench {
namespace {

struct Shape {
  std::uint64_t bytes;
  std::uint64_t keys;
  std::uint64_t value_bytes;
  std::uint64_t batch_bytes;
  proto::Codec codec;
};

template <class T>
T value_or_die(Result<T> result, const char* what) {
  if (!result) die(fmt::format("{}: {}", what, name(result.error())));
  return std::move(*result);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Keys come in random order, so that nearly every batch keeps something.
void fill(storage::Log& log, const Shape& shape) {
  std::mt19937_64 random(1);
  proto::BatchBuilder builder;
  std::string value(shape.value_bytes, 'v');
  for (std::uint64_t written = 0; written < shape.bytes;) {
    builder.clear();
    while (builder.size_bytes() < shape.batch_bytes) {
      const std::string key = fmt::format("key-{:012}", random() % shape.keys);
      for (char& c : value) c = static_cast<char>('a' + random() % 16);
      builder.append({.timestamp = {1'700'000'000'000},
                      .key = std::as_bytes(std::span(key)),
                      .value = std::as_bytes(std::span(value)),
                      .headers = {}});
    }
    const Bytes batch = builder.build({.codec = shape.codec, .base_offset = log.end_offset(), .leader_epoch = {0}});
    value_or_die(log.append(std::span(&batch, 1)), "append");
    written += batch.size();
  }
  const storage::SyncTicket ticket = log.begin_sync();
  storage::PosixFileSystem files;
  if (!ticket.sync(files)) die("sync");
  log.finish_sync(ticket);
  static_cast<void>(log.recovery_state());
  log.manifest_written();
}

void clean(storage::FileSystem& files, storage::Log& log, std::size_t map_bytes) {
  using Clock = std::chrono::steady_clock;
  for (int pass = 1;; ++pass) {
    const auto facts = value_or_die(log.compaction_facts(log.end_offset()), "facts");
    auto plan = storage::plan_cleaning(facts, log.config().compaction, {1'700'000'000'000});
    if (!plan) return;
    const double cpu = cpu_seconds();
    const Clock::time_point began = Clock::now();
    storage::Cleaning cleaning({.place = {.files = &files, .directory = log.directory()},
                                .config = log.config(),
                                .plan = std::move(*plan),
                                .producers = {},
                                .now = {1'700'000'000'000},
                                .means = {.map_bytes = map_bytes, .secret = {1, 2}}});
    while (true) {
      const auto state = value_or_die(cleaning.step(4 << 20), "cleaning");
      if (state == storage::Cleaning::State::done) break;
      if (state == storage::Cleaning::State::working) continue;
      if (!log.begin_swap(cleaning.take_ready())) die("swap");
      log.end_swap(storage::finish_swap(files, log.directory(), *log.pending_swap()));
    }
    log.set_cleaned(cleaning.cleaned());
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    const double used = cpu_seconds() - cpu;
    const storage::CleaningCounts counts = cleaning.counts();
    const double before = static_cast<double>(counts.bytes_before);
    fmt::print("pass {}: {:.0f} MB to {:.0f} MB, {} records to {}, {} keys at {:.2f} bytes\n", pass, before / 1e6,
               static_cast<double>(counts.bytes_after) / 1e6, counts.filter.records, counts.filter.kept_records, counts.keys,
               static_cast<double>(counts.map_bytes) / static_cast<double>(counts.keys));
    fmt::print("pass {}: {:.1f} s, {:.1f} s of CPU: {:.0f} MB/s of log a thread, {:.0f} MB/s read and written\n", pass, took, used,
               before / took / 1e6, static_cast<double>(counts.read_bytes + counts.written_bytes) / took / 1e6);
    if (!cleaning.is_partial()) return;
  }
}

int run(int argc, char** argv) {
  Flags flags(argc, argv, 1);
  const std::string directory = flags.text("dir", "");
  Shape shape{.bytes = flags.number("mb", 1000) * 1'000'000,
              .keys = flags.number("keys", 1'000'000),
              .value_bytes = flags.number("value-bytes", 80),
              .batch_bytes = flags.number("batch-bytes", 16384),
              .codec = proto::parse_codec(flags.text("codec", "none")).value_or(proto::Codec::none)};
  const std::uint64_t map_bytes = flags.number("map-bytes", 128 << 20);
  const std::uint64_t segment_bytes = flags.number("segment-bytes", 256 << 20);
  flags.finish();
  if (directory.empty()) die("--dir DIR: where a log may be written and removed again");
  storage::PosixFileSystem files;
  storage::LogConfig config;
  config.segment_bytes = static_cast<std::uint32_t>(segment_bytes);
  config.compaction = {.is_on = true, .min_dirty_ratio = 0};
  const storage::LogPlace place{.files = &files, .directory = directory + "/compaction-bench-0"};
  if (!files.remove_all(place.directory)) die("cannot remove " + place.directory);
  const auto log = value_or_die(storage::Log::create(place, {.topic_id = {.bytes = {std::byte{1}}}, .log_id = 1}, config), "create");
  fill(*log, shape);
  clean(files, *log, map_bytes);
  return files.remove_all(place.directory) ? 0 : 1;
}

}  // namespace
}  // namespace tidelog::bench

int main(int argc, char** argv) { return tidelog::bench::run(argc, argv); }
