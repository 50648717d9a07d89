#include "broker/journal_keeper.h"

#include "broker/logging/log.h"
#include "broker/shard/run_on.h"
#include "storage/disk/disk_error.h"
#include "storage/journal/file_header.h"
#include "storage/journal/reader.h"

#include <algorithm>
#include <array>

namespace tidelog::broker {
namespace {

constexpr std::uint32_t kFiles = 8;
/// Smaller ones are full before the next checkpoint.
constexpr std::uint64_t kSmallestFile = 128 * 1024;
/// Of the disk's size at most this, and of what is free at most that share.
constexpr std::uint64_t kShareOfDisk = 100, kShareOfFree = 4;

std::uint64_t random_number(Random& random) {
  std::array<std::byte, 8> bytes;
  random.fill(bytes);
  return load_be<std::uint64_t>(bytes.data());
}

/// Above every round that is left of earlier runs, so that they never pass for newer ones.
Result<std::uint64_t> next_round(storage::FileSystem& files, const LogDir& dir, const Uuid& disk_id) {
  const auto ignore = [](const storage::JournalEntry&, const storage::BatchLocation&) {};
  const Result<storage::JournalEnd> end =
      storage::read_journal(files, {.log_dir = dir.path(), .disk_id = disk_id}, storage::JournalPosition{}, ignore);
  return end ? Result<std::uint64_t>(end->next_round) : end.error();
}

}  // namespace

storage::JournalShape JournalKeeper::shape_for(const storage::DiskSpace& space) const {
  const auto wanted = static_cast<std::uint64_t>(options_.journal_bytes);
  const std::uint64_t most = std::min({wanted, space.total_bytes / kShareOfDisk, space.usable_bytes / kShareOfFree});
  const std::uint64_t file_bytes = most / kFiles / storage::kJournalBlockBytes * storage::kJournalBlockBytes;
  return {.files = file_bytes < kSmallestFile ? 0 : kFiles, .file_bytes = file_bytes};
}

asio::awaitable<bool> JournalKeeper::prepare(LogDir& dir, Loop& home) {
  if (journal_.is_open() || !journal_.is_wanted() || options_.journal_bytes == 0) co_return false;
  storage::Journal::Start start{
      .run_id = random_number(env_.random()), .salt = random_number(env_.random()), .writes_again = dir.had_failed_sync()};
  Result<std::unique_ptr<storage::Journal>> made = Errc::no_space;
  Job make = [&, start]() mutable {
    const Uuid disk_id = Uuid::parse(dir.identity().directory_id);
    const Result<storage::DiskSpace> space = env_.files().space(dir.path());
    const storage::JournalShape shape = space ? shape_for(*space) : storage::JournalShape{.files = 0};
    if (shape.files == 0) return;
    const Result<std::uint64_t> round = next_round(env_.files(), dir, disk_id);
    if (!round) {
      made = round.error();
      return;
    }
    start.next_round = *round;
    made = storage::Journal::open(env_.files(), {.log_dir = dir.path(), .disk_id = disk_id}, shape, start);
  };
  co_await run_blocking(env_, home, std::move(make));
  if (!made) {
    if (!std::exchange(was_refused_, true)) {
      log_warn("no journal in {}: {}. Records are as safe without it; many partitions written at once are slower", dir.path(),
               storage::describe_disk_error(made.error()));
    }
    co_return false;
  }
  prepared_ = std::move(*made);
  replay_from_ = prepared_->next();
  co_return true;
}

asio::awaitable<void> JournalKeeper::look_for_one(const LogDir& dir, Loop& home) {
  bool is_there = false;
  Job look = [&] { is_there = env_.files().stat(storage::journal_directory(dir.path())).has_value(); };
  co_await run_blocking(env_, home, std::move(look));
  if (is_there) journal_.want();
}

void JournalKeeper::use() { journal_.open(std::move(prepared_)); }

void JournalKeeper::advance(const std::optional<storage::JournalPosition>& from) {
  if (from) replay_from_ = from;
}

void JournalKeeper::release() {
  if (replay_from_) journal_.release(*replay_from_);
}

}  // namespace tidelog::broker
