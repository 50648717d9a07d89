// Finding the first valid batch behind a damaged one. A record's value may hold whole batches that somebody put there, so a batch is not
// believed for its checksum alone: docs/decisions/0003 has the order of the evidence.
#include "proto/record/crc32c.h"
#include "storage/log/damage_scan.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

/// Bytes of would-be batches whose checksum did not fit that are read before the search gives up. Somebody may have filled values with
/// headers that promise much.
constexpr std::uint64_t kMostBytesInVain = 4ULL << 30;

class Search {
 public:
  Search(const Stretch& stretch, const ScanState& state) : stretch_(stretch), state_(state), at_(stretch.position) {}

  Result<std::optional<Resumption>> run();

 private:
  Result<void> read_claim();
  Result<std::optional<Resumption>> by_claim();
  Result<std::optional<Resumption>> by_search();
  Result<std::optional<BatchHeader>> valid_at(std::uint64_t position);
  Result<std::optional<BatchHeader>> next_candidate();
  Result<bool> damaged_one_ends_here();
  [[nodiscard]] bool may_follow(const BatchHeader& header) const;

  const Stretch& stretch_;
  const ScanState& state_;
  BatchScan window_;   ///< Goes through all bytes,
  BatchScan checks_;   ///< reads those of a candidate,
  BatchScan damaged_;  ///< and those of the damaged batch.
  std::uint64_t at_;
  std::uint64_t in_vain_ = 0;

  // What the damaged batch says of itself.
  std::uint64_t claimed_end_ = 0;  ///< 0: its length cannot be right.
  bool is_plausible_ = false;      ///< Offset, epoch and magic are what they should be.
  Offset claimed_next_{-1};
  std::uint32_t stored_crc_ = 0;
  std::uint32_t crc_ = 0;  ///< Of its bytes up to `crc_end_`.
  std::uint64_t crc_end_ = 0;
};

bool Search::may_follow(const BatchHeader& header) const {
  return header.base_offset > state_.next_offset && header.next_offset() <= stretch_.limit && header.leader_epoch >= state_.epoch &&
         header.last_offset() - stretch_.segment_base <= INT32_MAX;
}

Result<std::optional<BatchHeader>> Search::valid_at(std::uint64_t position) {
  if (position >= stretch_.end) return std::optional<BatchHeader>{};
  Result<std::optional<BatchHeader>> header = checks_.header_at(stretch_.file, position, stretch_.end);
  if (!header || !*header) return header;
  if (!may_follow(**header)) return std::optional<BatchHeader>{};
  const Result<bool> fits = checks_.crc_fits(stretch_.file, position, (*header)->size_bytes);
  if (!fits) return fits.error();
  if (*fits) return header;
  in_vain_ += (*header)->size_bytes;
  return std::optional<BatchHeader>{};
}

Result<void> Search::read_claim() {
  const Result<Bytes> front = damaged_.bytes_at(stretch_.file, at_, proto::kBatchHeaderBytes);
  if (!front) return front.error();
  if (front->size() < proto::kBatchHeaderBytes) return {};
  const auto length = load_be<std::int32_t>(front->data() + proto::batch_field::kBatchLength);
  stored_crc_ = load_be<std::uint32_t>(front->data() + proto::batch_field::kCrc);
  crc_end_ = at_ + proto::batch_field::kAttributes;
  const bool can_be_length = length >= static_cast<std::int32_t>(proto::kBatchHeaderBytes - proto::kBatchOverheadBytes);
  if (can_be_length) claimed_end_ = at_ + static_cast<std::uint64_t>(length) + proto::kBatchOverheadBytes;
  const std::byte* at = front->data();
  is_plausible_ = load_be<std::int64_t>(at + proto::batch_field::kBaseOffset) == state_.next_offset.value &&
                  load_be<std::int32_t>(at + proto::batch_field::kLeaderEpoch) >= state_.epoch.value &&
                  load_be<std::int8_t>(at + proto::batch_field::kMagic) == proto::kBatchMagic;
  if (const Result<BatchHeader> header = parse_batch_header(*front)) claimed_next_ = header->next_offset();
  return {};
}

/// The length is right if the checksum fits, or if the batch behind it begins at the very offset that is promised.
Result<std::optional<Resumption>> Search::by_claim() {
  if (claimed_end_ == 0 || claimed_end_ > stretch_.end) return std::optional<Resumption>{};
  const Result<bool> fits = damaged_.crc_fits(stretch_.file, at_, claimed_end_ - at_);
  if (!fits) return fits.error();
  const Result<std::optional<BatchHeader>> behind = valid_at(claimed_end_);
  if (!behind) return behind.error();
  const bool is_promised = *behind && is_plausible_ && (*behind)->base_offset == claimed_next_;
  if (*behind && (*fits || is_promised)) return std::optional(Resumption{claimed_end_, (*behind)->base_offset});
  if (*fits) at_ = claimed_end_;
  return std::optional<Resumption>{};
}

/// Moves `at_` to the next valid batch, nothing if there is none.
Result<std::optional<BatchHeader>> Search::next_candidate() {
  for (; at_ + proto::kBatchHeaderBytes <= stretch_.end && in_vain_ < kMostBytesInVain; ++at_) {
    const Result<Bytes> bytes = window_.bytes_at(stretch_.file, at_, proto::kBatchHeaderBytes);
    if (!bytes) return bytes.error();
    if (bytes->size() < proto::kBatchHeaderBytes) break;
    if ((*bytes)[proto::batch_field::kMagic] != std::byte{proto::kBatchMagic}) continue;
    const Result<BatchHeader> header = parse_batch_header(*bytes);
    if (!header || !may_follow(*header) || header->size_bytes > stretch_.end - at_) continue;
    Result<std::optional<BatchHeader>> valid = valid_at(at_);
    if (!valid || *valid) return valid;
  }
  return std::optional<BatchHeader>{};
}

/// Whether the damaged batch's checksum fits if it ends where the candidate begins: then only its length is wrong.
Result<bool> Search::damaged_one_ends_here() {
  while (crc_end_ < at_) {
    const Result<Bytes> bytes = damaged_.bytes_at(stretch_.file, crc_end_, 1);
    if (!bytes) return bytes.error();
    if (bytes->empty()) return false;
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes->size(), at_ - crc_end_));
    crc_ = proto::crc32c_extend(crc_, bytes->first(count));
    crc_end_ += count;
  }
  return crc_end_ == at_ && crc_ == stored_crc_;
}

Result<std::optional<Resumption>> Search::by_search() {
  std::optional<Resumption> behind;    // The first one behind the claimed end.
  std::optional<Resumption> crossing;  // The first one inside from which batches go on past the claimed end.
  while (true) {
    const Result<std::optional<BatchHeader>> header = next_candidate();
    if (!header) return header.error();
    if (!*header) break;
    const Resumption here{at_, (*header)->base_offset};
    const Result<bool> is_proven = damaged_one_ends_here();
    if (!is_proven) return is_proven.error();
    if (*is_proven || !is_plausible_) return std::optional(here);
    ScanState chain{.next_offset = here.base, .epoch = (*header)->leader_epoch};
    const Result<std::uint64_t> chain_end = checks_.run(stretch_.file, at_, stretch_.end, chain);
    if (!chain_end) return chain_end.error();
    if (at_ >= claimed_end_ && !behind) behind = here;
    if (at_ < claimed_end_ && *chain_end > claimed_end_ && !crossing) crossing = here;
    at_ = *chain_end;
  }
  // A batch that reaches past the file was torn, whatever its records hold.
  if (claimed_end_ > stretch_.end) return std::optional<Resumption>{};
  return behind ? behind : crossing;
}

Result<std::optional<Resumption>> Search::run() {
  if (const Result<void> read = read_claim(); !read) return read.error();
  Result<std::optional<Resumption>> found = by_claim();
  if (!found || *found) return found;
  at_ = std::max(at_, stretch_.position + proto::kBatchHeaderBytes);
  return by_search();
}

}  // namespace

Result<std::optional<Resumption>> find_resumption(const Stretch& stretch, const ScanState& state) { return Search(stretch, state).run(); }

}  // namespace tidelog::storage
