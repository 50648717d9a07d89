#pragma once

#include "broker/net/connection.h"

#include <memory>
#include <unordered_map>

namespace tidelog::broker {

/// The connections of one shard. Thread: its loop.
class ConnectionSet final : private Relief {
 public:
  ConnectionSet(Shard& shard, RequestHandler& handler, ConnectionLimits limits);
  ConnectionSet(const ConnectionSet&) = delete;
  ConnectionSet& operator=(const ConnectionSet&) = delete;

  /// Serves a new connection, which came by the server's listener of that number, until it ends, then calls `on_end`.
  void adopt(std::unique_ptr<Accepted> accepted, Job on_end, std::size_t listener = 0);
  /// A clean stop: everybody finishes what they are at. Returns when the last one left.
  asio::awaitable<void> finish();
  /// Closes the connection that has been idle longest, if one has been for a while: somebody new wants its place.
  void close_longest_idle();
  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  void watch_request_memory() override;
  void look_after_waiting();
  /// What unfinished requests hold.
  struct Unfinished {
    SteadyTime lacks_since = SteadyTime::max();  ///< The one that has waited longest for more.
    std::size_t bytes = 0;
    std::size_t waiting_bytes = 0;  ///< Of those that wait for more.
  };
  [[nodiscard]] Unfinished unfinished() const;
  void free_request_memory(const Unfinished& there);
  /// Of the address that holds most, the connection that does. Null: nobody has an unfinished request.
  [[nodiscard]] Connection* greatest_unfinished();
  std::size_t hurry_fetches();
  void free_response_memory() override;
  void make_room_for_answer(std::size_t bytes) override;
  template <class Measure>
  Connection* greatest(Measure measure) const;
  Connection* slowest_reader() const;
  asio::awaitable<void> serve(std::uint64_t id, Job on_end);

  Shard& shard_;
  RequestHandler& handler_;
  const ConnectionLimits limits_;
  Gate gate_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t next_id_ = 0;
  Timer look_;                  ///< Runs while somebody waits for memory to read into.
  SteadyTime next_victims_{};   ///< Nobody is closed for request memory before.
  SteadyTime next_patience_{};  ///< Before, those are closed at once whose requests wait behind a fetch that was hurried.
  SteadyTime next_look_{};      ///< Nobody's pace is looked at for an answer before.
};

}  // namespace tidelog::broker
