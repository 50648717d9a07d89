#include "storage/journal/restore.h"

#include "proto/record/batch.h"
#include "storage/log/batch_header.h"
#include "storage/log/damage.h"
#include "storage/log/file_names.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace tidelog::storage {
namespace {

/// The end of a log's files while batches are appended to it.
class Restore {
 public:
  Restore(const LogPlace& place, RecoveredFiles& recovered, RecoveryReport& report)
      : place_(place), recovered_(recovered), report_(report) {}

  /// Goes on at `to`: the offsets up to then are missing.
  Result<void> skip_to(Offset to) {
    RecoveryPoint& end = recovered_.end;
    const DamagedRange range{
        .from = end.offset, .to = to, .segment_base = end.segment_base, .position = end.position, .end_position = end.position};
    if (const Result<void> finished = finish_file(); !finished) return finished;
    recovered_.damage.add(range);
    has_new_damage_ = true;
    ++report_.ranges_damaged;
    report_.notes.push_back(
        describe(place_.directory, range) +
        ". They were acknowledged, and the journal does not have them either: they are not served, the rest of the log is");
    // A file of its own, as if the log had been rolled there.
    end = {.log_start = end.log_start, .offset = to, .segment_base = to, .position = 0};
    recovered_.scanned = true;
    return open_file();
  }

  Result<void> append(const LiveBatch& batch, Bytes bytes) {
    if (file_ == nullptr) {
      if (const Result<void> opened = open_file(); !opened) return opened;
    }
    RecoveryPoint& end = recovered_.end;
    if (const Result<void> written = file_->write_at(end.position, {&bytes, 1}); !written) return written;
    end.position += bytes.size();
    end.offset = batch.last_offset + 1;
    recovered_.scanned = true;
    ++count_;
    return {};
  }

  Result<void> finish() {
    if (const Result<void> finished = finish_file(); !finished) return finished;
    if (has_new_damage_ && !replace_file(*place_.files, place_.directory + "/" + std::string(kDamageFile), recovered_.damage.encode())) {
      report_.notes.push_back(place_.directory + ": what is damaged could not be noted there, and is looked for again when it is read");
    }
    if (count_ == 0) return {};
    report_.batches_restored += count_;
    report_.notes.push_back(path() + ": " + std::to_string(count_) + " batches came from the journal, up to offset " +
                            std::to_string(recovered_.end.offset.value));
    return {};
  }

 private:
  [[nodiscard]] std::string path() const { return offset_file(place_.directory, recovered_.end.segment_base, kLogSuffix); }

  Result<void> open_file() {
    Result<std::unique_ptr<File>> file = place_.files->open(path(), OpenMode::create);
    if (!file) return file.error();
    file_ = std::move(*file);
    return {};
  }

  Result<void> finish_file() {
    if (file_ == nullptr) return {};
    if (const Result<void> synced = file_->sync(); !synced) return synced;
    file_.reset();
    return place_.files->sync_dir(place_.directory);
  }

  const LogPlace& place_;
  RecoveredFiles& recovered_;
  RecoveryReport& report_;
  std::unique_ptr<File> file_;
  std::size_t count_ = 0;
  bool has_new_damage_ = false;
};

/// A round's checksum says that the bytes are those that were handed over. They were read back from the segment for it, so only their own
/// checksum says that they are those that came from the producer.
bool is_whole(const LiveBatch& batch, Bytes bytes) {
  const Result<proto::BatchView> view = proto::BatchView::parse(bytes);
  return view && view->size_bytes() == bytes.size() && view->base_offset() == batch.base_offset && view->crc_ok();
}

}  // namespace

Result<void> restore_from_journal(const LogPlace& place, const JournaledLog& log, RecoveredFiles& recovered, RecoveryReport& report) {
  Restore restore(place, recovered, report);
  std::optional<Offset> missing_to;  ///< Behind the end of the files; one gap, however many batches are missing in it.
  for (const LiveBatch& batch : log.journal.of(log.log_id)) {
    const Offset end = missing_to.value_or(recovered.end.offset);
    if (batch.last_offset < end) continue;  // The files have it, or it lies below the log start.
    if (batch.base_offset > end) missing_to = batch.base_offset;
    const Result<std::vector<std::byte>> bytes = log.journal.read(batch);
    if (!bytes && bytes.error() != Errc::corrupt) return bytes.error();
    // Where the files end within the batch they have another one there.
    if (batch.base_offset < end || !bytes || !is_whole(batch, *bytes)) {
      missing_to = batch.last_offset + 1;
      continue;
    }
    if (missing_to) {
      if (const Result<void> skipped = restore.skip_to(*std::exchange(missing_to, std::nullopt)); !skipped) return skipped;
    }
    if (const Result<void> appended = restore.append(batch, *bytes); !appended) return appended;
  }
  if (missing_to) {
    if (const Result<void> skipped = restore.skip_to(*missing_to); !skipped) return skipped;
  }
  return restore.finish();
}

}  // namespace tidelog::storage
