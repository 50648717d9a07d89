#include "tests/attack/sieges.h"

#include "proto/base/endian.h"
#include "proto/messages/api_versions_request.h"
#include "proto/messages/fetch_request.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/produce_request.h"
#include "tests/attack/answers.h"
#include "tests/attack/camp.h"
#include "tests/attack/messages.h"

#include <algorithm>
#include <numeric>
#include <thread>

namespace tidelog::attack {
namespace {

using Outcome = Tally::Outcome;

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kCrowd = 2000;
constexpr std::size_t kMostFetched = 100'000;
constexpr int kSmallReceiveBuffer = 4096;

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
      : camp_(field, tally), target_(field.target), known_(field.known), deadlines_(field.deadlines), tally_(tally), dice_(dice) {}

  void idle_crowd();
  void introductions_at_once();
  void hoarded_sessions();
  void connection_storm();
  void half_frames();
  void dribbled_frames();
  void deaf_readers();
  void slow_readers();
  void deep_pipelines();
  /// More partitions than a small broker has the memory to answer.
  void wide_fetches();
  void served_fetches();
  void many_names();
  void wide_bombs();

 private:
  void fetch_widely(const char* family, std::size_t partitions, std::uint8_t network);
  void flood_without_reading(std::string_view flood, std::size_t answers);
  /// So many elements, but no more than a broker that takes small requests has the memory to lay out.
  [[nodiscard]] std::size_t served_elements(std::size_t most) const { return std::min(most, known_.request_max_bytes / 200); }

  Camp camp_;
  Target target_;
  const Knowledge& known_;
  Deadlines deadlines_;
  Tally& tally_;
  Dice& dice_;
};

/// The tempo of a peer that is slow on purpose: nothing is waited for.
void keep_slow() { std::this_thread::sleep_for(Milliseconds(10)); }

/// As long as it may be: whatever is kept of it is kept for each.
std::string long_introduction() {
  const std::string name(32767, 'n');
  return framed(proto::ApiVersionsRequest{.client_software_name = name, .client_software_version = name}, 3);
}

void Sieges::idle_crowd() {
  std::vector<Socket> sockets = camp_.crowd({.family = "idle crowd", .count = kCrowd, .network = 2});
  const std::string introduction = long_introduction();
  const auto until = Clock::now() + deadlines_.slack;
  for (Socket& socket : sockets) {
    std::string answer, rest;
    if (socket.send_all(introduction, until)) socket.receive_frame(answer, rest, until);
  }
  // Being idle is what they do, unless one is told something unasked.
  std::vector<Waiting> idle;
  for (const Socket& socket : sockets) idle.push_back({.socket = &socket, .to_read = true});
  wait_for_any(idle, Clock::now() + std::chrono::seconds(1));
  camp_.expect_alive_or_closed(sockets, "idle crowd");
}

void Sieges::introductions_at_once() {
  std::vector<Socket> sockets = camp_.crowd({.family = "introductions at once", .count = kCrowd, .network = 40});
  // With little memory not all can; those that were closed for it are counted as that.
  Camp::ask_each(sockets, long_introduction(), Clock::now() + deadlines_.slack);
  camp_.expect_alive_or_closed(sockets, "introductions at once");
}

void Sieges::hoarded_sessions() {
  constexpr std::size_t kConnections = 300;
  constexpr std::int32_t kPartitions = 2000;
  std::vector<Socket> sockets = camp_.crowd({.family = "hoarded sessions", .count = kConnections, .network = 11});
  const std::string request = wide_fetch(known_.read_topic, kPartitions, 0, 0);
  // Where the memory of answers is scarce some are closed, as response.memory.bytes says.
  Camp::ask_each(sockets, request, Clock::now() + 2 * deadlines_.slack);
  camp_.expect_alive_or_closed(sockets, "hoarded sessions");
}

void Sieges::connection_storm() {
  const auto end = Clock::now() + std::chrono::seconds(2);
  target_.from = {3, 1};
  while (Clock::now() < end) {
    std::vector<Socket> sockets;
    for (int i = 0; i < 50; ++i) {
      Socket socket(target_);
      tally_.note("connection storm", socket.is_open() ? Outcome::left : Outcome::unopened);
      if (!socket.is_open()) continue;
      std::string_view garbage = "\0\0\0\x0agarbage";
      if (dice_.one_in(2)) socket.send_some(garbage);
      sockets.push_back(std::move(socket));
    }
  }
}

void Sieges::half_frames() {
  constexpr std::size_t kConnections = 100;
  std::vector<Socket> sockets = camp_.crowd({.family = "half frames", .count = kConnections, .network = 4});
  const auto sending_until = Clock::now() + deadlines_.whole_frame;
  std::string head(kLengthBytes, '\0');
  store_be(reinterpret_cast<std::byte*>(head.data()), static_cast<std::int32_t>(known_.request_max_bytes));
  head += frame(every_version()[dice_.below(every_version().size())], *std::make_unique<ValidFilling>(known_.scene)).substr(kLengthBytes);
  // All but the last byte: the most that memory which follows bytes received can be made to hold.
  std::string filler(known_.request_max_bytes - (head.size() - kLengthBytes) - 1, 'f');
  std::vector<std::string_view> left;
  const std::string whole = head + filler;
  left.assign(sockets.size(), whole);
  while (Clock::now() < sending_until && send_to_all(sockets, left)) wait_to_write(sockets, left, sending_until);
  camp_.expect_closed(sockets, "half frames", Clock::now() + deadlines_.whole_frame + deadlines_.slack);
}

void Sieges::dribbled_frames() {
  constexpr std::size_t kConnections = 100;
  std::vector<Socket> sockets = camp_.crowd({.family = "dribbled frames", .count = kConnections, .network = 5});
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
  camp_.expect_closed(sockets, "dribbled frames", Clock::now() + deadlines_.slack);
}

void Sieges::deaf_readers() {
  constexpr std::size_t kConnections = 60;
  constexpr int kRequests = 200;
  std::vector<Socket> sockets =
      camp_.crowd({.family = "deaf readers", .count = kConnections, .network = 6, .receive_buffer = kSmallReceiveBuffer});
  const std::string one = fetch_of(known_.read_topic) + wide_fetch(known_.read_topic, 2000, 0, -1);
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
  camp_.expect_closed(sockets, "deaf readers", Clock::now() + deadlines_.slack);
}

void Sieges::slow_readers() {
  constexpr std::size_t kConnections = 60;
  std::vector<Socket> sockets =
      camp_.crowd({.family = "slow readers", .count = kConnections, .network = 7, .receive_buffer = kSmallReceiveBuffer});
  std::string all;
  for (int i = 0; i < 100; ++i) all += fetch_of(known_.read_topic) + wide_fetch(known_.read_topic, 2000, 0, -1);
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
  camp_.expect_closed(still, "slow readers", Clock::now() + deadlines_.slack);
}

void Sieges::deep_pipelines() {
  constexpr std::size_t kRequests = 10000;
  constexpr std::int16_t kVersion = 9;
  const std::vector<proto::MetadataRequest::MetadataRequestTopic> topics{{.name = known_.read_topic}};
  const std::vector<proto::ProduceRequest::PartitionProduceData> data{{.index = 0, .records = {.bytes = as_bytes(known_.scene.batch)}}};
  const std::vector<proto::ProduceRequest::TopicProduceData> produced{{.name = known_.read_topic, .partition_data = data}};
  std::vector<std::string> floods(2);
  for (std::size_t i = 0; i < kRequests; ++i) {
    const auto correlation = static_cast<std::int32_t>(i);
    floods[0] += framed(proto::MetadataRequest{.topics = topics}, kVersion, correlation);
    floods[1] += framed(proto::ProduceRequest{.acks = -1, .timeout_ms = 1000, .topic_data = produced}, kVersion, correlation);
  }
  for (const std::string& flood : floods) flood_without_reading(flood, kRequests);
}

void Sieges::flood_without_reading(std::string_view flood, std::size_t answers) {
  std::vector<Socket> sockets = camp_.crowd({.family = "deep pipelines", .count = 3, .network = 8});
  std::vector<std::string_view> left(sockets.size(), flood);
  const auto until = Clock::now() + std::min(deadlines_.write_stall / 2, Milliseconds(2000));
  while (Clock::now() < until && send_to_all(sockets, left)) wait_to_write(sockets, left, until);
  // Now they read after all, and send the rest while they do.
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    std::thread rest([&socket = sockets[i], text = left[i]] { socket.send_all(text, Clock::now() + std::chrono::seconds(30)); });
    std::string last;
    tally_.note("deep pipelines", Camp::drain(sockets[i], answers, Clock::now() + std::chrono::seconds(30), last),
                "an answer is missing or out of order");
    rest.join();
  }
}

void Sieges::wide_fetches() { fetch_widely("wide fetches", kMostFetched, 9); }
void Sieges::served_fetches() { fetch_widely("served wide fetches", served_elements(kMostFetched), 39); }

void Sieges::fetch_widely(const char* family, std::size_t partitions, std::uint8_t network) {
  constexpr std::size_t kConnections = 20;
  const std::string request = wide_fetch(known_.read_topic, static_cast<std::int32_t>(partitions), 1000, 0) + probe();
  std::vector<Socket> sockets = camp_.crowd({.family = family, .count = kConnections, .network = network});
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
      tally_.note(family, answered ? Outcome::answered : Outcome::closed);
    }
    std::vector<Waiting> open;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (!done[i]) open.push_back({.socket = &sockets[i], .to_write = !left[i].empty(), .to_read = true});
    }
    if (!open.empty()) wait_for_any(open, until);
  }
  for (const bool one : done) {
    if (!one) tally_.note(family, Outcome::hung, "neither answered nor closed");
  }
}

void Sieges::many_names() {
  constexpr std::int16_t kVersion = 9;
  // What a small broker can answer, and more.
  std::vector<std::string> requests;
  for (const std::size_t count : {served_elements(50'000), std::size_t{50'000}}) {
    // Unlawful, so that none is made; what the broker does for each still counts.
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back("attack/" + std::to_string(i));
    std::vector<proto::MetadataRequest::MetadataRequestTopic> topics;
    for (const std::string& name : names) topics.push_back({.name = name});
    requests.push_back(framed(proto::MetadataRequest{.topics = topics, .allow_auto_topic_creation = true}, kVersion, 0));
  }
  std::vector<Socket> sockets = camp_.crowd({.family = "many names", .count = 4, .network = 10});
  const auto until = Clock::now() + 4 * deadlines_.slack;
  for (std::size_t i = 0; i < sockets.size(); ++i) sockets[i].send_all(requests[i % requests.size()], until);
  std::string answer;
  for (Socket& socket : sockets) tally_.note("many names", Camp::drain(socket, 1, until, answer), "neither answered nor closed");
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
  std::vector<Socket> sockets = camp_.crowd({.family = "wide bombs", .count = 2, .network = 12});
  const auto until = Clock::now() + 8 * deadlines_.slack;
  for (Socket& socket : sockets) socket.send_all(request, until);
  for (Socket& socket : sockets) {
    std::string answer;
    const Outcome outcome = Camp::drain(socket, 1, until, answer);
    const auto errors = outcome == Outcome::answered ? errors_in(answer, asked_by(request)) : std::set<std::int16_t>{0};
    const bool is_stored = errors && *errors == std::set<std::int16_t>{0};
    tally_.note("wide bombs", is_stored ? outcome : Outcome::refused, is_stored ? "neither answered nor closed" : "not all were stored");
  }
}

}  // namespace

std::vector<Siege> crowd_sieges(const Battlefield& field, Tally& tally, Dice& dice) {
  const auto sieges = std::make_shared<Sieges>(field, tally, dice);
  const auto answered = [&sieges](const char* name, Milliseconds lasts, void (Sieges::*run)()) {
    return Siege{.name = name, .lasts = lasts, .run = [sieges, run] { ((*sieges).*run)(); }};
  };
  const auto closed = [&answered](const char* name, Milliseconds lasts, void (Sieges::*run)()) {
    Siege siege = answered(name, lasts, run);
    siege.expected = Tally::Expected::tried;
    return siege;
  };
  const Deadlines& deadlines = field.deadlines;
  const Milliseconds slack = deadlines.slack;
  return {answered("idle crowd", slack, &Sieges::idle_crowd),
          answered("introductions at once", slack, &Sieges::introductions_at_once),
          answered("hoarded sessions", slack, &Sieges::hoarded_sessions),
          closed("connection storm", slack, &Sieges::connection_storm),
          closed("wide fetches", slack, &Sieges::wide_fetches),
          answered("served wide fetches", slack, &Sieges::served_fetches),
          answered("many names", slack, &Sieges::many_names),
          answered("wide bombs", 2 * slack, &Sieges::wide_bombs),
          answered("deep pipelines", slack, &Sieges::deep_pipelines),
          closed("half frames", 2 * deadlines.whole_frame + slack, &Sieges::half_frames),
          closed("dribbled frames", deadlines.whole_frame + slack, &Sieges::dribbled_frames),
          closed("slow readers", 2 * deadlines.write_stall + slack, &Sieges::slow_readers),
          closed("deaf readers", deadlines.write_stall + slack, &Sieges::deaf_readers)};
}

}  // namespace tidelog::attack
