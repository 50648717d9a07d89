#include "broker/partition/log_sizes.h"

#include "broker/shard/let_others_go_on.h"
#include "broker/shard/run_on.h"
#include "storage/log/log.h"

namespace tidelog::broker {
namespace {

/// Directories in one look: less than a millisecond of a disk that is well.
constexpr std::size_t kInOneLook = 16;
/// So many answers are picked up from others before others have their turn on the loop.
constexpr std::size_t kInOneStep = 1000;

}  // namespace

/// That somebody asks.
class LogSizes::Asking {
 public:
  explicit Asking(LogSizes& sizes) : sizes_(sizes), place_(sizes.asked_.insert(sizes.last_)) {}
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking() {
    sizes_.asked_.erase(place_);
    if (sizes_.asked_.empty()) sizes_.found_.clear();
  }
  [[nodiscard]] Look since() const { return *place_; }

 private:
  LogSizes& sizes_;
  std::multiset<Look>::iterator place_;
};

asio::awaitable<Result<storage::DiskSpace>> LogSizes::measure(const std::string& log_dir, std::vector<LogSize>& logs) {
  const Asking asking(*this);
  const Turns::Turn turn = co_await turns_.take();
  std::vector<LogSize*> few;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    if (!was_found_since(asking.since(), logs[i])) few.push_back(&logs[i]);
    if (few.size() == kInOneLook) {
      co_await look(log_dir, few);
      few.clear();
    } else if ((i + 1) % kInOneStep == 0) {
      co_await let_others_go_on(loop_);
    }
  }
  if (!few.empty() || rooms_[log_dir].look <= asking.since()) co_await look(log_dir, few);
  co_return rooms_[log_dir].space;
}

/// A look that was under way when somebody asked may have begun too early for them.
bool LogSizes::was_found_since(Look asked, LogSize& log) const {
  const auto found = found_.find(log.id);
  if (found == found_.end() || found->second.look <= asked) return false;
  log.bytes = found->second.bytes;
  return true;
}

asio::awaitable<void> LogSizes::look(const std::string& log_dir, std::span<LogSize* const> logs) {
  const Look mine = ++last_;
  storage::FileSystem& files = env_.files();
  Result<storage::DiskSpace> space = Errc::io;
  Job ask = [&] {
    space = files.space(log_dir);
    for (LogSize* log : logs) log->bytes = storage::Log::size_on_disk({.files = &files, .directory = log->directory});
  };
  co_await run_blocking(env_, loop_, std::move(ask));
  rooms_.insert_or_assign(log_dir, Room{.look = mine, .space = space});
  if (asked_.size() == 1) co_return;  // Whoever asks from now on cannot use it.
  for (const LogSize* log : logs) found_.insert_or_assign(log->id, Found{.look = mine, .bytes = log->bytes});
  if (last_ >= forget_at_) forget_old();
}

/// In a crowd that never ends, logs that are deleted would stay. Seldom enough that each look pays for a few.
void LogSizes::forget_old() {
  std::erase_if(found_, [oldest = *asked_.begin()](const auto& entry) { return entry.second.look <= oldest; });
  forget_at_ = last_ + 64 + found_.size() / kInOneLook;
}

}  // namespace tidelog::broker
