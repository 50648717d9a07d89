#pragma once

#include <tidelog/record.h>
#include <tidelog/result.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

namespace tidelog {

namespace core {
class ClientCore;
class ProducerCore;
}  // namespace core

/// Where a record went.
class delivery {
 public:
  delivery(std::string topic, std::int32_t partition, std::int64_t offset)
      : topic_(std::move(topic)), offset_(offset), partition_(partition) {}
  [[nodiscard]] const std::string& topic() const { return topic_; }
  [[nodiscard]] std::int32_t partition() const { return partition_; }
  /// -1 with acks=0, where nobody says.
  [[nodiscard]] std::int64_t offset() const { return offset_; }

 private:
  std::string topic_;
  std::int64_t offset_;
  std::int32_t partition_;
};

/// What became of a batch of records that went together.
class batch_report {
 public:
  batch_report(std::string_view topic, std::int32_t partition, std::int64_t base_offset, std::int32_t record_count)
      : topic_(topic), base_offset_(base_offset), partition_(partition), record_count_(record_count) {}
  [[nodiscard]] std::string_view topic() const { return topic_; }
  [[nodiscard]] std::int32_t partition() const { return partition_; }
  [[nodiscard]] std::int64_t base_offset() const { return base_offset_; }
  [[nodiscard]] std::int32_t record_count() const { return record_count_; }
  [[nodiscard]] std::uint64_t first_tag() const { return first_tag_; }
  [[nodiscard]] std::uint64_t last_tag() const { return last_tag_; }
  /// Null if the batch is written.
  [[nodiscard]] const error* failure() const { return failure_; }

  batch_report& set_tags(std::uint64_t first, std::uint64_t last) { return first_tag_ = first, last_tag_ = last, *this; }
  batch_report& set_failure(const error* failure) { return failure_ = failure, *this; }

 private:
  std::string_view topic_;
  std::int64_t base_offset_;
  std::uint64_t first_tag_ = 0;
  std::uint64_t last_tag_ = 0;
  const error* failure_ = nullptr;
  std::int32_t partition_;
  std::int32_t record_count_;
};

/// Callbacks run on the I/O thread: they must be quick, may not block, and may not throw.
using delivery_fn = std::function<void(const result<delivery>&)>;
using batch_fn = std::function<void(const batch_report&)>;

class producer_options {
 public:
  /// Called once for every batch, written or not.
  producer_options& on_batch(batch_fn callback) { return on_batch_ = std::move(callback), *this; }
  /// Records without key and partition go to another partition after this many bytes; by default `batch.size`.
  producer_options& spread_bytes(std::size_t bytes) { return spread_bytes_ = bytes, *this; }
  [[nodiscard]] const batch_fn& on_batch() const { return on_batch_; }
  [[nodiscard]] std::size_t spread_bytes() const { return spread_bytes_; }

 private:
  batch_fn on_batch_;
  std::size_t spread_bytes_ = 0;
};

/// Sends records in batches, in the background. With the default settings each record is written once, in order of `send` within a
/// partition, and reported written only when every in-sync replica has it.
/// Life: the destructor waits up to 1 s for what was sent; call `close` or `flush` to know.  Thread: any.
class producer {
 public:
  producer(producer&&) noexcept;
  producer& operator=(producer&&) noexcept;
  producer(const producer&) = delete;
  producer& operator=(const producer&) = delete;
  ~producer();

  /// Puts the record into a batch. Waits up to max.block.ms for metadata and room; an error means that it was not taken.
  result<void> send(const record_ref& record, delivery_fn on_delivery = {});
  /// The same without ever waiting: `errc::queue_full` when it would have to.
  result<void> try_send(const record_ref& record, delivery_fn on_delivery = {});
  std::future<result<delivery>> send_for_future(const record_ref& record);

  /// Waits until everything sent before is written or has failed. `errc::timed_out` says that some of it is still on its way.
  result<void> flush(std::chrono::milliseconds deadline);
  /// Flushes; what is not written by the deadline fails with `errc::closed`. Returns by the deadline.
  result<void> close(std::chrono::milliseconds deadline);

 private:
  friend class client;
  explicit producer(std::shared_ptr<core::ProducerCore> core);
  std::shared_ptr<core::ProducerCore> core_;
};

}  // namespace tidelog
