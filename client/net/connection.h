#pragma once

#include "client/net/request.h"
#include "client/net/resolver.h"
#include "client/settings.h"

#include <deque>
#include <optional>
#include <span>
#include <unordered_map>

namespace tidelog::core {

/// A connection to one broker: looks the name up, connects, asks for the broker's versions, then carries requests. Requests given before
/// it is ready wait. Answers come in request order; whatever breaks that, or a request past its deadline, ends the connection, because
/// nothing that follows could be trusted.
/// idle -> resolving -> connecting -> negotiating -> ready -> closed; each may go to closed, none leaves it.
/// Life: shared with its own callbacks; after `close` no callback runs that is not a request's.  Thread: the loop.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(IoLoop& loop, const Settings& settings, Address address);
  ~Connection();

  /// `changed` runs on the loop each time the connection became ready or closed.
  void start(std::function<void()> changed);
  void send(Request request);
  /// Fails what is in flight or waiting with `why`.
  void close(error why);

  [[nodiscard]] bool is_ready() const { return state_ == State::ready; }
  [[nodiscard]] bool is_closed() const { return state_ == State::closed; }
  /// Why it closed.
  [[nodiscard]] const std::optional<error>& failure() const { return failure_; }
  /// The best version both sides speak within the bounds. Needs is_ready().
  [[nodiscard]] std::optional<std::int16_t> version_for(std::int16_t api_key, std::int16_t low, std::int16_t high) const;

 private:
  enum class State : std::uint8_t { idle, resolving, connecting, negotiating, ready, closed };
  struct Versions {
    std::int16_t low;
    std::int16_t high;
  };
  struct InFlight {
    std::int32_t correlation_id;
    std::int16_t api_key;
    std::int16_t version;
    TimePoint deadline;
    std::move_only_function<void(result<Answer>)> answer;
  };

  void on_resolved(Resolved resolved);
  void try_next_address(std::string reason);
  void on_connected();
  void ask_versions(std::int16_t version);
  void on_versions(result<Answer> answer);
  void become_ready(const Answer& answer);

  void on_ready(std::uint32_t events);
  void receive();
  bool take_frame(Frame frame);
  void write(Request request, std::int16_t version);
  void flush();
  void send_or_refuse(Request request);

  void arm_deadline(TimePoint deadline);
  void on_deadline();
  [[nodiscard]] error transport_error(std::string_view what) const;

  IoLoop& loop_;
  const Settings& settings_;
  Address address_;
  std::string name_;
  State state_ = State::idle;
  int fd_ = -1;
  std::vector<SocketAddress> addresses_;
  std::size_t next_address_ = 0;
  std::unordered_map<std::int16_t, Versions> versions_;
  std::deque<Request> waiting_;
  std::deque<InFlight> in_flight_;
  std::function<void()> changed_;
  std::optional<error> failure_;
  FrameReader reader_;
  proto::Output out_;
  std::size_t out_done_ = 0;
  bool wants_write_ = false;
  bool heard_anything_ = false;
  std::int32_t next_correlation_ = 1;
  std::optional<IoLoop::TimerId> timer_;
  TimePoint timer_due_;
};

}  // namespace tidelog::core
