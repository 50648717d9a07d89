// attacker --port P --pid PID ...: attacks a broker on this machine while a bystander uses it, and says what became of both.
// Exit 0: nothing hung, the bystander noticed nothing, memory stayed within its budget, every record is still there, and everything that
// was to be played was tried and, where an answer is due, answered.
#include "proto/messages/find_coordinator_request.h"
#include "proto/messages/find_coordinator_response.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/metadata_response.h"
#include "proto/messages/offset_fetch_request.h"
#include "proto/messages/offset_fetch_response.h"
#include "tests/attack/bystander.h"
#include "tests/attack/dear.h"
#include "tests/attack/play.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <set>
#include <stop_token>
#include <thread>

namespace tidelog::attack {
namespace {

/// The payload of the answer to one request on a connection of its own.
template <class Request>
std::string answer_to(const Target& target, const Request& request, std::int16_t version) {
  Socket socket(target);
  std::string answer, rest;
  const auto until = Clock::now() + std::chrono::seconds(10);
  const bool was_sent = socket.is_open() && socket.send_all(framed(request, version), until);
  if (!was_sent || socket.receive_frame(answer, rest, until) != Socket::State::good) throw std::runtime_error("the broker does not answer");
  return answer;
}

/// Asks for the topic's id; the topic was created by whoever started the broker.
Uuid topic_id(const Target& target, const std::string& topic) {
  constexpr std::int16_t kVersion = 12;
  const std::vector<proto::MetadataRequest::MetadataRequestTopic> topics{{.name = topic}};
  const std::string answer = answer_to(target, proto::MetadataRequest{.topics = topics}, kVersion);
  proto::MetadataResponse response;
  if (!read_answer(answer, kVersion, response)) throw std::runtime_error("metadata cannot be read");
  for (const auto& one : response.topics) {
    if (one.name == topic && one.error_code == 0) return one.topic_id;
  }
  throw std::runtime_error("topic " + topic + " is not there");
}

bool has_coordinator(const Target& target, std::string_view group) {
  constexpr std::int16_t kFindVersion = 4, kFetchVersion = 8;
  const std::vector<std::string_view> keys{group};
  answer_to(target, proto::FindCoordinatorRequest{.coordinator_keys = keys}, kFindVersion);
  const std::vector<proto::OffsetFetchRequest::OffsetFetchRequestGroup> groups{{.group_id = group}};
  const std::string answer = answer_to(target, proto::OffsetFetchRequest{.groups = groups}, kFetchVersion);
  proto::OffsetFetchResponse response;
  if (!read_answer(answer, kFetchVersion, response)) throw std::runtime_error("offsets cannot be read");
  bool is_there = false;
  for (const auto& one : response.groups) is_there = one.error_code == 0;
  return is_there;
}

/// Groups are served once their topic has been made and read; a client that comes before is told to ask again, which is no complaint.
void wait_for_coordinator(const Target& target, std::string_view group) {
  const auto until = Clock::now() + std::chrono::seconds(10);
  while (!has_coordinator(target, group)) {
    if (Clock::now() >= until) throw std::runtime_error("groups are not served");
  }
}

/// The attack is many connections; what the shell allows by default would make it a small one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}
/// Plays the sieges in turns until nothing fits any more. Thread: one of its own.
class Campaign {
 public:
  Campaign(const Battle& battle, const std::vector<Siege>& sieges, Tally& tally) : battle_(battle), tally_(tally) {
    for (const Siege& siege : sieges) {
      if (battle.options.is_wanted(siege.name)) sieges_.push_back(siege);
    }
  }

  void run(Clock::time_point until) {
    begin_anywhere(until);
    expect_what_fits(until);
    // What would last beyond the end is left out; once nothing fits any more it is over.
    std::size_t skipped = 0;
    for (std::size_t turn = 0; skipped < sieges_.size() && battle_.progress.is_broker_there(); ++turn) {
      if (!battle_.options.only.empty() && turn == sieges_.size()) break;
      const Siege& next = sieges_[turn % sieges_.size()];
      const bool fits = Clock::now() + next.lasts <= until;
      skipped = fits ? 0 : skipped + 1;
      if (fits) play(next);
    }
  }

  /// Those that there was no time for.
  [[nodiscard]] std::vector<std::string> left_out() const {
    std::vector<std::string> all;
    for (const Siege& siege : sieges_) {
      if (!played_.contains(siege.name)) all.push_back(siege.name);
    }
    return all;
  }

 private:
  /// Where there is no time for all, other ones come first in each run.
  void begin_anywhere(Clock::time_point until) {
    Clock::time_point end = Clock::now();
    for (const Siege& siege : sieges_) end += siege.lasts;
    if (end <= until || sieges_.empty()) return;
    const auto first = static_cast<std::ptrdiff_t>(battle_.options["seed"] % sieges_.size());
    std::ranges::rotate(sieges_, sieges_.begin() + first);
  }

  /// If each lasted as long as it may, so many would have their turn. So all of these must.
  void expect_what_fits(Clock::time_point until) {
    Clock::time_point end = Clock::now();
    for (const Siege& siege : sieges_) {
      end += siege.lasts;
      if (end <= until) tally_.expect(siege.name, siege.expected);
    }
  }

  void play(const Siege& siege) {
    const Progress::Stage timed = battle_.progress.begin(siege.name);
    tally_.expect(siege.name, siege.expected);
    played_.insert(siege.name);
    siege.run();
  }

  const Battle& battle_;
  Tally& tally_;
  std::vector<Siege> sieges_;
  std::set<std::string> played_;
};

std::vector<Siege> dear_sieges(const Battlefield& field, Tally& tally) {
  std::vector<Siege> all;
  for (const auto make : {time_sieges, member_sieges, commit_sieges, admin_sieges, producer_sieges}) {
    std::ranges::move(make(field, tally), std::back_inserter(all));
  }
  return all;
}

/// Plays everything at once: cases, crowds and dear requests. Prints for what there was no time.
void fight(const Battle& battle, Tally& tally, Clock::time_point until) {
  const Options& options = battle.options;
  Dice dice(options["seed"] + 1);
  const Target target{.port = static_cast<std::uint16_t>(options["port"])};
  const Deadlines deadlines{.whole_frame = options.ms("frame-ms"),
                            .write_stall = options.ms("write-ms"),
                            .slack = options.ms("slack-ms"),
                            .search = options.ms("search-ms")};
  const Battlefield field{.target = target, .known = battle.known, .deadlines = deadlines};
  Campaign crowds(battle, crowd_sieges(field, tally, dice), tally);
  Campaign dear(battle, dear_sieges(field, tally), tally);
  std::thread beside([&] { crowds.run(until); });
  std::thread beside_that([&] { dear.run(until); });
  Play(battle, tally).run(until);
  beside.join();
  beside_that.join();
  for (const Campaign* campaign : {&crowds, &dear}) {
    for (const std::string& name : campaign->left_out()) std::printf("no time for: %s\n", name.c_str());
  }
}
/// Memory comes back when connections are gone; how long that takes is the allocator's and the kernel's affair.
Memory settled_memory(int pid) {
  std::uint64_t least = UINT64_MAX;
  for (int quiet = 0; quiet < 5;) {
    std::this_thread::sleep_for(Milliseconds(200));  // between two looks: nobody tells when a process gave memory back
    const std::uint64_t now = memory_of(pid).resident;
    quiet = now < least ? 0 : quiet + 1;
    least = std::min(least, now);
  }
  return memory_of(pid);
}

struct Verdict {
  bool is_good = true;
  void require(bool holds, const std::string& otherwise) {
    if (holds) return;
    is_good = false;
    std::printf("FAIL %s\n", otherwise.c_str());
  }
};

void print_attacks(const Tally& tally) {
  const auto print = [](const std::string& name, const Tally::Counts& n) {
    std::printf("%-22s %9lu %9lu %8lu %8lu %8lu %8lu %6lu\n", name.c_str(), n.sent, n.answered, n.refused, n.closed, n.left, n.unopened,
                n.hung);
  };
  std::printf("%-22s %9s %9s %8s %8s %8s %8s %6s\n", "attack", "sent", "answered", "refused", "closed", "left", "unopened", "hung");
  for (const auto& [family, counts] : tally.families()) print(family, counts);
  print("all", tally.all());
  for (const auto& [what, when] : tally.hangs()) std::printf("hung: %s (case %lu)\n", what.c_str(), when);
  for (const auto& [what, times] : tally.refusals()) std::printf("refused: %s (%lu times)\n", what.c_str(), times);
}

/// What the bystander says of itself, and whether it did all that it does.
void judge(const Bystander& bystander, bool had_time, Verdict& verdict) {
  const Caller& caller = bystander.caller();
  std::printf("bystander: %lu requests, %lu failures, slowest %ld ms (%s), %lu records, %lu large\n", caller.requests(), caller.failures(),
              caller.slowest().count(), caller.slowest_what().c_str(), bystander.records(), bystander.large_rounds());
  for (const std::string& why : caller.complaints()) std::printf("bystander: %s\n", why.c_str());
  verdict.require(caller.failures() == 0, "the bystander was disturbed");
  verdict.require(bystander.records() > 0, "the bystander stored nothing: this run proves nothing");
  verdict.require(!had_time || bystander.large_rounds() > 0, "the bystander never came to all it does: this run proves nothing");
}

/// The whole process, with what it had before: whoever plans a machine plans with the budget.
struct MemoryUse {
  Memory before;
  Memory peak;
  Memory after;
};

void judge(const MemoryUse& memory, double budget, Verdict& verdict) {
  const double peak = static_cast<double>(memory.peak.peak);
  std::printf("broker memory: %.1f MB before, %.1f MB peak, %.1f MB after; budget %.1f MB\n",
              static_cast<double>(memory.before.resident) / kMegabyte, peak / kMegabyte,
              static_cast<double>(memory.after.resident) / kMegabyte, budget / kMegabyte);
  verdict.require(budget == 0 || peak <= budget * 1.1, "memory went beyond the budget and a tenth");
}

void judge(const Tally& tally, Verdict& verdict) {
  const std::set<std::string> unproven = tally.unproven();
  for (const std::string& what : unproven) std::printf("unproven: %s\n", what.c_str());
  verdict.require(tally.all().hung == 0, "connections hung");
  verdict.require(tally.all().sent > 0, "nothing was played: this run proves nothing");
  verdict.require(unproven.empty(), "not all that was to be played was: this run proves nothing of it");
}

int run(const Options& options) {
  raise_descriptor_limit();
  const Target target{.port = static_cast<std::uint16_t>(options["port"])};
  const int pid = static_cast<int>(options["pid"]);
  const Knowledge known{.scene = {.topic = "attack", .topic_id = topic_id(target, "attack"), .batch = batch_of("key", "value")},
                        .compacted_topic = "attack-compacted",
                        .read_topic = "attack-read",
                        .times_topic = "attack-times",
                        .many_topic = "attack-many",
                        .request_max_bytes = options["request-max"],
                        .message_max_bytes = options["message-max"]};
  wait_for_coordinator(target, Bystander::kGroup);
  Bystander::Topics topics;
  if (options["large"] == 0) topics.large.clear();
  Bystander bystander({.port = target.port, .from = {0, 9}}, topics, options.ms("bound-ms"));
  MemoryUse memory{.before = memory_of(pid)};
  forget_peak(pid);
  Tally tally;
  const Progress progress(pid);
  std::jthread beside([&](const std::stop_token& stop) { bystander.run(stop); });
  fight({.options = options, .known = known, .progress = progress}, tally, Clock::now() + std::chrono::seconds(options["seconds"]));
  beside.request_stop();
  beside.join();
  memory.peak = memory_of(pid);
  const bool is_there = is_alive(pid);
  const std::string damage = is_there ? bystander.verify() : "the broker is gone";
  memory.after = settled_memory(pid);

  Verdict verdict;
  print_attacks(tally);
  verdict.require(is_there && is_alive(pid), "the broker died");
  judge(tally, verdict);
  judge(bystander, options.only.empty() && options["large"] != 0, verdict);
  judge(memory, static_cast<double>(options["budget"]), verdict);
  verdict.require(damage.empty(), "stored records: " + damage);
  std::fflush(stdout);
  return verdict.is_good ? 0 : 1;
}
}  // namespace
}  // namespace tidelog::attack

int main(int count, char** words) {
  try {
    return tidelog::attack::run(tidelog::attack::Options(count, words));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "attacker: %s\n", error.what());
    return 2;
  }
}
