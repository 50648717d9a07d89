#pragma once

#include "broker/net/relief.h"
#include "broker/net/request.h"
#include "broker/shard/answer_memory.h"
#include "broker/shard/gate.h"
#include "broker/shard/shard.h"
#include "broker/shard/work_time.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>

namespace tidelog::broker {

/// Limits that every connection keeps; values from the option table.
struct ConnectionLimits {
  std::size_t max_frame_bytes = 0;
  std::size_t max_in_flight = 0;
  SteadyTime idle{};
  SteadyTime whole_frame{};
  SteadyTime write_stall{};
};

/// State of one client between its requests, kept by handlers.
struct ClientState {
  std::string software_name;
  std::string software_version;
  std::size_t listener = 0;              ///< By which of the server's it came.
  std::int32_t fetch_session_id = 0;     ///< The last one it was given; 0: none.
  Signal* waits_on = nullptr;            ///< Set while a request waits for something to happen: woken when the connection ends.
  std::atomic<bool> is_leaving = false;  ///< The connection ends: answer with what there is. Asked on any loop that works for a request.
  std::optional<WorkTime> work;          ///< Set while its client may spend no more than a share of the loops' time.

  [[nodiscard]] WorkTime* payer() { return work ? &*work : nullptr; }
  bool waits_for_records = false;  ///< A fetch that waits, and may be answered at any time.
  bool is_hurried = false;         ///< Others want the memory that it waits with: answer it with what there is.
};

/// What all connections of a shard have in common; outlives them.
struct ConnectionHost {
  Shard& shard;
  RequestHandler& handler;
  const ConnectionLimits& limits;
  Relief& relief;
};

/// One client connection: a coroutine that reads what is there, serves whole frames in order, and sends once a pass.
/// Life: owned by its server; `run` ends when the stream does, after every produce it started has been answered. An error inside of it ends
/// it the same way, so that nothing refers to the connection when `run` returns.
/// Thread: the loop of its shard. Crash: destroyed as it stands; nothing of it outlives the process.
class Connection final : private PassClient {
 public:
  Connection(const ConnectionHost& host, std::unique_ptr<Stream> stream);
  ~Connection();

  asio::awaitable<void> run();
  /// Ends it at once; `run` returns soon after.
  void close();
  /// Ends it because it met a limit; the reason goes into the log.
  void fail(Limit limit, std::string reason);
  /// A clean stop: what is being served is answered, nothing more is read.
  void finish();

  /// Serves and reads nothing more before `until`; what is under way goes on. Its client is over a quota (KIP-219).
  void mute_until(SteadyTime until) { muted_until_ = std::max(muted_until_, until); }

  /// A pending response of this connection became ready.
  void response_ready() { shard_.at_end_of_pass(PassStage::send, *this); }

  [[nodiscard]] Shard& shard() { return shard_; }
  [[nodiscard]] ClientState& client() { return client_; }
  [[nodiscard]] const ClientState& client() const { return client_; }
  [[nodiscard]] Endpoint local() const { return stream_->local(); }
  [[nodiscard]] Endpoint peer() const { return stream_->peer(); }
  /// Why it was closed, for one log line; empty if the peer just left.
  [[nodiscard]] const std::string& close_reason() const { return close_reason_; }
  void note_close_reason(std::string reason, Limit limit = Limit::malformed_request) {
    close_reason_ = std::move(reason);
    close_limit_ = limit;
  }
  [[nodiscard]] Limit close_limit() const { return close_limit_; }

  /// As whom it stands in lines.
  [[nodiscard]] const TurnTaker& taker();

  /// Since when its request that is not whole has lacked memory, if it does; `max`: it does not.
  [[nodiscard]] SteadyTime lacks_memory_since() const { return is_without_memory() && !is_closed_ ? lacked_since_ : SteadyTime::max(); }
  /// Memory that a request keeps which is not whole yet.
  [[nodiscard]] std::size_t unfinished_bytes() const { return is_closed_ ? 0 : received_.unfinished_bytes(); }
  /// Memory that answers keep which the peer does not read.
  [[nodiscard]] std::size_t unread_bytes() const { return is_stalled() ? unsent_.bytes() : 0; }
  /// How long the peer would take to read what keeps that memory, at its pace of late; zero: it has none waiting, or had no time to read
  /// yet.
  [[nodiscard]] SteadyTime time_to_be_read();
  /// Memory for what the request being served is laid out in. Produces, which may be many, have their own each.
  [[nodiscard]] AnswerMemory& laid_out() { return laid_out_; }
  /// Memory that is held only until there are records.
  [[nodiscard]] std::size_t waiting_bytes() const {
    return client_.waits_for_records && !client_.is_hurried ? laid_out_.pooled_bytes() : 0;
  }
  /// Ends that wait.
  void hurry();
  /// What is being served needs its request no longer, though it may take long: the memory it came in is given back, but for what came
  /// behind it. Views into the request are no good any more.
  void let_go_of_request();
  /// Memory that requests keep which wait behind one that waits for records.
  [[nodiscard]] std::size_t queued_behind_wait_bytes() const {
    return client_.waits_for_records && !client_.is_hurried ? unfinished_bytes() : 0;
  }
  /// Others on this shard give way, as far as they have to and it makes room for an answer.
  void make_room_for_answer(std::size_t bytes) { relief_.make_room_for_answer(bytes); }
  /// When it last did anything; nothing while it is being served or sent to.
  [[nodiscard]] std::optional<SteadyTime> idle_since() const;

 private:
  void end_of_pass() override;
  asio::awaitable<void> serve_until_end();
  void forget_request();
  asio::awaitable<void> serve_frames();
  /// Whether this connection kept the loop for long enough, with what came in one read.
  [[nodiscard]] bool is_turn_over() const;
  asio::awaitable<void> end_turn();
  asio::awaitable<void> serve_one(Request request);
  asio::awaitable<void> have_fewer_in_flight();
  asio::awaitable<bool> receive();
  /// Room for a read. If memory for it is lacking: for a block of how many bytes; else 0.
  std::size_t make_room();
  asio::awaitable<bool> wait_for_room(std::size_t block_bytes);
  [[nodiscard]] bool is_without_memory() const { return without_memory_since_ != SteadyTime::max(); }
  void use_taken(std::size_t block_bytes);
  Result<std::size_t> read_timed();
  Result<void> send_timed();
  asio::awaitable<void> unmuted();
  [[nodiscard]] bool is_muted() const { return muted_until_ != SteadyTime{} && shard_.loop().now() < muted_until_; }
  bool take_for_block(std::size_t bytes);
  asio::awaitable<bool> wait_for_memory(std::size_t bytes);
  [[nodiscard]] Budget::Wait::Want want_for_block(std::size_t bytes) const;
  asio::awaitable<void> answered(std::size_t at_most);
  asio::awaitable<void> sent(std::uint64_t at_most_bytes);
  asio::awaitable<void> write_rest();
  /// False: there is no memory for its answer, so it has to be started later.
  bool start_produce(Request& request);
  /// Nothing more is read from the peer until there is.
  asio::awaitable<void> start_produce_later(Request request);
  void keep_pending(std::unique_ptr<PendingResponse> response);
  void encode_ready();
  void send();
  /// In a clean stop, once nothing is left to do: the reader waits for bytes that may never come.
  void leave_if_done();
  void before_waiting();
  /// From now on a frame that is not whole has its time.
  void watch_frame();
  /// Others need memory: what is not whole yet gets along with what its bytes take.
  void spare_memory();
  void account_for_unsent();
  void let_go_of_laid_out();
  [[nodiscard]] std::uint64_t least_to_take() const;
  void wake_request();
  [[nodiscard]] SteadyTime frame_deadline() const;
  /// So much of the time in which it was not read does not count.
  [[nodiscard]] SteadyTime longest_pause() const;
  [[nodiscard]] bool is_stalled() const { return stalled_since_ != SteadyTime::max(); }
  /// Bytes that the peer has taken so far, as far as is known here.
  [[nodiscard]] std::uint64_t taken_bytes() const { return to_send_.ever_sent_bytes() - stream_->unconfirmed_bytes(); }
  void on_deadline();
  void watch_deadline();

  Shard& shard_;
  RequestHandler& handler_;
  std::unique_ptr<Stream> stream_;
  const ConnectionLimits& limits_;
  Relief& relief_;
  ReceiveBuffer received_;
  SendQueue to_send_;
  std::deque<std::unique_ptr<PendingResponse>> pending_;
  ClientState client_;
  Gate writers_;     ///< The coroutine that waits for the stream to take more, while there is one.
  Signal progress_;  ///< A response was encoded, bytes left, memory came back, or the end is near.
  Timer deadline_;
  Timer unmute_;
  BudgetShare unsent_;  ///< For what `to_send_` holds beyond a little.
  AnswerMemory laid_out_;
  SteadyTime last_activity_{};
  SteadyTime turn_began_{};
  int produces_started_ = 0;
  SteadyTime frame_since_{SteadyTime::max()};
  SteadyTime frame_paused_{};                    ///< How long it was not read meanwhile.
  SteadyTime stalled_since_{SteadyTime::max()};  ///< Begin of the time in which the peer has to take something.
  std::uint64_t taken_at_stall_ = 0;
  SteadyTime pace_since_{};  ///< Begin of the time over which the peer's pace is found, and what it had taken by then.
  std::uint64_t pace_taken_ = 0;
  SteadyTime time_to_be_read_{};
  SteadyTime muted_until_{};                 ///< Zero: never was.
  std::optional<TurnTaker> taker_;           ///< Once it stood in a line.
  std::optional<Budget::Wait> memory_wait_;  ///< Of the request that is not whole, from when it first lacked memory.
  SteadyTime lacked_since_{};                ///< When that was.
  std::string close_reason_;
  Limit close_limit_ = Limit::malformed_request;
  bool is_serving_ = false;
  SteadyTime without_memory_since_{SteadyTime::max()};  ///< Nothing is read until memory comes back.
  bool is_receiving_ = false;                           ///< Every request that came was begun.
  bool is_closed_ = false;
  bool is_finishing_ = false;
  bool close_when_sent_ = false;
};

}  // namespace tidelog::broker
