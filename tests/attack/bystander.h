#pragma once

#include "tests/attack/socket.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace tidelog::attack {

/// A client that does nothing unusual while others attack: it produces, fetches what it produced and asks for metadata on one connection,
/// now and then of many partitions in one request, and every request must succeed within a bound. Thread: `run` on one of its own; the
/// counts from any.
class Bystander {
 public:
  /// `wide_topic` has `kWidePartitions`; nobody else writes to either topic.
  Bystander(Target target, std::string topic, std::string wide_topic, Milliseconds bound)
      : target_(target), topic_(std::move(topic)), wide_topic_(std::move(wide_topic)), bound_(bound) {}

  /// So many cost memory for their answer, which small requests do not.
  static constexpr std::int32_t kWidePartitions = 200;

  /// Until it is asked to stop.
  void run(const std::stop_token& stop);
  /// Reads the topic from its beginning and compares: every acknowledged record, in order, once. What is wrong, or nothing.
  std::string verify();

  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] std::uint64_t records() const { return acknowledged_.load(); }
  [[nodiscard]] Milliseconds slowest() const { return slowest_; }
  /// What failed first.
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  bool produce();
  bool fetch();
  bool metadata();
  bool produce_wide();
  bool fetch_wide();
  bool ask(const std::string& request, std::int32_t correlation, std::string& answer, const char* what);
  void fail(const std::string& why);
  bool read_batches(std::span<const std::byte> batches, std::int64_t offset, std::vector<std::string>& values);
  /// What is fetched: the first partitions of a topic, from one offset on.
  struct Wanted {
    std::string_view topic;
    std::int32_t partitions = 1;
    std::int64_t offset = 0;
    const char* what = "fetch";
  };
  bool read_from(const Wanted& wanted, std::vector<std::string>& values);

  Target target_;
  std::string topic_;
  std::string wide_topic_;
  Milliseconds bound_;
  Socket socket_;
  std::string rest_;
  std::int32_t correlation_ = 0;
  std::int64_t next_value_ = 0;
  std::int64_t consumed_ = 0;
  std::int64_t wide_rounds_ = 0;  ///< Records in each partition of the wide topic.
  std::atomic<std::uint64_t> requests_ = 0;
  std::atomic<std::uint64_t> failures_ = 0;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  Clock::time_point began_ = Clock::now();
  Milliseconds slowest_{};
  std::vector<std::string> complaints_;
};

}  // namespace tidelog::attack
