#include "bench/common/die.h"
#include "bench/common/flags.h"
#include "bench/groups/classic_member.h"
#include "bench/groups/committer.h"
#include "bench/groups/consumer_member.h"
#include "bench/groups/crowd.h"
#include "bench/groups/frames.h"
#include "bench/load/admin.h"
#include "proto/messages/find_coordinator_request.h"
#include "proto/messages/find_coordinator_response.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <thread>

namespace tidelog::bench {
namespace {

constexpr const char* kUsage =
    "tidelog-groups settle  --port P --group G --protocol classic|consumer [--members N] [--topic T] [--partitions N]\n"
    "                       [--session-ms S] [--heartbeat-ms H] [--repeats N] [--patience-s S]\n"
    "tidelog-groups commits --port P [--groups N] [--interval-ms I] [--seconds S] [--topic T] [--partitions N]\n"
    "Each prints one line of JSON. settle: how long a group takes until every member has what the group decided, in ms,\n"
    "  first     all of its members come at once\n"
    "  more      one more comes; pause: the longest that a member stood that kept what it had\n"
    "  leave     one says that it goes\n"
    "  restart   one leaves and another one comes in its place\n"
    "  killed    one is gone without a word: the session's end is in it\n"
    "more, leave and restart are the median of N, each at any moment between two heartbeats.\n";

double ms(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// Makes the topic that keeps groups, if it is not there, and waits for the group's coordinator.
void await_coordinator(Socket& socket, const std::string& group) {
  constexpr std::int16_t kVersion = 3;
  constexpr int kPolls = 3000;
  for (int poll = 0; poll < kPolls; ++poll) {
    const Bytes payload = socket.call(framed(proto::FindCoordinatorRequest{.key = group}, kVersion));
    if (read_answer<proto::FindCoordinatorResponse>(payload, kVersion).error_code == 0) return;
    std::this_thread::sleep_for(kPause);
  }
  die("there is no coordinator");
}

class Settling {
 public:
  Settling(std::uint16_t port, const GroupPlan& plan, bool is_classic, Milliseconds patience)
      : crowd_(port), plan_(plan), is_classic_(is_classic), patience_(patience) {}

  void come(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (is_classic_) {
        crowd_.add(std::make_unique<ClassicMember>(plan_));
      } else {
        crowd_.add(std::make_unique<ConsumerMember>(plan_, fmt::format("bench-{}-member-{:06}", plan_.group, next_id_++)));
      }
    }
  }
  /// What happens next does so at any moment of an interval: right behind one heartbeat it would wait for the next as long as can be.
  void drift() { crowd_.run_for(std::chrono::duration_cast<Clock::duration>(plan_.heartbeat * moment_(random_))); }
  /// The median time that it takes to settle after `event`.
  double settle_after(std::size_t times, const std::function<void()>& event, const std::function<void()>& back) {
    std::vector<double> taken;
    for (std::size_t i = 0; i < times; ++i) {
      drift();
      event();
      taken.push_back(settle());
      longest_pause_ = std::max(longest_pause_, ms(crowd_.longest_pause()));
      drift();
      back();
      settle();
    }
    std::ranges::sort(taken);
    return taken.empty() ? 0 : taken[taken.size() / 2];
  }
  double settle() {
    crowd_.forget_pauses();
    return ms(crowd_.run_until_stable(static_cast<std::size_t>(plan_.partitions), patience_));
  }
  /// With partitions, or nothing would change.
  void leave() { crowd_.busy().leave(); }
  void kill() { crowd_.kill(crowd_.busy()); }
  /// In what was repeated up to now.
  [[nodiscard]] double longest_pause() const { return longest_pause_; }
  void end() {
    crowd_.leave();
    crowd_.run_until([this] { return crowd_.size() == 0; }, patience_);
  }

 private:
  Crowd crowd_;
  const GroupPlan& plan_;
  bool is_classic_;
  Milliseconds patience_;
  std::size_t next_id_ = 0;
  double longest_pause_ = 0;
  std::minstd_rand random_;  ///< The same moments for every broker.
  std::uniform_real_distribution<> moment_;
};

int settle(Flags& flags) {
  const GroupPlan plan{.group = flags.text("group", "bench-group"),
                       .topic = flags.text("topic", "bench-groups"),
                       .partitions = static_cast<std::int32_t>(flags.number("partitions", 900)),
                       .session = Milliseconds(flags.number("session-ms", 1000)),
                       .heartbeat = Milliseconds(flags.number("heartbeat-ms", 100))};
  const std::string protocol = flags.text("protocol", "classic");
  const std::size_t members = flags.number("members", 10);
  const std::size_t repeats = flags.number("repeats", 7);
  const Milliseconds patience = std::chrono::seconds(flags.number("patience-s", 120));
  const auto port = static_cast<std::uint16_t>(flags.number("port", 9092));
  flags.finish();
  if (protocol != "classic" && protocol != "consumer") die("--protocol wants classic or consumer");
  if (members < 2) die("--members wants 2 or more");
  Socket socket(port);
  create_topic(socket, {.name = plan.topic, .partitions = plan.partitions, .configs = {}});
  await_coordinator(socket, plan.group);

  Settling group(port, plan, protocol == "classic", patience);
  group.come(members);
  const double first = group.settle();
  const auto one_comes = [&] { group.come(1); };
  const auto one_leaves = [&] { group.leave(); };
  const double more = group.settle_after(repeats, one_comes, one_leaves);
  const double pause = group.longest_pause();
  const double left = group.settle_after(repeats, one_leaves, one_comes);
  const auto one_restarts = [&] {
    group.leave();
    group.come(1);
  };
  const double restart = group.settle_after(repeats, one_restarts, [] {});
  group.drift();
  group.kill();
  const double killed = group.settle();
  group.end();
  fmt::print(R"({{"scenario":"settle","protocol":"{}","members":{},"partitions":{},"first_ms":{:.1f},"more_ms":{:.1f},"pause_ms":{:.1f},)"
             R"("leave_ms":{:.1f},"killed_ms":{:.1f},"restart_ms":{:.1f}}})"
             "\n",
             protocol, members, plan.partitions, first, more, pause, left, killed, restart);
  return 0;
}

int commits(Flags& flags) {
  const GroupPlan plan{
      .group = {}, .topic = flags.text("topic", "bench-commits"), .partitions = static_cast<std::int32_t>(flags.number("partitions", 10))};
  const std::size_t groups = flags.number("groups", 1000);
  const Milliseconds interval(flags.number("interval-ms", 60));
  const std::chrono::seconds lasts(flags.number("seconds", 60));
  const auto port = static_cast<std::uint16_t>(flags.number("port", 9092));
  flags.finish();
  Socket socket(port);
  create_topic(socket, {.name = plan.topic, .partitions = plan.partitions, .configs = {}});
  await_coordinator(socket, "bench-0");
  Crowd crowd(port);
  Commits done;
  const Clock::time_point begun = Clock::now();
  for (std::size_t i = 0; i < groups; ++i) {
    auto committer = std::make_unique<Committer>(plan, fmt::format("bench-{}", i), interval, done);
    committer->begin_at(begun + interval * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(groups));
    crowd.add(std::move(committer));
  }
  const double taken = ms(crowd.run_until([&] { return Clock::now() - begun >= lasts; }, lasts + std::chrono::seconds(10))) / 1000;
  const auto us = [&](double share) { return static_cast<double>(done.latency.quantile(share)) / 1000; };
  fmt::print(R"({{"scenario":"commits","groups":{},"seconds":{:.1f},"commits":{},"commits_per_minute":{:.0f},"late":{},"p50_us":{:.0f},)"
             R"("p99_us":{:.0f},"max_us":{:.0f}}})"
             "\n",
             groups, taken, done.answered, static_cast<double>(done.answered) / taken * 60, done.late, us(0.5), us(0.99),
             static_cast<double>(done.latency.max()) / 1000);
  return 0;
}

int run_command(const std::string& command, Flags& flags) {
  if (command == "settle") return settle(flags);
  if (command == "commits") return commits(flags);
  std::fputs(kUsage, stderr);
  return 2;
}

}  // namespace
}  // namespace tidelog::bench

int main(int argc, char** argv) {
  tidelog::bench::Flags flags(argc, argv, 2);
  return tidelog::bench::run_command(argc > 1 ? argv[1] : "help", flags);
}
