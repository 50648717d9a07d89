#pragma once

#include "proto/base/result.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tidelog::storage {

inline constexpr std::size_t kMaxKeyBytes = 64 * 1024;
inline constexpr std::size_t kMaxValueBytes = 8U << 20;
/// Of one batch: keys, values, and for each change what it takes beside them.
inline constexpr std::size_t kMaxWriteBatchBytes = 16U << 20;
inline constexpr std::size_t kChangeOverheadBytes = 64;

/// Changes that a `KeyValueStore` makes as one. Of two changes of one key the later one counts.
/// Invariant: within the limits above, so a store need not check them.
class WriteBatch {
 public:
  /// By key, in the order of their bytes; nothing: the key goes.
  using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;

  /// `invalid`: an empty key; `too_large`: above a limit. On error the batch is as it was.
  Result<void> put(std::string_view key, std::string_view value);
  /// The same for a key that is to go, whether it is there or not.
  Result<void> erase(std::string_view key);

  [[nodiscard]] const Changes& changes() const { return changes_; }
  [[nodiscard]] bool empty() const { return changes_.empty(); }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  Result<void> set(std::string_view key, std::optional<std::string_view> value);

  Changes changes_;
  std::size_t size_bytes_ = 0;
};

}  // namespace tidelog::storage
