#include "storage/key_value/rocksdb_store.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <cstdarg>
#include <exception>

namespace tidelog::storage {
namespace {

constexpr std::size_t kWriteBufferBytes = 4U << 20;
constexpr int kWriteBuffers = 2;
constexpr int kOpenFiles = 64;
constexpr std::size_t kTableFileBytes = 4U << 20;
constexpr std::size_t kManifestBytes = 1U << 20;
constexpr std::size_t kManifestPreallocatedBytes = 64U << 10;

/// What went wrong comes back from each call; a log file would only grow.
class SilentLogger final : public rocksdb::Logger {
 public:
  SilentLogger() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

rocksdb::BlockBasedTableOptions table_options() {
  rocksdb::BlockBasedTableOptions options;
  // State is read in one go when it is loaded, and the system's cache has it then.
  options.no_block_cache = true;
  return options;
}

rocksdb::Options store_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  options.force_consistency_checks = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options()));
  options.compression = rocksdb::kNoCompression;

  options.write_buffer_size = kWriteBufferBytes;
  options.max_write_buffer_number = kWriteBuffers;
  options.target_file_size_base = kTableFileBytes;
  options.max_manifest_file_size = kManifestBytes;
  options.manifest_preallocation_size = kManifestPreallocatedBytes;
  options.max_open_files = kOpenFiles;

  // Threads: one writes out, one compacts, one is RocksDB's own clock. No other for opening files, nor for getting well by itself: who
  // meets an error throws the store away.
  options.max_background_jobs = 1;
  options.max_subcompactions = 1;
  options.max_file_opening_threads = 1;
  options.max_bgerror_resume_count = 0;
  options.enable_write_thread_adaptive_yield = false;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;

  // `sync` says what has to stay. A destructor that wrote would wait, and could tell nobody that it failed.
  options.avoid_flush_during_shutdown = true;
  options.info_log = std::make_shared<SilentLogger>();
  return options;
}

rocksdb::ReadOptions read_options() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  return options;
}

Errc to_errc(const rocksdb::Status& status) {
  if (status.IsNotFound()) return Errc::not_found;
  if (status.IsCorruption()) return Errc::corrupt;
  if (status.IsNoSpace()) return Errc::no_space;
  return Errc::io;
}

Result<void> to_result(const rocksdb::Status& status) {
  if (status.ok()) return {};
  return to_errc(status);
}

rocksdb::Slice to_slice(std::string_view text) { return {text.data(), text.size()}; }

Result<std::unique_ptr<rocksdb::DB>> open_database(const std::string& directory) {
  // It reports by status, but the threads it starts are those of the standard library, which throws where there can be no more.
  try {
    rocksdb::DB* opened = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(store_options(), directory, &opened);
    if (!status.ok()) return to_errc(status);
    return std::unique_ptr<rocksdb::DB>(opened);
  } catch (const std::exception&) {
    return Errc::io;
  }
}

/// Without this file RocksDB takes any directory for a new one, in which it begins anew without a word.
Result<void> check_first_file(FileSystem& files, const std::string& store) {
  if (const Result<DirEntry> current = files.stat(store + "/CURRENT"); current || current.error() != Errc::not_found) return {};
  const Result<std::vector<DirEntry>> others = files.list(store);
  if (!others) return others.error() == Errc::not_found ? Result<void>() : others.error();
  return others->empty() ? Result<void>() : Errc::corrupt;
}

class RocksdbStore final : public KeyValueStore {
 public:
  RocksdbStore(std::unique_ptr<rocksdb::DB> database, FileSystem& files, std::string directory)
      : database_(std::move(database)), files_(files), directory_(std::move(directory)) {}

  Result<std::string> get(std::string_view key) override;
  Result<ScanPage> scan(const KeyRange& range, const ScanLimit& limit) override;
  Result<void> write(const WriteBatch& batch) override;
  Result<void> clear() override;
  Result<void> sync() override;

 private:
  std::unique_ptr<rocksdb::DB> database_;  ///< Null once `clear` failed.
  FileSystem& files_;
  std::string directory_;  ///< Of the place.
};

Result<std::string> RocksdbStore::get(std::string_view key) {
  if (!database_) return Errc::offline;
  std::string value;
  if (const rocksdb::Status status = database_->Get(read_options(), to_slice(key), &value); !status.ok()) return to_errc(status);
  return value;
}

Result<ScanPage> RocksdbStore::scan(const KeyRange& range, const ScanLimit& limit) {
  if (!database_) return Errc::offline;
  if (limit.entries == 0) return Errc::invalid;
  ScanPage page;
  if (!range.to.empty() && range.from >= range.to) return page;
  const rocksdb::Slice bound = to_slice(range.to);
  rocksdb::ReadOptions options = read_options();
  if (!range.to.empty()) options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator(options));
  std::size_t bytes = 0;
  for (at->Seek(to_slice(range.from)); at->Valid(); at->Next()) {
    bytes += at->key().size() + at->value().size();
    if (page.entries.size() == limit.entries || (bytes > limit.bytes && !page.entries.empty())) {
      page.next = at->key().ToString();
      break;
    }
    page.entries.push_back({.key = at->key().ToString(), .value = at->value().ToString()});
  }
  // The end of what can be read looks like the end of the range.
  if (const rocksdb::Status status = at->status(); !status.ok()) return to_errc(status);
  return page;
}

Result<void> RocksdbStore::write(const WriteBatch& batch) {
  if (!database_) return Errc::offline;
  rocksdb::WriteBatch changes(batch.size_bytes());
  for (const auto& [key, value] : batch.changes()) {
    const rocksdb::Status added = value ? changes.Put(to_slice(key), to_slice(*value)) : changes.Delete(to_slice(key));
    if (!added.ok()) return to_errc(added);
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return to_result(database_->Write(options, &changes));
}

// By a new store, not by a deletion of all keys: whatever state the old files are in, they are gone at once.
Result<void> RocksdbStore::clear() {
  if (!database_) return Errc::offline;
  database_.reset();
  RocksdbPlace place(files_, directory_);
  if (const Result<void> gone = place.discard(); !gone) return gone;
  Result<std::unique_ptr<rocksdb::DB>> empty = open_database(RocksdbPlace::store_in(directory_));
  if (!empty) return empty.error();
  database_ = std::move(*empty);
  return {};
}

Result<void> RocksdbStore::sync() {
  if (!database_) return Errc::offline;
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true;
  return to_result(database_->Flush(options));
}

}  // namespace

bool RocksdbPlace::exists() {
  const Result<DirEntry> there = files_.stat(store_in(directory_));
  return there || there.error() != Errc::not_found;
}

Result<std::unique_ptr<KeyValueStore>> RocksdbPlace::open() {
  // Only the last level: where a log was whose view it is, nothing comes back by itself.
  const std::string parent = directory_.substr(0, directory_.find_last_of('/'));
  if (const Result<DirEntry> there = files_.stat(parent); !there) return there.error();
  if (const Result<void> made = files_.make_directory(directory_); !made) return made.error();
  // What a crash left of a store that was thrown away.
  if (const Result<void> gone = files_.remove_all(discarded()); !gone) return gone.error();
  if (const Result<void> whole = check_first_file(files_, store_in(directory_)); !whole) return whole.error();
  Result<std::unique_ptr<rocksdb::DB>> database = open_database(store_in(directory_));
  if (!database) return database.error();
  return std::unique_ptr<KeyValueStore>(std::make_unique<RocksdbStore>(std::move(*database), files_, directory_));
}

Result<void> RocksdbPlace::discard() {
  if (const Result<void> gone = files_.remove_all(discarded()); !gone) return gone;
  // Under another name first: of a store that is gone in part, what is left must not be opened.
  const Result<void> moved = files_.rename(store_in(directory_), discarded());
  if (!moved && moved.error() == Errc::not_found) return {};
  if (!moved) return moved;
  return files_.remove_all(discarded());
}

}  // namespace tidelog::storage
