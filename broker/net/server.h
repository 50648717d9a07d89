#pragma once

#include "broker/net/connection_set.h"
#include "broker/net/late_closes.h"
#include "broker/quota/quota_meter.h"
#include "proto/base/keyed_hash.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

namespace tidelog::broker {

/// How many connections there may be; values from the option table.
struct ConnectionCaps {
  std::size_t total = 0;
  std::size_t per_address = 0;
  std::size_t new_per_second_per_address = 0;  ///< 0: as many as come.
};

/// What an address has been given beside the caps.
struct AddressQuota {
  /// New connections a second; nothing: the caps alone hold. Null: no address has a quota.
  std::function<std::optional<double>(std::string_view ip)> rate;
  QuotaWindowShape window;
  DigestKey key{};
};

/// Accepts connections and spreads them over the shards, within the caps, which all listeners have together.
/// Thread: the loop of the first shard.
class Server {
 public:
  struct Seat {
    Shard* shard;
    ConnectionSet* connections;
  };

  Server(std::unique_ptr<Listener> listener, std::vector<Seat> seats, ConnectionCaps caps, AddressQuota quota = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Accepts on a further one too. Before `start`.
  void add(std::unique_ptr<Listener> listener);
  /// Starts accepting.
  void start();
  /// Accepts no more. Returns when the accepting coroutine has ended.
  asio::awaitable<void> stop();
  /// Where each listener is, in their order.
  [[nodiscard]] std::vector<Endpoint> local() const;
  /// For connections accepted from now on; those that are open stay.
  void set_caps(const ConnectionCaps& caps) { caps_ = caps; }

 private:
  struct Address {
    std::size_t open = 0;
    std::size_t opened_this_second = 0;
    std::int64_t second = 0;
  };

  /// One listener with what its coroutine waits on when descriptors are lacking.
  struct Door {
    Door(std::unique_ptr<Listener> with, std::size_t number, Loop& loop)
        : listener(std::move(with)), index(number), pause(loop.executor()), timer([this] { pause.notify(); }) {}
    std::unique_ptr<Listener> listener;
    std::size_t index;
    Signal pause;
    Timer timer;
  };

  asio::awaitable<void> accept_all(Door& door);
  void seat(std::unique_ptr<Accepted> accepted, const Door& door);
  /// Counts the connection against its address's quota. Zero: it may come in; else how long it is held before it is closed.
  SteadyTime over_quota(const std::string& host, double rate);
  /// Counts the connection in; false, with a reason, if a cap says no. A quota takes the place of the cap on the rate. `counted`: as
  /// `counted_ip` says.
  bool admit(const std::string& counted, bool has_quota);
  /// The cap that another connection of this address would break.
  [[nodiscard]] std::optional<Limit> reached(const Address& address, bool has_quota) const;
  void make_place();
  void left(const std::string& counted);
  void forget_quiet_addresses();

  std::vector<Seat> seats_;
  std::vector<std::unique_ptr<Door>> doors_;
  ConnectionCaps caps_;
  AddressQuota quota_;
  QuotaMeter opened_;  ///< By addresses that have a quota.
  LateCloses over_quota_;
  Gate gate_;
  std::unordered_map<std::string, Address, KeyedHasher> addresses_;  ///< By what they are counted as.
  std::size_t open_ = 0;
  std::size_t next_seat_ = 0;
  bool stopping_ = false;
};

}  // namespace tidelog::broker
