// `consume --group`: a partition begins where the group has got to in it, or at FROM if it has committed nothing; it ends where the topic
// ended when we started. What was written is committed when it is out, so that a record is written again rather than lost.
#include "cli/commands/consume_common.h"
#include "cli/commands/group_common.h"
#include "cli/interrupt.h"
#include "cli/progress.h"

#include <algorithm>

namespace tidelog::cli {
namespace {

using Time = std::chrono::steady_clock::time_point;
using Offsets = std::map<topic_partition, std::int64_t>;

/// How often what was written is committed, and a member without partitions looks whether the others are done.
constexpr std::chrono::milliseconds kPause{1'000};

/// Reads in a group, and commits what is out.
class GroupCopy {
 public:
  GroupCopy(const Command& command, client& client, RecordSink& sink)
      : command_(command), sink_(sink), admin_(client.admin()), from_(client.make_consumer()) {}

  int run();

 private:
  result<void> start();
  int copy();
  /// None: go on.
  std::optional<int> step(Progress& progress);
  void remember(const record_batch& batch, std::size_t taken);
  void remember_positions();
  result<void> commit();
  void give_up(const std::vector<topic_partition>& partitions);
  void lose(const std::vector<topic_partition>& partitions);
  [[nodiscard]] bool is_done();
  [[nodiscard]] bool others_are_done();

  const Command& command_;
  RecordSink& sink_;
  tidelog::admin admin_;
  consumer from_;
  std::optional<OffsetRange> range_;
  Offsets starts_;
  Offsets ends_;
  Offsets written_;         ///< What is to be committed: the offset behind what was written.
  bool is_broken_ = false;  ///< Standard output takes no more, so nothing that was not out may be committed.
  Time last_news_ = std::chrono::steady_clock::now();
  Time committed_at_ = last_news_;
  Time looked_at_ = last_news_;
  Offsets seen_;  ///< What the group had committed when we last looked.
};

result<void> GroupCopy::start() {
  result<OffsetRange> range = range_of(command_.consume);
  if (!range) return range.error();
  range_ = *range;
  const ConsumeOptions& options = command_.consume;
  const result<std::vector<std::string>> topics =
      options.pattern.empty() ? std::vector{options.topic} : admin_.match_topics(options.pattern);
  if (!topics) return topics.error();
  if (topics->empty() && !options.follows)
    return error(errc::not_found, "no topic matches \"" + options.pattern + "\"")
        .set_hint("the whole name has to: \".*\" matches every topic");
  const auto partitions = partitions_chosen(admin_, *topics);
  if (!partitions) return partitions.error();
  subscription what = options.pattern.empty() ? subscription(*topics) : subscription::matching(options.pattern);
  what.from(range_->from);
  if (range_->until) {
    what.until(*range_->until);
    starts_ = offsets_of(admin_, *partitions, offset_spec::start());
    ends_ = offsets_of(admin_, *partitions, *range_->until);
  }
  what.on_revoked([this](const auto& gone) { give_up(gone); }).on_lost([this](const auto& gone) { lose(gone); });
  what.on_assigned([this](const auto&) { last_news_ = std::chrono::steady_clock::now(); });
  return from_.subscribe(what);
}

int GroupCopy::run() {
  catch_interrupts();
  if (const result<void> started = start(); !started) return fail(command_.global, started.error());
  sink_.begin();
  int ended = copy();
  if (!sink_.flush()) is_broken_ = true;
  sink_.end();
  if (!sink_.is_full()) remember_positions();
  const result<void> committed = commit();
  if (!committed && ended == kOk) ended = fail(command_.global, committed.error());
  (void)from_.close();
  return is_broken_ ? static_cast<int>(kFailed) : ended;
}

int GroupCopy::copy() {
  Progress progress(command_.global, "consuming");
  while (!sink_.is_full() && !was_interrupted() && !is_done()) {
    if (const std::optional<int> ended = step(progress)) return *ended;
  }
  return was_interrupted() ? kInterrupted : kOk;
}

std::optional<int> GroupCopy::step(Progress& progress) {
  const result<record_batch> batch = from_.poll(kPollWait);
  if (!batch) return fail(command_.global, batch.error());
  remember(*batch, sink_.take(*batch));
  const bool is_idle = batch->empty();
  const Time now = std::chrono::steady_clock::now();
  if ((is_idle || sink_.wants_flush() || command_.consume.follows) && !sink_.flush()) return is_broken_ = true, kFailed;
  if (!is_idle) last_news_ = now;
  if (now - committed_at_ >= kPause) {
    committed_at_ = now;
    if (!sink_.flush()) return is_broken_ = true, kFailed;
    // What goes wrong now goes wrong at the end as well, or is mended by then.
    (void)commit();
  }
  if (is_idle && !command_.consume.follows && now - last_news_ > patience_of(command_.global))
    return fail(command_.global, why_nothing_comes(from_, command_.consume));
  progress.update(sink_.records(), sink_.bytes());
  return std::nullopt;
}

void GroupCopy::remember(const record_batch& batch, std::size_t taken) {
  if (taken == 0) return;
  const record_view& last = *(batch.begin() + (taken - 1));
  const topic_partition where(std::string(last.topic()), last.partition());
  // Behind a whole batch there may be offsets without records.
  written_[where] = taken == batch.size() ? from_.position(last.topic(), last.partition()) : last.offset() + 1;
}

/// What holds no records was read, too: without an offset of its own it would begin at FROM again.
void GroupCopy::remember_positions() {
  for (const topic_partition& where : from_.assigned()) written_[where] = from_.position(where.topic(), where.partition());
}

result<void> GroupCopy::commit() {
  if (is_broken_ || written_.empty()) return {};
  std::vector<group_offset> offsets;
  for (const auto& [where, offset] : written_) offsets.emplace_back(where.topic(), where.partition(), offset);
  result<void> committed = from_.commit(offsets);
  if (committed) written_.clear();
  return committed;
}

void GroupCopy::give_up(const std::vector<topic_partition>& partitions) {
  if (!sink_.flush()) is_broken_ = true;
  // If that fails, the next owner writes again what was not committed.
  (void)commit();
  lose(partitions);
}

void GroupCopy::lose(const std::vector<topic_partition>& partitions) {
  for (const topic_partition& each : partitions) written_.erase(each);
  last_news_ = std::chrono::steady_clock::now();
}

/// Whoever has partitions is done with them; whoever has none waits for those that do, and takes over if they die.
bool GroupCopy::is_done() {
  if (!range_->until || !from_.finished()) return false;
  return !from_.assigned().empty() || others_are_done();
}

bool GroupCopy::others_are_done() {
  const Time now = std::chrono::steady_clock::now();
  if (now - looked_at_ < kPause) return false;
  looked_at_ = now;
  const auto committed = admin_.list_group_offsets(command_.consume.group);
  if (!committed) return false;
  Offsets offsets = starts_;
  for (const group_offset& each : *committed) {
    if (starts_.contains(each.where())) offsets[each.where()] = std::max(offsets[each.where()], each.offset());
  }
  if (offsets != seen_) last_news_ = now;
  seen_ = offsets;
  return std::ranges::all_of(ends_, [&](const auto& end) { return offsets[end.first] >= end.second; });
}

}  // namespace

int consume_in_group(const Command& command, client& client, RecordSink& sink) { return GroupCopy(command, client, sink).run(); }

}  // namespace tidelog::cli
