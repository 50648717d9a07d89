#pragma once

#include "broker/net/request.h"
#include "broker/shard/gate.h"
#include "broker/shard/shard.h"

#include <algorithm>
#include <deque>

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
  std::int32_t fetch_session_id = 0;  ///< The last one it was given; 0: none.
  Signal* waits_on = nullptr;         ///< Set while a request waits for something to happen: woken when the connection ends.
  bool is_leaving = false;            ///< The connection ends: answer with what there is.
};

/// One client connection: a coroutine that reads what is there, serves whole frames in order, and sends once a pass.
/// Life: owned by its server; `run` ends when the stream does, after every produce it started has been answered.
/// Thread: the loop of its shard. Crash: destroyed as it stands; nothing of it outlives the process.
class Connection final : private PassClient {
 public:
  Connection(Shard& shard, RequestHandler& handler, std::unique_ptr<Stream> stream, const ConnectionLimits& limits);
  ~Connection();

  asio::awaitable<void> run();
  /// Ends it at once; `run` returns soon after.
  void close();
  /// A clean stop: what is being served is answered, nothing more is read.
  void finish();

  /// Serves and reads nothing more before `until`; what is under way goes on. Its client is over a quota (KIP-219).
  void mute_until(SteadyTime until) { muted_until_ = std::max(muted_until_, until); }

  /// A pending response of this connection became ready.
  void response_ready() { shard_.at_end_of_pass(PassStage::send, *this); }

  [[nodiscard]] Shard& shard() { return shard_; }
  [[nodiscard]] ClientState& client() { return client_; }
  [[nodiscard]] Endpoint local() const { return stream_->local(); }
  [[nodiscard]] Endpoint peer() const { return stream_->peer(); }
  /// Why it was closed, for one log line; empty if the peer just left.
  [[nodiscard]] const std::string& close_reason() const { return close_reason_; }
  void note_close_reason(std::string reason) { close_reason_ = std::move(reason); }

 private:
  void end_of_pass() override;
  asio::awaitable<void> serve_frames();
  asio::awaitable<void> serve_one(Request request);
  asio::awaitable<bool> receive();
  asio::awaitable<bool> make_room();
  asio::awaitable<void> unmuted();
  [[nodiscard]] bool is_muted() const { return muted_until_ != SteadyTime{} && shard_.loop().now() < muted_until_; }
  asio::awaitable<void> answered(std::size_t at_most);
  asio::awaitable<void> sent(std::uint64_t at_most_bytes);
  asio::awaitable<void> write_rest();
  void start_produce(Request&& request);
  void encode_ready();
  void send();
  void fail(std::string reason);
  void wake_request();
  void on_deadline();
  void watch_deadline();

  Shard& shard_;
  RequestHandler& handler_;
  std::unique_ptr<Stream> stream_;
  const ConnectionLimits& limits_;
  ReceiveBuffer received_;
  SendQueue to_send_;
  std::deque<std::unique_ptr<PendingResponse>> pending_;
  ClientState client_;
  Gate writers_;     ///< The coroutine that waits for the stream to take more, while there is one.
  Signal progress_;  ///< A response was encoded, bytes left, memory came back, or the end is near.
  Timer deadline_;
  Timer unmute_;
  SteadyTime last_activity_{};
  SteadyTime frame_since_{SteadyTime::max()};
  SteadyTime stalled_since_{SteadyTime::max()};
  SteadyTime muted_until_{};  ///< Zero: never was.
  std::string close_reason_;
  bool is_serving_ = false;
  bool is_closed_ = false;
  bool is_finishing_ = false;
  bool close_when_sent_ = false;
};

}  // namespace tidelog::broker
