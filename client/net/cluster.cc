#include "client/net/cluster.h"

#include "proto/messages/metadata_request.h"

#include <algorithm>

namespace tidelog::core {
namespace {

/// Behind an address in the key of a connection. No address has a blank.
std::string suffix_of(std::uint64_t lane) { return lane == 0 ? std::string() : " " + std::to_string(lane); }

}  // namespace

std::shared_ptr<const Metadata> Cluster::metadata() const {
  const std::lock_guard lock(mutex_);
  return metadata_;
}

std::vector<Address> Cluster::known_addresses() const {
  std::vector<Address> all;
  for (const auto& [id, address] : metadata()->brokers) all.push_back(address);
  for (const Address& address : settings_.bootstrap) {
    if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
  }
  return all;
}

std::size_t Cluster::candidates() const { return known_addresses().size(); }

Address Cluster::pick_any() {
  const std::vector<Address> all = known_addresses();
  for (const Address& address : all) {
    const auto peer = peers_.find(address.text());
    if (peer != peers_.end() && peer->second.connection && peer->second.connection->is_ready()) return address;
  }
  // One after the other, so that callers who try again meet another broker; those that just failed come last.
  for (std::size_t tried = 0; tried < all.size(); ++tried) {
    const Address& address = all[next_any_++ % all.size()];
    const auto peer = peers_.find(address.text());
    if (peer == peers_.end() || !is_waiting(peer->second)) return address;
  }
  return all[next_any_++ % all.size()];
}

std::optional<Address> Cluster::address_of(Target target) {
  if (target.is_any()) return pick_any();
  const std::shared_ptr<const Metadata> known = metadata();
  const auto found = known->brokers.find(target.is_controller() ? known->controller : target.id());
  if (found != known->brokers.end()) return found->second;
  return target.is_controller() ? std::optional(pick_any()) : std::nullopt;
}

Cluster::Peer& Cluster::open(const Address& address, std::uint64_t lane) {
  const std::string key = address.text() + suffix_of(lane);
  Peer& peer = peers_[key];
  if (peer.connection || is_waiting(peer) || is_closed_) return peer;
  const auto connection = std::make_shared<Connection>(loop_, settings_, address);
  peer.connection = connection;
  connection->start([this, key] { on_connection(key); });
  return peers_[key];
}

void Cluster::on_connection(const std::string& key) {
  const auto found = peers_.find(key);
  if (found == peers_.end()) return;  // Its lane was closed.
  Peer& peer = found->second;
  if (peer.connection && peer.connection->is_closed()) {
    const bool did_work = peer.backoff == Milliseconds(0);
    peer.last_failure = peer.connection->failure();
    // After a connection that worked, one immediate attempt is worth its cost: most often the broker only restarted.
    peer.backoff = did_work ? settings_.reconnect_backoff : std::min(peer.backoff * 2, settings_.reconnect_backoff_max);
    peer.retry_at = Clock::now() + peer.backoff;
    peer.connection.reset();
    // Whoever waits for this broker has to be woken when it may be tried again.
    if (!is_closed_) loop_.call_at(peer.retry_at, [this] { notify(); });
    refresh_soon();
    return;
  }
  peer.backoff = Milliseconds(0);
  was_reached_ = true;
  notify();
}

void Cluster::request(Target target, Request request) {
  const error closed(errc::closed, "the client is closed");
  if (is_closed_) return request.answer(closed);
  const std::optional<Address> address = address_of(target);
  if (!address) {
    refresh_soon();
    return request.answer(error(errc::transport, "broker " + std::to_string(target.id()) + " is not known (yet)").set_retriable(true));
  }
  Peer& peer = open(*address, target.lane());
  if (peer.connection) {
    const std::shared_ptr<Connection> connection = peer.connection;
    return connection->send(std::move(request));
  }
  request.answer(peer.last_failure.value_or(closed));
}

void Cluster::close_lane(std::uint64_t lane) {
  std::vector<std::shared_ptr<Connection>> connections;
  std::erase_if(peers_, [&](auto& entry) {
    if (!entry.first.ends_with(suffix_of(lane))) return false;
    if (entry.second.connection) connections.push_back(std::move(entry.second.connection));
    return true;
  });
  for (const auto& connection : connections) connection->close(error(errc::closed, "the consumer is closed"));
}

Connection* Cluster::ready_connection(std::int32_t node) {
  const std::optional<Address> address = address_of(Target::node(node));
  if (!address) return nullptr;
  const Peer& peer = open(*address);
  return peer.connection && peer.connection->is_ready() ? peer.connection.get() : nullptr;
}

void Cluster::ask_metadata(std::optional<std::vector<std::string>> topics, bool creates, Done done) {
  using Message = proto::MetadataRequest;
  Request request;
  request.api_key = Message::kKey;
  request.min_version = Message::kMinVersion;
  request.max_version = Message::kMaxVersion;
  request.deadline = Clock::now() + settings_.request_timeout;
  const bool is_about_all = !topics;
  request.encode = [topics = std::move(topics), creates](proto::Output& out, std::int16_t version) {
    Message message;
    std::vector<Message::MetadataRequestTopic> named;
    if (topics) {
      for (const std::string& topic : *topics) named.push_back({.topic_id = {}, .name = topic});
    }
    message.topics = named;
    if (!topics && version > 0) message.topics = decltype(message.topics)::null();
    message.allow_auto_topic_creation = creates;
    proto::encode(message, version, out);
  };
  request.answer = [this, is_about_all, done = std::move(done)](result<Answer> answer) mutable {
    take_metadata(std::move(answer), is_about_all, std::move(done));
  };
  this->request(Target::any(), std::move(request));
}

void Cluster::take_metadata(result<Answer> answer, bool is_about_all, Done done) {
  if (!answer) return done(answer.error());
  const result<proto::MetadataResponse> message = read_answer<proto::MetadataResponse>(*answer);
  if (!message) return done(message.error());
  if (message->error_code != 0) return done(error::from_kafka(message->error_code, "cannot read the cluster's metadata"));
  std::shared_ptr<const Metadata> merged = merge(*metadata(), *message, is_about_all);
  {
    const std::lock_guard lock(mutex_);
    metadata_ = std::move(merged);
  }
  const bool is_all_in_use = is_about_all || !uses_all_topics_;
  if (is_all_in_use || !age_timer_) {
    if (age_timer_) loop_.cancel(*age_timer_);
    age_timer_ = loop_.call_at(Clock::now() + settings_.metadata_max_age, [this] {
      age_timer_.reset();
      refresh_soon();
    });
  }
  done({});
  notify();
}

void Cluster::refresh_soon() {
  if (refresh_timer_ || is_closed_ || (used_topics_.empty() && !uses_all_topics_)) return;
  refresh_backoff_ = refresh_backoff_ == Milliseconds(0)
                         ? Milliseconds(1)
                         : std::clamp(refresh_backoff_ * 2, settings_.retry_backoff, settings_.retry_backoff_max);
  refresh_timer_ = loop_.call_at(Clock::now() + refresh_backoff_, [this] { refresh_used(); });
}

void Cluster::refresh_used() {
  std::optional<std::vector<std::string>> topics;
  if (!uses_all_topics_) topics.emplace(used_topics_.begin(), used_topics_.end());
  // The timer's id stays set until the answer is here: one question at a time.
  ask_metadata(std::move(topics), false, [this](const result<void>& asked) {
    refresh_timer_.reset();
    if (!asked) return refresh_soon();
    refresh_backoff_ = refresh_backoff_ / 2;
  });
}

int Cluster::on_change(std::function<void()> listener) {
  listeners_[next_listener_] = std::move(listener);
  return next_listener_++;
}

void Cluster::notify() {
  const std::map<int, std::function<void()>> listeners = listeners_;  // A listener may come or go meanwhile.
  for (const auto& [id, listener] : listeners) {
    if (listeners_.contains(id)) listener();
  }
}

void Cluster::close() {
  is_closed_ = true;
  listeners_.clear();
  if (refresh_timer_) loop_.cancel(*refresh_timer_);
  if (age_timer_) loop_.cancel(*age_timer_);
  std::map<std::string, Peer> peers = std::move(peers_);
  peers_.clear();
  for (auto& [key, peer] : peers) {
    if (peer.connection) peer.connection->close(error(errc::closed, "the client is closed"));
  }
}

}  // namespace tidelog::core
