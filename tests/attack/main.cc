// attacker --port P --pid PID ...: attacks a broker on this machine while a bystander uses it, and says what became of both.
// Exit 0: nothing hung, the bystander noticed nothing, memory stayed within its budget, and every record is still there.
#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/metadata_response.h"
#include "tests/attack/bystander.h"
#include "tests/attack/cases.h"
#include "tests/attack/process.h"
#include "tests/attack/sieges.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <thread>

namespace tidelog::attack {
namespace {

constexpr double kMegabyte = 1024.0 * 1024.0;

/// `--name value` for every number the attack needs; what is not given keeps its default.
struct Options {
  std::map<std::string, std::uint64_t> numbers{{"port", 0},         {"pid", 0},         {"seconds", 60},          {"seed", 1},
                                               {"budget", 0},       {"request-max", 0}, {"message-max", 1 << 20}, {"frame-ms", 30000},
                                               {"write-ms", 30000}, {"slack-ms", 5000}, {"bound-ms", 5000},       {"connections", 200}};

  Options(int count, char** words) {
    for (int i = 1; i + 1 < count; i += 2) {
      const std::string name = words[i];
      const auto known = numbers.find(name.starts_with("--") ? name.substr(2) : name);
      if (known == numbers.end()) throw std::runtime_error("unknown option " + name);
      known->second = std::stoull(words[i + 1]);
    }
  }
  [[nodiscard]] std::uint64_t operator[](const char* name) const { return numbers.at(name); }
  [[nodiscard]] Milliseconds ms(const char* name) const { return Milliseconds(numbers.at(name)); }
};

/// Asks for the topic's id; the topic was created by whoever started the broker.
Uuid topic_id(const Target& target, const std::string& topic) {
  constexpr std::int16_t kVersion = 12;
  const std::vector<proto::MetadataRequest::MetadataRequestTopic> topics{{.name = topic}};
  proto::Output out;
  const std::size_t start = proto::begin_request(
      out, {.api_key = proto::MetadataRequest::kKey, .api_version = kVersion, .correlation_id = 1, .client_id = "attacker"});
  proto::encode(proto::MetadataRequest{.topics = topics}, kVersion, out);
  proto::end_request(out, start);
  Socket socket(target);
  std::string answer, rest;
  const auto until = Clock::now() + std::chrono::seconds(10);
  const bool asked = socket.send_all({reinterpret_cast<const char*>(out.bytes().data()), out.size()}, until);
  if (!asked || socket.receive_frame(answer, rest, until) != Socket::State::good) throw std::runtime_error("no metadata");
  const auto frame = proto::decode_response(std::as_bytes(std::span(answer)), proto::MetadataRequest::kKey, kVersion);
  proto::MetadataResponse response;
  if (!frame || !proto::decode(frame->body, kVersion, response)) throw std::runtime_error("metadata cannot be read");
  for (const auto& one : response.topics) {
    if (one.name == topic && one.error_code == 0) return one.topic_id;
  }
  throw std::runtime_error("topic " + topic + " is not there");
}

/// Says of each part of the attack when it was over, how long it took and what memory the broker had: where to look when it fails.
/// Thread: any.
class Progress {
 public:
  explicit Progress(int pid) : pid_(pid) {}

  class Stage {
   public:
    Stage(const Progress& progress, std::string name) : progress_(progress), name_(std::move(name)) {}
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage() {
      const Memory memory = memory_of(progress_.pid_);
      const std::chrono::duration<double> took = Clock::now() - began_;
      std::printf("%6.1f s  %-22s took %5.1f s, memory %.1f MB, peak so far %.1f MB\n", progress_.elapsed(), name_.c_str(), took.count(),
                  static_cast<double>(memory.resident) / kMegabyte, static_cast<double>(memory.peak) / kMegabyte);
      std::fflush(stdout);
    }

   private:
    const Progress& progress_;
    std::string name_;
    Clock::time_point began_ = Clock::now();
  };

  [[nodiscard]] Stage begin(std::string name) const { return {*this, std::move(name)}; }
  [[nodiscard]] bool is_broker_there() const { return is_alive(pid_); }
  [[nodiscard]] double elapsed() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }

 private:
  int pid_;
  Clock::time_point began_ = Clock::now();
};

/// Everything the engine plays, once over all and then at random, until time is over.
class Play {
 public:
  Play(const Options& options, const Knowledge& known, Tally& tally, Progress& progress)
      : known_(known),
        progress_(progress),
        frame_time_(options.ms("frame-ms")),
        dice_(options["seed"]),
        engine_({.port = static_cast<std::uint16_t>(options["port"])}, {.connections = options["connections"], .hang = longest(options)},
                tally) {}

  void run(Clock::time_point until) {
    // What is small and may find something at once comes first; what is exhaustive fills the middle; chance has the rest.
    play("greetings", unhurried(greetings(known_), until), until);
    play("lengths", unhurried(frame_lengths(known_), until), until);
    play("hostile values", hostile_values(known_, dice_, kFew), until);
    play("bombs", bombs(known_), until);
    play("sealed batches", sealed_batches(known_, dice_, kFew), until);
    play("swollen", swollen_requests(known_, kSwollenBytes), share_of(until));
    play("cut, length fits", short_truncations(known_), share_of(until));
    play_held(until);
    play("20,000,000 claimed", claimed_counts(known_), share_of(until));
    while (Clock::now() < until && progress_.is_broker_there()) {
      play("bit flips", bit_flips(known_, dice_, kMany), until);
      play("hostile values", hostile_values(known_, dice_, kMany), until);
      play("swollen", swollen_requests(known_, known_.request_max_bytes / (1 + dice_.below(8))), until);
      play("bombs", bombs(known_), until);
      play("sealed batches", sealed_batches(known_, dice_, kMany), until);
    }
  }

 private:
  /// A request may take its time to come, then wait for the memory of its answer (docs/limits.md), and is answered then.
  static Milliseconds longest(const Options& options) {
    return options.ms("frame-ms") + 2 * options.ms("write-ms") + options.ms("slack-ms");
  }

  /// On a slow machine what is exhaustive does not take the time of what follows.
  static Clock::time_point share_of(Clock::time_point until) {
    const Clock::time_point now = Clock::now();
    return now + (until - now) / 3;
  }

  void play(const char* stage, const Source& source, Clock::time_point until) {
    const Progress::Stage timed = progress_.begin(stage);
    engine_.play(source, until);
  }

  /// These wait for a deadline and do nothing else, so many can wait at once.
  void play_held(Clock::time_point until) {
    const Progress::Stage timed = progress_.begin("cut, never completed");
    engine_.play(unhurried(held_truncations(known_), until), share_of(until), kHeld);
  }

  /// Without those cases that last until a frame's time is over, where there is no time for them.
  [[nodiscard]] Source unhurried(Source source, Clock::time_point until) const {
    if (Clock::now() + 4 * frame_time_ < until) return source;
    return [source = std::move(source)]() -> std::optional<Case> {
      std::optional<Case> next = source();
      while (next && !next->is_probed) next = source();
      return next;
    };
  }

  static constexpr std::size_t kHeld = 1500;
  static constexpr std::size_t kFew = 2000;
  static constexpr std::size_t kMany = 10000;
  static constexpr std::size_t kSwollenBytes = 1 << 20;
  const Knowledge& known_;
  Progress& progress_;
  Milliseconds frame_time_;
  Dice dice_;
  Engine engine_;
};

struct Battle {
  const Knowledge& known;
  const Progress& progress;
  Clock::time_point until;
};

void besiege(const Options& options, const Battle& battle, Tally& tally) {
  Dice dice(options["seed"] + 1);
  const Target target{.port = static_cast<std::uint16_t>(options["port"])};
  const Deadlines deadlines{.whole_frame = options.ms("frame-ms"), .write_stall = options.ms("write-ms"), .slack = options.ms("slack-ms")};
  const std::vector<Siege> sieges = all_sieges({.target = target, .known = battle.known, .deadlines = deadlines}, tally, dice);
  // What would last beyond the end is left out; once nothing fits any more it is over.
  for (std::size_t turn = 0, skipped = 0; skipped < sieges.size() && battle.progress.is_broker_there(); ++turn) {
    const Siege& next = sieges[turn % sieges.size()];
    const bool fits = Clock::now() + next.lasts <= battle.until;
    skipped = fits ? 0 : skipped + 1;
    if (!fits) continue;
    const Progress::Stage timed = battle.progress.begin(next.name);
    next.run();
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
  std::printf("%-22s %10s %10s %10s %10s %6s\n", "attack", "sent", "answered", "closed", "left", "hung");
  for (const auto& [family, n] : tally.families()) {
    std::printf("%-22s %10lu %10lu %10lu %10lu %6lu\n", family.c_str(), n.sent, n.answered, n.closed, n.left, n.hung);
  }
  const Tally::Counts all = tally.all();
  std::printf("%-22s %10lu %10lu %10lu %10lu %6lu\n", "all", all.sent, all.answered, all.closed, all.left, all.hung);
  for (const auto& [what, when] : tally.hangs()) std::printf("hung: %s (case %lu)\n", what.c_str(), when);
}

int run(const Options& options) {
  const Target target{.port = static_cast<std::uint16_t>(options["port"])};
  const int pid = static_cast<int>(options["pid"]);
  Knowledge known{.scene = {.topic = "attack", .topic_id = topic_id(target, "attack"), .batch = batch_of("key", "value")},
                  .compacted_topic = "attack-compacted",
                  .request_max_bytes = options["request-max"],
                  .message_max_bytes = options["message-max"]};
  Bystander bystander({.port = target.port, .from = {0, 9}}, "bystander", "bystander-wide", options.ms("bound-ms"));
  const Memory before = memory_of(pid);
  forget_peak(pid);
  Tally tally;
  Progress progress(pid);
  const Clock::time_point until = Clock::now() + std::chrono::seconds(options["seconds"]);
  std::jthread beside([&](const std::stop_token& stop) { bystander.run(stop); });
  std::thread sieges([&] { besiege(options, {.known = known, .progress = progress, .until = until}, tally); });
  Play(options, known, tally, progress).run(until);
  sieges.join();
  beside.request_stop();
  beside.join();
  const Memory peak = memory_of(pid);
  const std::string damage = is_alive(pid) ? bystander.verify() : "the broker is gone";
  const Memory after = settled_memory(pid);

  print_attacks(tally);
  std::printf("bystander: %lu requests, %lu failures, slowest %ld ms, %lu records\n", bystander.requests(), bystander.failures(),
              bystander.slowest().count(), bystander.records());
  for (const std::string& why : bystander.complaints()) std::printf("bystander: %s\n", why.c_str());
  const double budget = static_cast<double>(options["budget"]);
  std::printf("broker memory: %.1f MB before, %.1f MB peak, %.1f MB after; budget %.1f MB\n",
              static_cast<double>(before.resident) / kMegabyte, static_cast<double>(peak.peak) / kMegabyte,
              static_cast<double>(after.resident) / kMegabyte, budget / kMegabyte);
  Verdict verdict;
  verdict.require(is_alive(pid), "the broker died");
  verdict.require(tally.all().hung == 0, "connections hung");
  verdict.require(bystander.failures() == 0, "the bystander was disturbed");
  verdict.require(bystander.records() > 0, "the bystander stored nothing: this run proves nothing");
  verdict.require(damage.empty(), "stored records: " + damage);
  // The whole process, with what it had before: whoever plans a machine plans with the budget.
  verdict.require(budget == 0 || static_cast<double>(peak.peak) <= budget * 1.1, "memory went beyond the budget and a tenth");
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
