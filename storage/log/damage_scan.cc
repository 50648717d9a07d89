#include "storage/log/damage_scan.h"

namespace tidelog::storage {
namespace {

/// One stretch under way.
class DamageScan {
 public:
  DamageScan(const Stretch& stretch, ScanDepth depth, ScanState& state)
      : stretch_(stretch), depth_(depth), scan_(depth, stretch.limit), state_(state) {}

  Result<ScanResult> run();

 private:
  Result<bool> take_back_the_last();
  Result<bool> blames_the_batch_before();
  void blame_the_batch_before();
  Result<bool> step_over();

  const Stretch& stretch_;
  ScanDepth depth_;
  BatchScan scan_;
  ScanState& state_;
  ScanResult result_;
};

Result<ScanResult> DamageScan::run() {
  result_.valid_end = stretch_.position;
  result_.last = stretch_.before;
  while (true) {
    const Result<std::uint64_t> valid_end = scan_.run(stretch_.file, result_.valid_end, stretch_.end, state_);
    if (!valid_end) return valid_end.error();
    result_.valid_end = *valid_end;
    if (scan_.last()) result_.last = PlacedBatch{.step = *scan_.last(), .segment_base = stretch_.segment_base};
    const Result<bool> is_taken_back = take_back_the_last();
    if (!is_taken_back) return is_taken_back.error();
    if (result_.valid_end == stretch_.end) return std::move(result_);
    const Result<bool> is_before = *is_taken_back ? Result<bool>(false) : blames_the_batch_before();
    if (!is_before) return is_before.error();
    if (*is_before) {
      blame_the_batch_before();
      continue;
    }
    const Result<bool> goes_on = step_over();
    if (!goes_on) return goes_on.error();
    if (!*goes_on) return std::move(result_);
  }
}

/// Where the chain breaks, the last batch may be the one that promised the wrong next offset. Its checksum tells, if it was not looked at.
Result<bool> DamageScan::take_back_the_last() {
  const std::optional<BatchScan::Step>& last = scan_.last();
  const bool ends_well = result_.valid_end == stretch_.end && (stretch_.limit.value == INT64_MAX || state_.next_offset == stretch_.limit);
  if (depth_ == ScanDepth::checksums || !last || ends_well) return false;
  const Result<bool> fits = scan_.crc_fits(stretch_.file, last->position, last->end_position - last->position);
  if (!fits) return fits.error();
  if (*fits) return false;
  result_.valid_end = last->position;
  result_.last.reset();
  state_ = last->before;
  return true;
}

/// The epoch falls here: either this batch's is wrong, or the one before had one that was too high. It was the one before if this one goes
/// on from what was before it, and the next one does not go back up.
Result<bool> DamageScan::blames_the_batch_before() {
  const Result<std::optional<BatchHeader>> here = scan_.header_at(stretch_.file, result_.valid_end, stretch_.end);
  if (!here) return here.error();
  const bool falls = *here && result_.last && (*here)->base_offset == state_.next_offset && (*here)->leader_epoch < state_.epoch &&
                     (*here)->leader_epoch >= result_.last->step.before.epoch;
  if (!falls) return false;
  const Result<bool> fits = scan_.crc_fits(stretch_.file, result_.valid_end, (*here)->size_bytes);
  if (!fits || !*fits) return fits;
  const Result<std::optional<BatchHeader>> next = scan_.header_at(stretch_.file, result_.valid_end + (*here)->size_bytes, stretch_.end);
  if (!next) return next.error();
  const bool goes_back_up = *next && (*next)->base_offset == (*here)->next_offset() && (*next)->leader_epoch >= state_.epoch;
  return !goes_back_up;
}

void DamageScan::blame_the_batch_before() {
  const BatchScan::Step last = result_.last->step;
  result_.damaged.push_back({.from = last.before.next_offset,
                             .to = state_.next_offset,
                             .segment_base = result_.last->segment_base,
                             .position = last.position,
                             .end_position = last.end_position});
  state_.epoch = last.before.epoch;
  result_.last.reset();
}

Result<bool> DamageScan::step_over() {
  Stretch rest = stretch_;
  rest.position = result_.valid_end;
  const Result<std::optional<Resumption>> found = find_resumption(rest, state_);
  if (!found) return found.error();
  if (!*found) return false;
  result_.damaged.push_back({.from = state_.next_offset,
                             .to = (*found)->base,
                             .segment_base = stretch_.segment_base,
                             .position = result_.valid_end,
                             .end_position = (*found)->position});
  result_.last.reset();
  state_.next_offset = (*found)->base;
  result_.valid_end = (*found)->position;
  return true;
}

}  // namespace

Result<ScanResult> scan_over_damage(const Stretch& stretch, ScanDepth depth, ScanState& state) {
  return DamageScan(stretch, depth, state).run();
}

}  // namespace tidelog::storage
