#pragma once

#include "client/core/metadata.h"
#include "client/net/connection.h"

#include <atomic>
#include <mutex>
#include <set>

namespace tidelog::core {

/// Whom a request is for.
class Target {
 public:
  static Target any() { return Target(kAny); }
  static Target controller() { return Target(kController); }
  static Target node(std::int32_t id) { return Target(id); }
  /// A broker by a connection that only requests of the same lane use: an answer that takes long holds up whatever is behind it.
  static Target node(std::int32_t id, std::uint64_t lane) { return Target(id, lane); }

  [[nodiscard]] bool is_any() const { return id_ == kAny; }
  [[nodiscard]] bool is_controller() const { return id_ == kController; }
  [[nodiscard]] std::int32_t id() const { return id_; }
  /// 0: the one that everybody shares.
  [[nodiscard]] std::uint64_t lane() const { return lane_; }

 private:
  static constexpr std::int32_t kAny = -1, kController = -2;
  explicit Target(std::int32_t id, std::uint64_t lane = 0) : id_(id), lane_(lane) {}
  std::int32_t id_;
  std::uint64_t lane_;
};

/// The brokers as far as they are known, a connection to each that is needed, and the metadata.
/// Life: belongs to the client; `close` before the loop ends.  Thread: the loop, but for `metadata()` and `candidates()`.
class Cluster {
 public:
  Cluster(IoLoop& loop, const Settings& settings) : loop_(loop), settings_(settings) {}

  /// The newest metadata. Thread: any.
  [[nodiscard]] std::shared_ptr<const Metadata> metadata() const;
  /// Whether any broker ever answered. Thread: any.
  [[nodiscard]] bool was_reached() const { return was_reached_; }
  /// Addresses to try before giving up on finding the cluster. Thread: any.
  [[nodiscard]] std::size_t candidates() const;

  /// Connects if need be. A broker that just refused is left alone until its backoff passed; the request fails at once then.
  void request(Target target, Request request);
  /// A lane that nobody else has.
  std::uint64_t open_lane() { return next_lane_++; }
  /// Closes its connections; what is in flight on them fails.
  void close_lane(std::uint64_t lane);
  /// The connection if it can take a request now; otherwise null, and one is opened.
  Connection* ready_connection(std::int32_t node);

  using Done = std::move_only_function<void(result<void>)>;
  /// Asks for these topics; without a list, for every topic there is. `done` says whether an answer came, not what it says.
  void refresh(std::optional<std::vector<std::string>> topics, bool creates, Done done) {
    ask_metadata(std::move(topics), creates, std::move(done));
  }
  /// Asks again for the topics in use, soon and once, however often it is called. `changed` listeners run when the answer came.
  void refresh_soon();
  /// Keeps the metadata of a topic fresh.
  void use_topic(const std::string& name) { used_topics_.insert(name); }
  /// Keeps the metadata of all topics fresh, and knows of new ones when it is metadata.max.age.ms old.
  void use_all_topics() { uses_all_topics_ = true; }

  /// Runs after every answer about metadata, and after a connection that was asked for became ready. Until `forget`.
  int on_change(std::function<void()> listener);
  void forget(int listener) { listeners_.erase(listener); }

  void close();

 private:
  struct Peer {
    std::shared_ptr<Connection> connection;
    TimePoint retry_at;
    Milliseconds backoff{0};
    std::optional<error> last_failure;
  };

  [[nodiscard]] bool is_waiting(const Peer& peer) const { return !peer.connection && Clock::now() < peer.retry_at; }
  Peer& open(const Address& address, std::uint64_t lane = 0);
  void on_connection(const std::string& key);
  [[nodiscard]] std::optional<Address> address_of(Target target);
  [[nodiscard]] Address pick_any();
  [[nodiscard]] std::vector<Address> known_addresses() const;
  void ask_metadata(std::optional<std::vector<std::string>> topics, bool creates, Done done);
  void take_metadata(result<Answer> answer, bool is_about_all, Done done);
  void refresh_used();
  void notify();

  IoLoop& loop_;
  const Settings& settings_;
  mutable std::mutex mutex_;  ///< Guards `metadata_` against readers on other threads; only the loop writes.
  std::shared_ptr<const Metadata> metadata_ = std::make_shared<Metadata>();
  std::atomic<bool> was_reached_ = false;
  std::map<std::string, Peer> peers_;  ///< By address, and lane if it has one.
  std::uint64_t next_lane_ = 1;
  std::size_t next_any_ = 0;
  std::set<std::string> used_topics_;
  bool uses_all_topics_ = false;
  bool is_closed_ = false;
  Milliseconds refresh_backoff_{0};
  std::optional<IoLoop::TimerId> refresh_timer_;  ///< Set until the answer came.
  std::optional<IoLoop::TimerId> age_timer_;
  std::map<int, std::function<void()>> listeners_;
  int next_listener_ = 1;
};

}  // namespace tidelog::core
