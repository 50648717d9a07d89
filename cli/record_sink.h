#pragma once

#include "cli/options.h"
#include <tidelog/consumer.h>
#include <tidelog/result.h>

#include <cstdint>
#include <functional>
#include <string>

namespace tidelog::cli {

/// Where `consume` puts records: standard output, in the form that was asked for, as many as were asked for.
class RecordSink {
 public:
  using Writer = std::function<void(std::string& out, const record_view& record)>;

  /// Checks the form.
  static result<RecordSink> open(const Command& command);

  /// What stands before the first record and behind the last.
  void begin();
  void end();

  /// Writes the records of the batch, up to the limit; returns how many. They are out when `flush` says so.
  std::size_t take(const record_batch& batch);
  /// False if standard output takes no more.
  bool flush();
  [[nodiscard]] bool wants_flush() const;
  [[nodiscard]] bool is_full() const { return records_ >= limit_; }
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  RecordSink(const Command& command, Writer write);

  Writer write_;
  std::string head_;
  std::uint64_t limit_;
  std::string out_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace tidelog::cli
