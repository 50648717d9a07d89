#pragma once

#include "storage/key_value/applied_mark.h"
#include "storage/log/log.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidelog::storage {

/// What a log that was recovered says of its past.
class LogHistory {
 public:
  LogHistory() = default;
  LogHistory(const LogHistory&) = delete;
  LogHistory& operator=(const LogHistory&) = delete;
  virtual ~LogHistory() = default;

  [[nodiscard]] virtual std::uint64_t log_id() const = 0;
  /// The place right before `next`. `not_found`: the log has no batch that ends there, any more or at all.
  virtual Result<LogPoint> point_before(Offset next) = 0;
};

/// The past of a log of ours. Reads one header. Thread: the log's.
class HistoryOfLog final : public LogHistory {
 public:
  explicit HistoryOfLog(Log& log) : log_(log) {}
  [[nodiscard]] std::uint64_t log_id() const override { return log_.identity().log_id; }
  Result<LogPoint> point_before(Offset next) override;

 private:
  Log& log_;
};

/// Why a view that says `mark` of itself may hold what is not in the log (R9), for people; nothing: it is made of this log's front, and
/// goes on from there. Where that cannot be known it does not fit: making a view again costs time, believing a wrong one more than that.
/// In particular the batch before the mark has to be there: a log whose start moved up to the mark tells nothing any more.
std::optional<std::string_view> why_it_does_not_fit(const AppliedMark& mark, LogHistory& log);

}  // namespace tidelog::storage
