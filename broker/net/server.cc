#include "broker/net/server.h"

#include "broker/net/ip_name.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace tidelog::broker {
namespace {

/// Out of descriptors: existing connections go on; one that came is closed, others wait in the kernel's queue meanwhile.
constexpr SteadyTime kPauseWithoutDescriptors = std::chrono::milliseconds(50);
constexpr std::size_t kRememberedAddresses = 10'000;

}  // namespace

Server::Server(std::unique_ptr<Listener> listener, std::vector<Seat> seats, ConnectionCaps caps, AddressQuota quota)
    : seats_(std::move(seats)),
      caps_(caps),
      quota_(std::move(quota)),
      opened_(QuotaCounting{.window = quota_.window, .key = quota_.key}),
      over_quota_(seats_.front().shard->timers()),
      gate_(seats_.front().shard->loop().executor()) {
  add(std::move(listener));
}

void Server::add(std::unique_ptr<Listener> listener) {
  doors_.push_back(std::make_unique<Door>(std::move(listener), doors_.size(), seats_.front().shard->loop()));
}

void Server::start() {
  for (const auto& door : doors_) asio::co_spawn(seats_.front().shard->loop().executor(), accept_all(*door), asio::detached);
}

std::vector<Endpoint> Server::local() const {
  std::vector<Endpoint> all;
  for (const auto& door : doors_) all.push_back(door->listener->local());
  return all;
}

asio::awaitable<void> Server::accept_all(Door& door) {
  const Gate::Pass pass = gate_.enter();
  Shard& shard = *seats_.front().shard;
  while (!stopping_) {
    Result<std::unique_ptr<Accepted>> accepted = co_await door.listener->accept();
    if (accepted) {
      seat(std::move(*accepted), door);
    } else if (accepted.error() == Errc::refused) {
      shard.limits().hit(Limit::file_descriptors, shard.loop().now(),
                         "no new connections for a moment: the rest of the descriptors is for logs (raise the limit of open files)");
      shard.timers().arm_in(door.timer, kPauseWithoutDescriptors);
      co_await door.pause.wait();
    } else {
      co_return;
    }
  }
}

void Server::seat(std::unique_ptr<Accepted> accepted, const Door& door) {
  const std::string host = accepted->peer().host;
  std::string counted = counted_ip(host);
  const std::optional<double> rate = quota_.rate ? quota_.rate(host) : std::nullopt;
  if (rate) {
    const SteadyTime held = over_quota(canonical_ip(host).value_or(host), *rate);
    if (held > SteadyTime::zero()) {
      return over_quota_.close_at(seats_.front().shard->loop().now() + held, std::move(accepted));
    }
  }
  // A quota is of one address, and whoever has a network of them has a quota for each.
  const bool is_network = counted.ends_with("/64");
  if (!admit(counted, rate.has_value() && !is_network)) return;
  const Seat& seat = seats_[next_seat_++ % seats_.size()];
  Loop& home = seats_.front().shard->loop();
  Job on_end = [this, &home, who = std::move(counted)] { home.post([this, who] { left(who); }); };
  if (seat.shard == seats_.front().shard) return seat.connections->adopt(std::move(accepted), std::move(on_end), door.index);
  Job adopt = [connections = seat.connections, taken = std::move(accepted), end = std::move(on_end), index = door.index]() mutable {
    connections->adopt(std::move(taken), std::move(end), index);
  };
  seat.shard->loop().post(std::move(adopt));
}

SteadyTime Server::over_quota(const std::string& host, double rate) {
  Shard& shard = *seats_.front().shard;
  const SteadyTime now = shard.loop().now();
  const SteadyTime wait = std::min(opened_.wait_before(host, rate, 1, now), quota_.window.size);
  if (wait == SteadyTime::zero()) {
    opened_.record(host, 1, now);
  } else {
    shard.limits().hit(Limit::ip_quota, now, "refused a connection from {}, which is over its connection_creation_rate of {} a second",
                       host, rate);
  }
  return wait;
}

bool Server::admit(const std::string& counted, bool has_quota) {
  if (addresses_.size() > kRememberedAddresses) forget_quiet_addresses();
  Address& address = addresses_[counted];
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(seats_.front().shard->loop().now()).count();
  if (address.second != second) {
    address.second = second;
    address.opened_this_second = 0;
  }
  if (const std::optional<Limit> cap = reached(address, has_quota)) {
    Shard& shard = *seats_.front().shard;
    shard.limits().hit(*cap, shard.loop().now(), "refused a connection from {}", counted);
    if (*cap == Limit::max_connections) make_place();
    return false;
  }
  ++open_;
  ++address.open;
  ++address.opened_this_second;
  return true;
}

std::optional<Limit> Server::reached(const Address& address, bool has_quota) const {
  const std::size_t rate = caps_.new_per_second_per_address;
  if (!has_quota && rate != 0 && address.opened_this_second >= rate) return Limit::max_connection_creation_rate;
  if (address.open >= caps_.per_address) return Limit::max_connections_per_ip;
  if (open_ >= caps_.total) return Limit::max_connections;
  return std::nullopt;
}

/// Whoever comes next finds a place that somebody idle had.
void Server::make_place() {
  const Seat& seat = seats_[next_seat_++ % seats_.size()];
  seat.shard->loop().post([connections = seat.connections] { connections->close_longest_idle(); });
}

void Server::left(const std::string& counted) {
  --open_;
  const auto found = addresses_.find(counted);
  if (found != addresses_.end()) --found->second.open;
}

void Server::forget_quiet_addresses() {
  std::erase_if(addresses_, [](const auto& entry) { return entry.second.open == 0; });
}

asio::awaitable<void> Server::stop() {
  stopping_ = true;
  for (const auto& door : doors_) {
    door->listener->close();
    door->pause.notify();
  }
  co_await gate_.close();
  over_quota_.close_all();  // Nobody is added any more.
}

}  // namespace tidelog::broker
