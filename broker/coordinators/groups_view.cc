#include "broker/coordinators/groups_view.h"

#include "broker/coordinators/stored_records.h"
#include "broker/logging/log.h"
#include "broker/partition/partition.h"
#include "broker/partition/services.h"
#include "broker/shard/run_on.h"
#include "proto/base/as_text.h"
#include "storage/disk/disk_error.h"
#include "storage/key_value/log_history.h"

#include <utility>

namespace tidelog::broker {
namespace {

/// Read and applied at a time. A batch of changes has room for some times as much.
constexpr std::size_t kStepBytes = 1U << 20;

/// Keys of a view may not begin with a zero, and those of records do.
constexpr char kRecordKey = 'r';

class Collected final : public storage::ViewReader {
 public:
  void restart() override { records.clear(); }
  Result<void> take(std::string_view key, std::string_view value) override {
    if (key.empty() || key.front() != kRecordKey) return Errc::corrupt;
    records.push_back({.key = std::string(key.substr(1)), .value = std::string(value)});
    return {};
  }
  std::vector<storage::KeyValue> records;
};

/// Who wants to know only that all of it can be read.
class Passed final : public storage::ViewReader {
 public:
  void restart() override {}
  Result<void> take(std::string_view /*key*/, std::string_view /*value*/) override { return {}; }
};

/// The last value of each key.
class Changes {
 public:
  void add(const proto::RecordView& record) {
    key_.assign(1, kRecordKey).append(as_text(record.key));
    const Result<void> added = record.value.data() == nullptr ? batch_.erase(key_) : batch_.put(key_, as_text(record.value));
    if (!added) error_ = added.error();
  }
  [[nodiscard]] const std::optional<Errc>& error() const { return error_; }
  [[nodiscard]] storage::WriteBatch take() { return std::move(batch_); }

 private:
  storage::WriteBatch batch_;
  std::string key_;
  std::optional<Errc> error_;
};

}  // namespace

/// A view while something is done with it.
struct GroupsView::Open {
  Open(std::unique_ptr<storage::KeyValuePlace> its, std::string name) : place(std::move(its)), view(*place, std::move(name)) {}

  std::unique_ptr<storage::KeyValuePlace> place;
  storage::LogView view;
  std::optional<storage::AppliedMark> mark;
  /// All of it was read from the log since it was opened: what the log has no more, it never had.
  bool is_from_front = false;
};

Partition* GroupsView::partition() const { return shard_.partitions.find(id_); }

std::unique_ptr<GroupsView::Open> GroupsView::place() const {
  Partition* const log = partition();
  if (log == nullptr) return nullptr;
  std::unique_ptr<storage::KeyValuePlace> place = shard_.shard.env().view_place(log->log().directory() + "/view");
  if (place == nullptr) return nullptr;
  return std::make_unique<Open>(std::move(place),
                                "the view of the groups in partition " + std::to_string(id_.partition.value) + " of __consumer_offsets");
}

asio::awaitable<void> GroupsView::off_loop(Job job) const { return run_blocking(shard_.shard.env(), shard_.shard.loop(), std::move(job)); }

void GroupsView::tell(Errc error) const {
  log_warn("there is no view of the groups in partition {} of __consumer_offsets ({}): a start reads its whole log", id_.partition.value,
           storage::describe_disk_error(error));
}

Result<void> GroupsView::take(Open& view, const Result<storage::ViewState>& said) {
  if (!said) return said.error();
  view.mark = said->mark;
  if (!said->mark) view.is_from_front = true;
  if (!said->why_rebuilt.empty()) log_info("{}", said->why_rebuilt);
  return {};
}

std::optional<std::string_view> GroupsView::why_it_does_not_fit(const Open& view) const {
  Partition* const log = partition();
  if (log == nullptr || !view.mark) return std::nullopt;
  if (log->state().log_start.value > 0) return "the log has lost its front";
  storage::HistoryOfLog history(log->log());
  return storage::why_it_does_not_fit(*view.mark, history);
}

asio::awaitable<Result<void>> GroupsView::open(Open& view, storage::ViewReader& reader) const {
  Result<storage::ViewState> said = Errc::closed;
  co_await off_loop([&] { said = view.view.open(); });
  if (const Result<void> taken = take(view, said); !taken) co_return taken;
  const std::optional<std::string_view> misfit = why_it_does_not_fit(view);
  co_await off_loop([&] { said = misfit ? view.view.rebuild(*misfit) : view.view.load(reader); });
  co_return take(view, said);
}

asio::awaitable<bool> GroupsView::exists() const {
  const Partition* const log = partition();
  if (log == nullptr || log->state().log_end.value == 0) co_return false;
  const std::unique_ptr<Open> view = place();
  if (view == nullptr) co_return false;
  bool exists = false;
  co_await off_loop([&] { exists = view->place->exists(); });
  co_return exists;
}

asio::awaitable<std::optional<GroupsView::Start>> GroupsView::load() const {
  const std::unique_ptr<Open> view = place();
  if (view == nullptr) co_return std::nullopt;
  Collected collected;
  const Result<void> opened = co_await open(*view, collected);
  co_await off_loop([&] { view->view.close(); });
  if (!opened) tell(opened.error());
  if (!opened || !view->mark) co_return std::nullopt;
  co_return Start{.records = std::move(collected.records), .next = view->mark->point.next_offset};
}

asio::awaitable<void> GroupsView::catch_up(const std::function<bool()>& goes_on) const {
  const std::unique_ptr<Open> view = place();
  if (view == nullptr) co_return;
  Passed passed;
  Result<void> done = co_await open(*view, passed);
  if (done) done = co_await follow(*view, goes_on);
  co_await off_loop([&] {
    if (done) done = view->view.sync();
    view->view.close();
  });
  if (!done && goes_on() && partition() != nullptr) tell(done.error());
}

asio::awaitable<void> GroupsView::discard() const {
  const std::unique_ptr<Open> view = place();
  if (view == nullptr) co_return;
  Result<void> gone;
  co_await off_loop([&] { gone = view->place->discard(); });
  if (!gone) tell(gone.error());
}

asio::awaitable<Result<void>> GroupsView::follow(Open& view, const std::function<bool()>& goes_on) const {
  while (Partition* const log = partition()) {
    if (!goes_on()) co_return Result<void>();
    const PartitionState at = log->state();
    const Result<storage::Slice> slice = log->read(view.mark ? view.mark->point.next_offset : at.log_start, kStepBytes, true);
    if (!slice) co_return slice.error();
    if (slice->empty()) co_return Result<void>();
    const storage::LogView::Progress to{.log_id = log->log().identity().log_id, .point = {}, .high_watermark = at.high_watermark};
    Result<storage::ViewState> said = Errc::closed;
    co_await off_loop([&] { said = apply(view, *slice, to); });
    if (const Result<void> taken = take(view, said); !taken) co_return taken;
  }
  co_return Errc::not_leader;
}

Result<storage::ViewState> GroupsView::apply(Open& view, const storage::Slice& slice, storage::LogView::Progress to) {
  const Result<std::vector<std::byte>> bytes = read_whole(slice);
  if (!bytes) return bytes.error();
  Changes changes;
  proto::RecordReader reader;
  const Result<StoredWalk> walk = for_each_stored(*bytes, reader, [&](const proto::RecordView& record) { changes.add(record); });
  if (!walk) return walk.error();
  if (!walk->is_as_written && !view.is_from_front) return view.view.rebuild("the log behind it was compacted");
  if (changes.error()) return *changes.error();
  if (!walk->end) return Errc::corrupt;
  to.point = *walk->end;
  if (const Result<void> applied = view.view.apply(changes.take(), to); !applied) return applied.error();
  return storage::ViewState{.mark = storage::AppliedMark{.log_id = to.log_id, .point = to.point, .entries = {}}, .why_rebuilt = {}};
}

}  // namespace tidelog::broker
