#include "tests/attack/sieges.h"

#include "proto/base/endian.h"
#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"
#include "proto/messages/api_versions_request.h"
#include "proto/messages/fetch_request.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/produce_request.h"

#include <poll.h>

#include <algorithm>
#include <numeric>
#include <thread>

namespace tidelog::attack {
namespace {

using Outcome = Tally::Outcome;

constexpr std::size_t kLengthBytes = 4;
constexpr int kSmallReceiveBuffer = 4096;

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

template <class Request>
std::string framed(const Request& request, std::int16_t version, std::int32_t correlation = kAttack) {
  proto::Output out;
  const std::size_t start =
      proto::begin_request(out, {.api_key = Request::kKey, .api_version = version, .correlation_id = correlation, .client_id = "attacker"});
  proto::encode(request, version, out);
  proto::end_request(out, start);
  return {reinterpret_cast<const char*>(out.bytes().data()), out.size()};
}

/// A fetch of `partitions` partitions of one topic, most of which are not there.
std::string wide_fetch(const std::string& topic, std::int32_t partitions, std::int32_t wait_ms, std::int32_t session_epoch) {
  constexpr std::int16_t kVersion = 11;
  std::vector<proto::FetchRequest::FetchPartition> all;
  for (std::int32_t i = 0; i < partitions; ++i) all.push_back({.partition = i, .partition_max_bytes = 1 << 20});
  const std::vector<proto::FetchRequest::FetchTopic> topics{{.topic = topic, .partitions = all}};
  return framed(
      proto::FetchRequest{
          .max_wait_ms = wait_ms, .min_bytes = 1, .max_bytes = 50 << 20, .session_id = 0, .session_epoch = session_epoch, .topics = topics},
      kVersion);
}

std::string fetch_of(const std::string& topic) { return wide_fetch(topic, 1, 0, -1); }

class Sieges {
 public:
  Sieges(const Battlefield& field, Tally& tally, Dice& dice)
      : target_(field.target), known_(field.known), deadlines_(field.deadlines), tally_(tally), dice_(dice) {}

  void idle_crowd();
  void hoarded_sessions();
  void connection_storm();
  void half_frames();
  void dribbled_frames();
  void deaf_readers();
  void slow_readers();
  void deep_pipelines();
  void wide_fetches();
  void many_names();
  void wide_bombs();

 private:
  std::vector<Socket> crowd(std::size_t count, std::uint8_t network, int receive_buffer = 0);
  /// All must be closed by then; those that are not hung.
  void expect_closed(std::vector<Socket>& sockets, const char* family, Clock::time_point until);
  /// Each is probed and must answer or have been closed.
  void expect_alive_or_closed(std::vector<Socket>& sockets, const char* family);
  Outcome drain(Socket& socket, std::size_t answers, Clock::time_point until);
  void flood_without_reading(std::string_view flood, std::size_t answers);

  Target target_;
  const Knowledge& known_;
  Deadlines deadlines_;
  Tally& tally_;
  Dice& dice_;
};

/// The tempo of a peer that is slow on purpose: nothing is waited for.
void keep_slow() { std::this_thread::sleep_for(Milliseconds(10)); }

/// Sends what fits of what each has left, and forgets it for those whose peer is gone; false once nobody has any.
bool send_to_all(std::vector<Socket>& sockets, std::vector<std::string_view>& left) {
  bool is_any_left = false;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!left[i].empty() && sockets[i].send_some(left[i]) == Socket::State::closed) left[i] = {};
    is_any_left = is_any_left || !left[i].empty();
  }
  return is_any_left;
}

void wait_to_write(const std::vector<Socket>& sockets, const std::vector<std::string_view>& left, Clock::time_point until) {
  std::vector<Waiting> waiting;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!left[i].empty()) waiting.push_back({.socket = &sockets[i], .to_write = true});
  }
  wait_for_any(waiting, until);
}

std::vector<Socket> Sieges::crowd(std::size_t count, std::uint8_t network, int receive_buffer) {
  constexpr std::size_t kPerAddress = 200;
  std::vector<Socket> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    target_.from = {network, static_cast<std::uint8_t>(1 + i / kPerAddress)};
    Socket socket(target_, receive_buffer);
    if (socket.is_open()) sockets.push_back(std::move(socket));
  }
  return sockets;
}

void Sieges::expect_closed(std::vector<Socket>& sockets, const char* family, Clock::time_point until) {
  for (Socket& socket : sockets) {
    tally_.note(family, socket.is_closed_before(until) ? Outcome::closed : Outcome::hung, "not closed by its deadline");
  }
}

void Sieges::expect_alive_or_closed(std::vector<Socket>& sockets, const char* family) {
  const auto until = Clock::now() + deadlines_.slack;
  for (Socket& socket : sockets) socket.send_all(probe(), until);
  for (Socket& socket : sockets) {
    std::string answer, rest;
    const Socket::State state = socket.receive_frame(answer, rest, until);
    const Outcome outcome = state == Socket::State::good     ? Outcome::answered
                            : state == Socket::State::closed ? Outcome::closed
                                                             : Outcome::hung;
    tally_.note(family, outcome, "an idle connection did not answer");
  }
}

void Sieges::idle_crowd() {
  constexpr std::size_t kConnections = 2000;
  std::vector<Socket> sockets = crowd(kConnections, 2);
  // They introduce themselves as long as they may first: whatever is kept of that is kept for each.
  const std::string name(32767, 'n');
  const std::string introduction = framed(proto::ApiVersionsRequest{.client_software_name = name, .client_software_version = name}, 3);
  const auto until = Clock::now() + deadlines_.slack;
  for (Socket& socket : sockets) {
    std::string answer, rest;
    if (socket.send_all(introduction, until)) socket.receive_frame(answer, rest, until);
  }
  // Being idle is what they do, unless one is told something unasked.
  std::vector<Waiting> idle;
  for (const Socket& socket : sockets) idle.push_back({.socket = &socket, .to_read = true});
  wait_for_any(idle, Clock::now() + std::chrono::seconds(1));
  expect_alive_or_closed(sockets, "idle crowd");
}

void Sieges::hoarded_sessions() {
  constexpr std::size_t kConnections = 300;
  constexpr std::int32_t kPartitions = 2000;
  std::vector<Socket> sockets = crowd(kConnections, 11);
  const std::string request = wide_fetch(known_.scene.topic, kPartitions, 0, 0);
  const auto until = Clock::now() + 2 * deadlines_.slack;
  for (Socket& socket : sockets) {
    std::string answer, rest;
    if (socket.send_all(request, until)) socket.receive_frame(answer, rest, until);
  }
  expect_alive_or_closed(sockets, "hoarded sessions");
}

void Sieges::connection_storm() {
  const auto end = Clock::now() + std::chrono::seconds(2);
  target_.from = {3, 1};
  while (Clock::now() < end) {
    std::vector<Socket> sockets;
    for (int i = 0; i < 50; ++i) {
      Socket socket(target_);
      if (!socket.is_open()) continue;
      std::string_view garbage = "\0\0\0\x0agarbage";
      if (dice_.one_in(2)) socket.send_some(garbage);
      sockets.push_back(std::move(socket));
    }
    for (std::size_t i = 0; i < sockets.size(); ++i) tally_.note("connection storm", Outcome::left);
  }
}

void Sieges::half_frames() {
  constexpr std::size_t kConnections = 100;
  std::vector<Socket> sockets = crowd(kConnections, 4);
  const auto sending_until = Clock::now() + deadlines_.whole_frame;
  std::string head(kLengthBytes, '\0');
  store_be(reinterpret_cast<std::byte*>(head.data()), static_cast<std::int32_t>(known_.request_max_bytes));
  head += frame(every_version()[dice_.below(every_version().size())], *std::make_unique<ValidFilling>(known_.scene)).substr(kLengthBytes);
  // All but the last byte: the most that memory which follows bytes received can be made to hold.
  std::string filler(known_.request_max_bytes - (head.size() - kLengthBytes) - 1, 'f');
  std::vector<std::string> owed(sockets.size(), head);
  std::vector<std::string_view> left;
  const std::string whole = head + filler;
  left.assign(sockets.size(), whole);
  while (Clock::now() < sending_until && send_to_all(sockets, left)) wait_to_write(sockets, left, sending_until);
  expect_closed(sockets, "half frames", Clock::now() + deadlines_.whole_frame + deadlines_.slack);
}

void Sieges::dribbled_frames() {
  constexpr std::size_t kConnections = 100;
  std::vector<Socket> sockets = crowd(kConnections, 5);
  ValidFilling filling(known_.scene);
  const std::string bytes = frame(every_version().front(), filling) + std::string(4096, '\0');
  const auto until = Clock::now() + deadlines_.whole_frame;
  for (std::size_t at = 0; Clock::now() < until && at < bytes.size(); ++at) {
    // Ten bytes short of the announced length for ever: byte after byte of a frame that never ends.
    std::string first(kLengthBytes, '\0');
    store_be(reinterpret_cast<std::byte*>(first.data()), static_cast<std::int32_t>(bytes.size() + 10));
    const std::string all = first + bytes.substr(kLengthBytes);
    for (Socket& socket : sockets) {
      std::string_view one = std::string_view(all).substr(at, 1);
      socket.send_some(one);
    }
    keep_slow();
  }
  expect_closed(sockets, "dribbled frames", Clock::now() + deadlines_.slack);
}

void Sieges::deaf_readers() {
  constexpr std::size_t kConnections = 60;
  constexpr int kRequests = 200;
  std::vector<Socket> sockets = crowd(kConnections, 6, kSmallReceiveBuffer);
  const std::string one = fetch_of(known_.scene.topic) + wide_fetch(known_.scene.topic, 2000, 0, -1);
  std::string all;
  for (int i = 0; i < kRequests; ++i) all += one;
  std::vector<std::string_view> left(sockets.size(), all);
  const auto until = Clock::now() + deadlines_.unread();
  while (Clock::now() < until) {
    send_to_all(sockets, left);
    std::vector<Waiting> there;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (!sockets[i].is_hung_up()) there.push_back({.socket = &sockets[i], .to_write = !left[i].empty()});
    }
    if (there.empty()) break;
    wait_for_any(there, until);
  }
  // By now each has been deaf for longer than the broker waits. What the kernel still holds is read, then comes the end.
  expect_closed(sockets, "deaf readers", Clock::now() + deadlines_.slack);
}

void Sieges::slow_readers() {
  constexpr std::size_t kConnections = 60;
  std::vector<Socket> sockets = crowd(kConnections, 7, kSmallReceiveBuffer);
  std::string all;
  for (int i = 0; i < 100; ++i) all += fetch_of(known_.scene.topic) + wide_fetch(known_.scene.topic, 2000, 0, -1);
  std::vector<std::string_view> left(sockets.size(), all);
  const auto until = Clock::now() + deadlines_.unread();
  std::vector<bool> closed(sockets.size());
  while (Clock::now() < until && std::ranges::find(closed, false) != closed.end()) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (closed[i]) continue;
      std::string byte;
      const bool gone = (!left[i].empty() && sockets[i].send_some(left[i]) == Socket::State::closed) ||
                        sockets[i].receive_some(byte, 1) == Socket::State::closed || sockets[i].is_hung_up();
      if (gone) closed[i] = true;
    }
    keep_slow();
  }
  // A byte every 10 ms is no way to read an answer of a megabyte. What the kernel holds would take for ever at that pace.
  std::vector<Socket> still;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (closed[i]) {
      tally_.note("slow readers", Outcome::closed);
    } else {
      still.push_back(std::move(sockets[i]));
    }
  }
  expect_closed(still, "slow readers", Clock::now() + deadlines_.slack);
}

Outcome Sieges::drain(Socket& socket, std::size_t answers, Clock::time_point until) {
  std::string answer, rest;
  for (std::size_t i = 0; i < answers; ++i) {
    const Socket::State state = socket.receive_frame(answer, rest, until);
    if (state == Socket::State::closed) return Outcome::closed;
    if (state == Socket::State::nothing) return Outcome::hung;
    if (load_be<std::int32_t>(as_bytes(answer).data()) != static_cast<std::int32_t>(i)) return Outcome::hung;
  }
  return Outcome::answered;
}

void Sieges::deep_pipelines() {
  constexpr std::size_t kRequests = 10000;
  constexpr std::int16_t kVersion = 9;
  const std::vector<proto::MetadataRequest::MetadataRequestTopic> topics{{.name = known_.scene.topic}};
  const std::vector<proto::ProduceRequest::PartitionProduceData> data{{.index = 0, .records = {.bytes = as_bytes(known_.scene.batch)}}};
  const std::vector<proto::ProduceRequest::TopicProduceData> produced{{.name = known_.scene.topic, .partition_data = data}};
  std::vector<std::string> floods(2);
  for (std::size_t i = 0; i < kRequests; ++i) {
    const auto correlation = static_cast<std::int32_t>(i);
    floods[0] += framed(proto::MetadataRequest{.topics = topics}, kVersion, correlation);
    floods[1] += framed(proto::ProduceRequest{.acks = -1, .timeout_ms = 1000, .topic_data = produced}, kVersion, correlation);
  }
  for (const std::string& flood : floods) flood_without_reading(flood, kRequests);
}

void Sieges::flood_without_reading(std::string_view flood, std::size_t answers) {
  std::vector<Socket> sockets = crowd(3, 8);
  std::vector<std::string_view> left(sockets.size(), flood);
  const auto until = Clock::now() + std::min(deadlines_.write_stall / 2, Milliseconds(2000));
  while (Clock::now() < until && send_to_all(sockets, left)) wait_to_write(sockets, left, until);
  // Now they read after all, and send the rest while they do.
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    std::thread rest([&socket = sockets[i], text = left[i]] { socket.send_all(text, Clock::now() + std::chrono::seconds(30)); });
    tally_.note("deep pipelines", drain(sockets[i], answers, Clock::now() + std::chrono::seconds(30)),
                "an answer is missing or out of order");
    rest.join();
  }
}

void Sieges::wide_fetches() {
  constexpr std::size_t kConnections = 20;
  constexpr std::int32_t kPartitions = 100000;
  std::vector<Socket> sockets = crowd(kConnections, 9);
  const std::string request = wide_fetch(known_.scene.topic, kPartitions, 1000, 0) + probe();
  std::vector<std::string_view> left(sockets.size(), request);
  std::vector<std::string> got(sockets.size());
  std::vector<bool> done(sockets.size());
  const auto until = Clock::now() + 4 * deadlines_.slack;
  while (Clock::now() < until && std::ranges::find(done, false) != done.end()) {
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (done[i]) continue;
      if (!left[i].empty()) sockets[i].send_some(left[i]);
      const Socket::State state = sockets[i].receive_some(got[i], 1 << 20);
      const bool answered = got[i].find("PROB") != std::string::npos;
      if (state != Socket::State::closed && !answered) continue;
      done[i] = true;
      tally_.note("wide fetches", answered ? Outcome::answered : Outcome::closed);
    }
    std::vector<Waiting> open;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (!done[i]) open.push_back({.socket = &sockets[i], .to_write = !left[i].empty(), .to_read = true});
    }
    if (!open.empty()) wait_for_any(open, until);
  }
  for (const bool one : done) {
    if (!one) tally_.note("wide fetches", Outcome::hung, "neither answered nor closed");
  }
}

void Sieges::many_names() {
  constexpr std::int16_t kVersion = 9;
  constexpr std::size_t kNames = 50000;
  // Unlawful, so that none is made; what the broker does for each still counts.
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kNames; ++i) names.push_back("attack/" + std::to_string(i));
  std::vector<proto::MetadataRequest::MetadataRequestTopic> topics;
  for (const std::string& name : names) topics.push_back({.name = name});
  const std::string request = framed(proto::MetadataRequest{.topics = topics, .allow_auto_topic_creation = true}, kVersion, 0);
  std::vector<Socket> sockets = crowd(4, 10);
  const auto until = Clock::now() + 4 * deadlines_.slack;
  for (Socket& socket : sockets) socket.send_all(request, until);
  for (Socket& socket : sockets) tally_.note("many names", drain(socket, 1, until), "neither answered nor closed");
}

/// One request brings a batch for each of many partitions that all have to be opened, and what is in them is as large as may be.
void Sieges::wide_bombs() {
  constexpr std::int16_t kVersion = 9;
  constexpr std::int32_t kPartitions = 40;
  const std::string batch = bomb(std::size_t{15} << 20, known_.message_max_bytes);
  std::vector<proto::ProduceRequest::PartitionProduceData> partitions;
  for (std::int32_t i = 0; i < kPartitions; ++i) partitions.push_back({.index = i, .records = {.bytes = as_bytes(batch)}});
  const std::vector<proto::ProduceRequest::TopicProduceData> topics{{.name = known_.compacted_topic, .partition_data = partitions}};
  const std::string request = framed(proto::ProduceRequest{.acks = -1, .timeout_ms = 1000, .topic_data = topics}, kVersion, 0);
  std::vector<Socket> sockets = crowd(2, 12);
  const auto until = Clock::now() + 8 * deadlines_.slack;
  for (Socket& socket : sockets) socket.send_all(request, until);
  for (Socket& socket : sockets) tally_.note("wide bombs", drain(socket, 1, until), "neither answered nor closed");
}

}  // namespace

std::vector<Siege> all_sieges(const Battlefield& field, Tally& tally, Dice& dice) {
  const auto sieges = std::make_shared<Sieges>(field, tally, dice);
  const auto siege = [&sieges](const char* name, Milliseconds lasts, void (Sieges::*run)()) {
    return Siege{.name = name, .lasts = lasts, .run = [sieges, run] { ((*sieges).*run)(); }};
  };
  const Deadlines& deadlines = field.deadlines;
  const Milliseconds slack = deadlines.slack;
  return {siege("idle crowd", slack, &Sieges::idle_crowd),
          siege("hoarded sessions", slack, &Sieges::hoarded_sessions),
          siege("connection storm", slack, &Sieges::connection_storm),
          siege("wide fetches", slack, &Sieges::wide_fetches),
          siege("many names", slack, &Sieges::many_names),
          siege("wide bombs", 2 * slack, &Sieges::wide_bombs),
          siege("deep pipelines", slack, &Sieges::deep_pipelines),
          siege("half frames", 2 * deadlines.whole_frame + slack, &Sieges::half_frames),
          siege("dribbled frames", deadlines.whole_frame + slack, &Sieges::dribbled_frames),
          siege("slow readers", 2 * deadlines.write_stall + slack, &Sieges::slow_readers),
          siege("deaf readers", deadlines.write_stall + slack, &Sieges::deaf_readers)};
}

}  // namespace tidelog::attack
