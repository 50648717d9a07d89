#include "bench/load/produce_run.h"

#include "bench/load/requests.h"

#include <algorithm>

namespace tidelog::bench {
namespace {

std::size_t rounded_up(std::size_t value, std::size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

ProduceRun::ProduceRun(Socket& socket, const ProduceShape& shape)
    : socket_(socket), shape_(shape), records_per_batch_(records_that_fit(shape.batch_bytes, shape.record_bytes)) {
  const std::vector<std::byte> batch = make_batch(records_per_batch_, shape_.record_bytes);
  batch_size_ = batch.size();
  sent_at_.resize(rounded_up(shape_.window, groups()));  // so that a slot belongs to the same partitions for good
  next_offset_.assign(static_cast<std::size_t>(shape_.partitions), -1);
  for (std::size_t slot = 0; slot < slots(); ++slot) {
    const PartitionRange partitions{.first = first_partition(slot), .count = shape_.together};
    const std::vector<std::byte> frame = produce_request(shape_.topic, partitions, shape_.acks, batch);
    slot_bytes_ = frame.size();
    ring_.insert(ring_.end(), frame.begin(), frame.end());
  }
}

RunResult ProduceRun::run(std::uint64_t requests, std::chrono::duration<double> limit) {
  RunResult result;
  const Clock::time_point start = Clock::now();
  end_ = issued_ + requests;
  while (acked_ < end_) {
    const Clock::time_point now = Clock::now();
    if (now - start >= limit) end_ = issued_;
    issue(now);
    const bool all_sent = send();
    if (acked_ == end_) break;
    if (socket_.receive_some()) {
      take_answers(result);
    } else {
      socket_.wait(!all_sent);
    }
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

void ProduceRun::issue(Clock::time_point now) {
  while (issued_ < end_ && issued_ - acked_ < shape_.window) {
    const std::size_t slot = issued_ % slots();
    store_be(ring_.data() + slot * slot_bytes_ + kCorrelationAt, static_cast<std::int32_t>(issued_));
    sent_at_[slot] = now;
    ++issued_;
  }
}

/// True when everything issued has been handed to the kernel.
bool ProduceRun::send() {
  const std::uint64_t wanted = issued_ * slot_bytes_;
  if (sent_bytes_ < wanted) {
    const std::size_t at = sent_bytes_ % ring_.size();
    const auto left = static_cast<std::size_t>(wanted - sent_bytes_);
    const std::size_t before_wrap = std::min(left, ring_.size() - at);
    sent_bytes_ += socket_.send_some(Bytes(ring_).subspan(at, before_wrap), Bytes(ring_).first(left - before_wrap));
  }
  return sent_bytes_ == wanted;
}

void ProduceRun::take_answers(RunResult& result) {
  const Clock::time_point now = Clock::now();
  for (Bytes frame = socket_.next_frame(); !frame.empty(); frame = socket_.next_frame()) take_answer(frame, now, result);
}

void ProduceRun::take_answer(Bytes frame, Clock::time_point now, RunResult& result) {
  parse_produce(frame, answer_);
  const std::size_t slot = acked_ % slots();
  result.latency.record(nanoseconds_between(sent_at_[slot], now));
  if (answer_.correlation_id != static_cast<std::int32_t>(acked_)) ++result.order_errors;
  ++acked_;
  bool all = true;
  for (const PartitionAnswer& each : answer_.partitions) all = take_partition(each, first_partition(slot), result) && all;
  if (!all) return;
  ++result.requests;
  if (answer_.partitions.size() != static_cast<std::size_t>(shape_.together)) ++result.order_errors;
}

bool ProduceRun::take_partition(const PartitionAnswer& answer, std::int32_t first, RunResult& result) {
  if (answer.error_code != 0) {
    ++result.error_codes[answer.error_code];
    return false;
  }
  result.records += records_per_batch_;
  result.bytes += batch_size_;
  if (!shape_.check_offsets) return true;
  if (answer.partition < first || answer.partition >= first + shape_.together) {
    ++result.order_errors;
    return true;
  }
  std::int64_t& expected = next_offset_[static_cast<std::size_t>(answer.partition)];
  if (expected >= 0 && answer.base_offset != expected) ++result.order_errors;
  expected = answer.base_offset + static_cast<std::int64_t>(records_per_batch_);
  return true;
}

}  // namespace tidelog::bench
