#pragma once

#include "storage/key_value/applied_mark.h"
#include "storage/key_value/key_value_store.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tidelog::storage {

/// Takes in the entries of a view.
class ViewReader {
 public:
  /// Forget what came so far.
  virtual void restart() = 0;
  /// An error: it cannot be read as what it should be. In the order of the keys.
  virtual Result<void> take(std::string_view key, std::string_view value) = 0;

 protected:
  ~ViewReader() = default;
};

/// How a view stands after a step of its opening.
struct ViewState {
  std::optional<AppliedMark> mark;  ///< How far it goes; nothing: it is empty, and has to be made from the front of the log.
  std::string why_rebuilt;          ///< What was thrown away and why, as one line for the log of the process; empty: nothing was.
};

/// What a log's records come to, kept in a `KeyValueStore` so that it need not be made again from all of the log. It may be thrown away at
/// any time: damage makes it empty, and is told, but is no error.
///
/// Life: made without touching the disk. Then, whenever it is first of use,
///   `open`, off-loop;
///   where the log is: does the mark fit (`why_it_does_not_fit`)? If not: `rebuild`, off-loop;
///   `load`, off-loop;
///   `apply` of what the log has above the mark, or from its front on if there is none, and of what comes to be committed.
/// An error of one of these says that the disk does not even hold an empty view: go on without, or begin anew with `open`.
/// Thread: one call at a time, from any thread. Calls wait for the disk.
/// Crash: it is as some `apply` left it, and the mark says which.
/// Invariant: the mark says of which entries it is made, and they are written together.
class LogView {
 public:
  /// `name` is what `why_rebuilt` calls it.
  LogView(KeyValuePlace& place, std::string name) : place_(place), name_(std::move(name)) {}

  Result<ViewState> open();
  /// Throws away what is there.
  Result<ViewState> rebuild(std::string_view why);
  /// Hands over all entries. They are of use only if the answer has a mark: entries that came before damage was found are not.
  Result<ViewState> load(ViewReader& reader);

  struct Progress {
    std::uint64_t log_id = 0;
    LogPoint point;  ///< Where the changes bring the view.
    Offset high_watermark;
  };
  /// Makes the changes that the batches from the mark to `to.point` come to. On error it is as before, and closed if the store failed.
  /// `out_of_range`: not committed yet: what may still be cut off the log may not be in a view (R9). `invalid`: another log, a step back,
  /// or an entry of ours.
  Result<void> apply(WriteBatch changes, const Progress& to);
  /// `not_found`: no such key.
  Result<std::string> get(std::string_view key);
  /// Makes all that was applied survive power loss: now and then, and before the end.
  Result<void> sync();
  [[nodiscard]] bool is_ready() const { return is_ready_; }
  void close();

 private:
  [[nodiscard]] ViewState state() const { return {.mark = mark_, .why_rebuilt = {}}; }
  Result<std::optional<AppliedMark>> read_mark();
  Result<EntrySum> read_entries(ViewReader& reader);
  Result<EntrySum> sum_after(const WriteBatch& changes);
  Errc failed(Errc error);

  KeyValuePlace& place_;
  std::string name_;
  std::unique_ptr<KeyValueStore> store_;  ///< Null while it is closed.
  std::optional<AppliedMark> mark_;
  bool is_ready_ = false;  ///< What is stored was read, or there is nothing.
};

}  // namespace tidelog::storage
