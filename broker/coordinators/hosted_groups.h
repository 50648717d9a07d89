#pragma once

#include "broker/coordinators/group_settings.h"
#include "broker/coordinators/groups_memory.h"
#include "broker/coordinators/groups_view.h"
#include "broker/coordinators/late_mail.h"
#include "broker/group/group_machine.h"
#include "broker/partition/ack_waiters.h"
#include "broker/shard/gate.h"
#include "broker/shard/timers.h"
#include "broker/shard/turns.h"
#include "proto/record/builder.h"
#include "proto/record/reader.h"
#include "storage/log/slice.h"

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidelog::broker {

class Partition;
struct ShardServices;

/// What the coordinators of one shard have in common.
struct CoordinatorHost {
  ShardServices& shard;
  const TopicsView& topics;
  const ImageSettings& settings;
  GroupsMemory& memory;
  Gate& gate;  ///< Held by whatever runs in the background.
  /// One view is open at a time: it has memory and threads of its own, and one of a coordinator that is gone may still be.
  Turns& viewing;
  const bool& is_starting;  ///< Clients wait for others to be loaded: views can wait.
};

/// The groups that one partition of `__consumer_offsets` keeps, and what is done with what their machine decides: its records are appended
/// within the step, every answer waits until they are committed (RULES.md R8).
///
/// Life: shared by its shard and by whoever waits for it. Made loading; active once the partition was replayed; gone when the partition was
/// taken away, or when nobody can say whether what was appended is kept: then the shard makes a new one, which replays.
/// Thread: the loop of the partition's shard.
/// Crash: replayed.
class HostedGroups final : public std::enable_shared_from_this<HostedGroups>, private RecordLog {
 public:
  enum class State : std::uint8_t { loading, active, failed, gone };

  HostedGroups(const CoordinatorHost& host, TopicPartition id);

  [[nodiscard]] const TopicPartition& id() const { return id_; }
  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] SteadyTime failed_at() const { return failed_at_; }
  [[nodiscard]] const GroupMachine& machine() const { return *machine_; }

  /// Reads the partition: its view, if there is one that fits, and the log from there on; else all of the log. Once.
  asio::awaitable<void> load();

  /// One step, for a client at the host `asked_by`: `decide(GroupMachine&, Step&)` runs, what it appends is in the log or refused, late
  /// answers are on their way, as soon as they may leave. Its own answer may leave when `committed` returned. Needs an active state.
  template <class Decide>
  auto step(const Decide& decide, std::string_view asked_by = {}) {
    std::vector<LateAnswer> late;
    GroupRoom room = room_for(asked_by);
    Step step = begin_step(late, room);
    auto answer = decide(*machine_, step);
    end_step(std::move(late), room);
    return answer;
  }

  /// Returns when all that was appended up to now is committed. An error: nobody knows, and the client has to look again.
  asio::awaitable<ErrorCode> committed();

  /// Begins to bring the view up to date, if it is time for that.
  void consider_view();

  /// The answer to this ticket will be sent there.
  Ticket expect(std::shared_ptr<LateMail> mail);
  /// It was answered at once, or nobody waits for it any more.
  void forget(Ticket ticket) { waiting_.erase(ticket); }

  /// The partition is no longer this shard's, or what was applied may not be what the log keeps: that is never rolled back, a new one
  /// replays. Everybody who waits is told to look for the coordinator again.
  void give_up();

 private:
  /// Late answers that wait for the log.
  struct Held final : AckWaiter {
    Held(std::shared_ptr<HostedGroups> its, std::vector<LateAnswer> answers) : owner(std::move(its)), late(std::move(answers)) {}
    void on_outcome(ErrorCode outcome) override;
    std::shared_ptr<HostedGroups> owner;
    std::vector<LateAnswer> late;
  };

  [[nodiscard]] Result<void, ErrorCode> append(std::span<const GroupRecord> records) override;
  /// What clients are told of records that no batch has room for.
  ErrorCode refuse_too_large(std::span<const GroupRecord> records, std::size_t most_bytes);
  [[nodiscard]] GroupRoom room_for(std::string_view asked_by) const;
  Step begin_step(std::vector<LateAnswer>& late, GroupRoom& room);
  void end_step(std::vector<LateAnswer> late, const GroupRoom& room);
  /// Counts what the machine takes in memory now; nothing any more when it is given up.
  void count_memory();
  void arm();
  void on_timer();
  void hold(std::vector<LateAnswer> late);
  void deliver(std::vector<LateAnswer> late);
  [[nodiscard]] Partition* partition() const;
  [[nodiscard]] Offset first_offset() const;
  /// Then, from where the log has to be read.
  [[nodiscard]] asio::awaitable<Offset> replay_view();
  [[nodiscard]] asio::awaitable<Result<void>> replay_log(Offset next);
  [[nodiscard]] asio::awaitable<Result<void>> replay_all();
  [[nodiscard]] asio::awaitable<Result<void>> read_and_replay(storage::Slice slice);
  [[nodiscard]] Result<void> replay(Bytes batches);
  /// A record of the log at that offset; of the view without one.
  void replay(Bytes key, Bytes value, std::optional<Offset> at);
  [[nodiscard]] asio::awaitable<void> catch_up_view();

  CoordinatorHost host_;
  TopicPartition id_;
  State state_ = State::loading;
  SteadyTime failed_at_{};
  std::unique_ptr<GroupMachine> machine_ = std::make_unique<GroupMachine>();
  GroupsView view_;
  bool has_view_ = false;             ///< What was replayed began with it.
  bool is_catching_up_ = false;       ///< The view does, or will when it is its turn.
  std::uint64_t unviewed_bytes_ = 0;  ///< In the log, behind the view.
  std::size_t counted_bytes_ = 0;     ///< That it counts for in the memory of all groups.
  Timer timer_{[this] { on_timer(); }};
  std::unordered_map<Ticket, std::shared_ptr<LateMail>> waiting_;
  Ticket next_ticket_ = 1;
  proto::BatchBuilder builder_;
  proto::RecordReader reader_;
  std::uint64_t unreadable_ = 0;  ///< Records that were replayed and could not be read.
};

/// What a client of a group is told when the partition below answered so.
ErrorCode to_coordinator_error(ErrorCode from_partition);

}  // namespace tidelog::broker
