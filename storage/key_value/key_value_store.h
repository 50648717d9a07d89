#pragma once

#include "proto/base/result.h"
#include "storage/key_value/write_batch.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::storage {

struct KeyValue {
  std::string key;
  std::string value;
  bool operator==(const KeyValue&) const = default;
};

/// Keys from `from` on and below `to`, by their bytes as unsigned numbers. An empty `to` is no bound.
struct KeyRange {
  std::string from;
  std::string to;
};

/// How much one scan may return. It may pass `bytes` for the sake of one entry.
struct ScanLimit {
  std::size_t entries = 1000;
  std::size_t bytes = 1U << 20;
};

struct ScanPage {
  std::vector<KeyValue> entries;    ///< In the order of their keys.
  std::optional<std::string> next;  ///< Where the range goes on; nothing: that was all of it.
};

/// An ordered map from keys to values, for state that can be made again from elsewhere: it is never the only home of anything.
///
/// Thread: one call at a time, from any thread. Calls wait for the disk.
/// Crash: what a `write` changed is there as a whole or not at all, and not without all writes before it. What was written before the last
/// `sync` that succeeded is there, unless the disk lost it.
class KeyValueStore {
 public:
  KeyValueStore() = default;
  KeyValueStore(const KeyValueStore&) = delete;
  KeyValueStore& operator=(const KeyValueStore&) = delete;
  virtual ~KeyValueStore() = default;

  /// `not_found`: no such key. `corrupt`: what is stored has changed where it lies.
  virtual Result<std::string> get(std::string_view key) = 0;
  /// The front of `range`: at least one entry if it has any. `invalid`: a limit of no entries.
  virtual Result<ScanPage> scan(const KeyRange& range, const ScanLimit& limit) = 0;
  /// Makes all changes or, on error, none.
  virtual Result<void> write(const WriteBatch& batch) = 0;
  /// Removes all there is, as one change. On error the store is of no use any more: all calls fail with `offline`.
  virtual Result<void> clear() = 0;
  /// Returns once everything written before survives power loss.
  virtual Result<void> sync() = 0;
};

/// Where a store is kept: opened, and thrown away, as a whole.
class KeyValuePlace {
 public:
  KeyValuePlace() = default;
  KeyValuePlace(const KeyValuePlace&) = delete;
  KeyValuePlace& operator=(const KeyValuePlace&) = delete;
  virtual ~KeyValuePlace() = default;

  /// Whether there is anything, whatever state it is in. Waits for the disk; changes nothing.
  virtual bool exists() = 0;
  /// What is there, or an empty store if nothing is. One at a time. An error says that it is damaged, or that the disk fails; damage may
  /// also show later, in any call of the store.
  virtual Result<std::unique_ptr<KeyValueStore>> open() = 0;
  /// Removes what is there, whatever state it is in. Needs the store closed. A crash leaves all of it, or nothing that `open` sees.
  virtual Result<void> discard() = 0;
};

}  // namespace tidelog::storage
