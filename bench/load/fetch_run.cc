#include "bench/load/fetch_run.h"

#include "bench/common/die.h"
#include "bench/load/responses.h"

namespace tidelog::bench {

FetchRun::FetchRun(Socket& socket, const FetchShape& shape) : socket_(socket), shape_(shape) {
  for (std::int32_t partition = 0; partition < shape_.partitions; ++partition) {
    partitions_.push_back({.request = fetch_request(shape_.topic, partition, shape_.max_bytes)});
  }
}

RunResult FetchRun::run(std::uint64_t bytes, std::chrono::duration<double> limit) {
  RunResult result;
  stopping_ = false;
  const Clock::time_point start = Clock::now();
  for (std::size_t i = 0; i < partitions_.size(); ++i) ask(i, start);
  while (in_flight_ > 0) {
    const bool all_sent = send();
    if (!socket_.receive_some()) socket_.wait(!all_sent);
    const Clock::time_point now = Clock::now();
    stopping_ = result.bytes >= bytes || now - start >= limit;
    for (Bytes frame = socket_.next_frame(); !frame.empty(); frame = socket_.next_frame()) take_answer(frame, now, result);
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

/// The correlation id is the partition's number: it has one request in flight.
void FetchRun::ask(std::size_t index, Clock::time_point now) {
  Partition& partition = partitions_[index];
  store_be(partition.request.frame.data() + kCorrelationAt, static_cast<std::int32_t>(index));
  store_be(partition.request.frame.data() + partition.request.offset_at, partition.offset);
  out_.insert(out_.end(), partition.request.frame.begin(), partition.request.frame.end());
  partition.asked_at = now;
  ++in_flight_;
}

bool FetchRun::send() {
  if (out_.empty()) return true;
  const std::size_t sent = socket_.send_some(out_, {});
  out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent));
  return out_.empty();
}

void FetchRun::take_answer(Bytes frame, Clock::time_point now, RunResult& result) {
  const FetchAnswer answer = parse_fetch(frame);
  const auto index = static_cast<std::size_t>(answer.correlation_id);
  if (answer.correlation_id < 0 || index >= partitions_.size()) die("a fetch answer that nobody asked for");
  Partition& partition = partitions_[index];
  --in_flight_;
  result.latency.record(nanoseconds_between(partition.asked_at, now));
  if (answer.error_code != 0) {
    ++result.error_codes[answer.error_code];
    return;  // and ask no more: an error repeats
  }
  ++result.requests;
  if (!take_records(partition, answer.records, answer.high_watermark, result))
    die("a fetch answer without a whole batch below the high watermark");
  if (!stopping_) ask(index, now);
}

/// False when the partition is stuck.
bool FetchRun::take_records(Partition& partition, Bytes records, std::int64_t high_watermark, RunResult& result) {
  if (shape_.floor) {
    result.bytes += records.size();
    return true;
  }
  const BatchWalk walk = walk_batches(records, partition.offset, shape_.check_crc);
  if (!walk.in_order || !walk.crc_ok) ++result.order_errors;
  result.bytes += walk.bytes;
  result.records += walk.records;
  partition.offset = walk.next_offset;
  const bool moved = walk.bytes > 0;
  if (partition.offset >= high_watermark) partition.offset = 0;
  return moved;
}

}  // namespace tidelog::bench
