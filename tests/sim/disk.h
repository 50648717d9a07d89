#pragma once

#include "storage/disk/file_system.h"
#include "tests/sim/inode.h"
#include "tests/sim/world.h"

#include <set>

namespace tidelog::sim {

/// How a process ends.
enum class CrashKind : std::uint8_t {
  process_kill,  ///< The machine goes on: everything written is there, though not all of it is safe yet.
  power_loss,    ///< What was not synced survives, vanishes or tears.
};

/// Faults that wait for their chance. Budgets count down; a fault without budget left never happens.
struct DiskFaults {
  std::uint64_t capacity_bytes = UINT64_MAX;
  std::uint64_t sync_errors = 0, sync_error_per_mille = 0;
  std::uint64_t write_errors = 0, write_error_per_mille = 0;
  std::uint64_t read_errors = 0, read_error_per_mille = 0;
  std::uint64_t write_latency_ns = 0;  ///< The most a call costs; reads are cheap, syncs 20 times as dear.
  std::uint64_t sync_latency_ns = 0;
  std::uint64_t cold_per_mille = 0;  ///< Reads that would wait for the disk.
};

/// One disk that outlives the processes using it.
/// Crash: `crash` ends every handle and lock; a handle that is used afterwards gets `Errc::io`. Power loss gives Linux' boot id, which can
/// be read where it always is, another value.
class SimDisk final : public storage::FileSystem {
 public:
  SimDisk(World& world, Dice dice);
  ~SimDisk() override;

  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override;
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override;
  Result<storage::DirEntry> stat(const std::string& path) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& path) override;
  Result<void> sync_dir(const std::string& directory) override;
  Result<void> sync_disk(const std::string& path) override;
  Result<storage::DiskSpace> space(const std::string& path) override;
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override;

  Losses crash(CrashKind kind, const PowerLoss& how);
  /// The disk stays as it is just before the `changes`-th change from now, whatever the process still does to it; `on_stop` is called then.
  /// Lets a crash fall between any two changes, though the code that makes them never suspends between them.
  void stop_after(std::uint64_t changes, std::function<void()> on_stop);
  /// The same from now on.
  void stop_now();
  [[nodiscard]] bool is_stopped() const { return stopped_as_.has_value(); }

  DiskFaults faults;
  [[nodiscard]] std::uint64_t used_bytes() const;
  /// Calls that failed since the last crash: who gives up after one is in his right.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  /// For tests that look under the port.
  [[nodiscard]] std::shared_ptr<FileInode> file(const std::string& path) const;
  /// Every file's path, sorted.
  [[nodiscard]] std::vector<std::string> all_files() const;

 private:
  friend class SimFile;
  friend class SimDirLock;
  struct State;
  struct Place;

  [[nodiscard]] Result<Place> locate(const std::string& path) const;
  [[nodiscard]] Result<std::shared_ptr<DirectoryInode>> find_directory(const std::string& path) const;
  void before_change();
  /// True: this call fails; counts down the budget.
  bool strikes(Dice& dice, std::uint64_t& budget, std::uint64_t per_mille);
  Result<void> room_for(const FileInode& file, std::uint64_t end);

  World& world_;
  Dice dice_;
  Dice sync_faults_, write_faults_, read_faults_, cold_, latency_, losses_;
  Node root_;
  std::shared_ptr<State> state_;  ///< Shared with handles, which may outlive a crash.
  std::uint64_t boots_ = 1;
  std::uint64_t changes_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t stop_at_ = UINT64_MAX;
  std::function<void()> on_stop_;
  std::optional<Node> stopped_as_;
};

}  // namespace tidelog::sim
