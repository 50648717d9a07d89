#include "proto/error_code.h"
#include "proto/messages/consumer_group_heartbeat_request.h"
#include "proto/messages/heartbeat_request.h"
#include "proto/messages/join_group_request.h"
#include "proto/messages/join_group_response.h"
#include "proto/messages/sync_group_request.h"
#include "tests/attack/converse.h"
#include "tests/attack/dear.h"
#include "tests/attack/messages.h"

#include <memory>

namespace tidelog::attack {
namespace {

using proto::ConsumerGroupHeartbeatRequest;
using proto::HeartbeatRequest;
using proto::JoinGroupRequest;
using proto::JoinGroupResponse;
using proto::SyncGroupRequest;

constexpr std::int16_t kJoinVersion = 3;  ///< The last that lets a member in at once.
constexpr std::int16_t kSyncVersion = 3;
constexpr std::int16_t kHeartbeatVersion = 3;
constexpr std::int16_t kConsumerVersion = 1;
constexpr std::int32_t kRebalanceTimeoutMs = 3000;
constexpr std::int32_t kSessionTimeoutMs = 6000;

constexpr std::int16_t code_of(ErrorCode error) { return static_cast<std::int16_t>(error); }

/// One group of the classic protocol whose record is about as large as a log takes: what each member brings is told to its leader.
class CrowdedGroup {
 public:
  CrowdedGroup(Camp& camp, std::string group)
      : camp_(camp), group_(std::move(group)), sockets_(camp.crowd({.family = kFamily, .count = kMembers, .network = 23})) {
    members_.resize(sockets_.size());
  }

  void run() {
    rebalance("first");
    heartbeats();
    // Half of them vanish without a word. The others meet without them once the time for it is over.
    sockets_.resize(sockets_.size() / 2);
    rebalance("second");
    heartbeats();
  }

  static constexpr const char* kFamily = "crowded group";

 private:
  static constexpr std::size_t kMembers = 300;
  static constexpr std::size_t kBytesEach = 1500;

  struct Member {
    std::string id;
    std::string leader;
    std::int32_t generation = -1;
  };

  void rebalance(const std::string& name) {
    const std::string metadata = name + std::string(kBytesEach, 'm');
    once_each([&](std::size_t who) { return join(members_[who], metadata); },
              [this](std::size_t who, std::string_view payload) { hear_join(members_[who], payload); });
    once_each([this](std::size_t who) { return sync(members_[who]); }, {});
  }

  void heartbeats() {
    for (int i = 0; i < 5; ++i) once_each([this](std::size_t who) { return heartbeat(members_[who]); }, {});
  }

  void once_each(const std::function<std::string(std::size_t)>& ask, std::function<void(std::size_t, std::string_view)> hear) {
    std::vector<bool> has_asked(sockets_.size());
    const auto next = [&](std::size_t who) {
      if (has_asked[who]) return std::string();
      has_asked[who] = true;
      return ask(who);
    };
    // Members that came late make the others meet again.
    std::set<std::int16_t> lawful = kGroupsAreFull;
    lawful.insert({code_of(ErrorCode::rebalance_in_progress), code_of(ErrorCode::illegal_generation)});
    const Exchange exchange{.family = kFamily,
                            .next = next,
                            .hear = std::move(hear),
                            .lawful = lawful,
                            .patience = Milliseconds(2 * kRebalanceTimeoutMs + kSessionTimeoutMs) + camp_.deadlines().answer()};
    converse(sockets_, exchange, camp_.tally(), Clock::now() + camp_.deadlines().slack);
  }

  [[nodiscard]] std::string join(const Member& member, std::string_view metadata) const {
    const std::vector<JoinGroupRequest::JoinGroupRequestProtocol> protocols{{.name = "range", .metadata = as_bytes(metadata)}};
    return framed(JoinGroupRequest{.group_id = group_,
                                   .session_timeout_ms = kSessionTimeoutMs,
                                   .rebalance_timeout_ms = kRebalanceTimeoutMs,
                                   .member_id = member.id,
                                   .protocol_type = "consumer",
                                   .protocols = protocols},
                  kJoinVersion);
  }

  static void hear_join(Member& member, std::string_view payload) {
    JoinGroupResponse response;
    if (!read_answer(payload, kJoinVersion, response) || response.error_code != 0) return;
    member = {.id = std::string(response.member_id), .leader = std::string(response.leader), .generation = response.generation_id};
  }

  /// The leader sends as much for each as that has brought.
  [[nodiscard]] std::string sync(const Member& member) const {
    const std::string assignment(kBytesEach, 'a');
    std::vector<SyncGroupRequest::SyncGroupRequestAssignment> assignments;
    if (member.id == member.leader) {
      for (std::size_t i = 0; i < sockets_.size(); ++i) {
        assignments.push_back({.member_id = members_[i].id, .assignment = as_bytes(assignment)});
      }
    }
    return framed(
        SyncGroupRequest{.group_id = group_, .generation_id = member.generation, .member_id = member.id, .assignments = assignments},
        kSyncVersion);
  }

  [[nodiscard]] std::string heartbeat(const Member& member) const {
    return framed(HeartbeatRequest{.group_id = group_, .generation_id = member.generation, .member_id = member.id}, kHeartbeatVersion);
  }

  Camp& camp_;
  std::string group_;
  std::vector<Socket> sockets_;
  std::vector<Member> members_;
};

/// Members of groups that the broker assigns partitions to.
class MemberSieges {
 public:
  MemberSieges(const Battlefield& field, Tally& tally) : camp_(field, tally), asking_for_(field.deadlines.slack / 3) {}

  void crowded_group() { CrowdedGroup(camp_, "attack-crowded-" + std::to_string(groups_++)).run(); }
  void crowded_consumers();
  void dear_patterns();

 private:
  [[nodiscard]] std::string beat(ConsumerGroupHeartbeatRequest request) const;

  Camp camp_;
  Milliseconds asking_for_;
  std::uint64_t groups_ = 0;
  std::uint64_t members_ = 0;
};

std::string MemberSieges::beat(ConsumerGroupHeartbeatRequest request) const {
  using Owned = ConsumerGroupHeartbeatRequest::TopicPartitions;
  request.rebalance_timeout_ms = kRebalanceTimeoutMs;
  request.topic_partitions = std::span<const Owned>();
  return framed(request, kConsumerVersion);
}

/// Every one more has the broker assign all partitions anew; none of them ever leaves.
void MemberSieges::crowded_consumers() {
  constexpr std::size_t kConnections = 40;
  constexpr std::size_t kNames = 100;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kNames; ++i) names.push_back(std::to_string(i) + std::string(200, 'n'));
  std::vector<std::string_view> subscribed(names.begin(), names.end());
  subscribed.emplace_back(camp_.known().many_topic);
  const std::string group = "attack-consumers-" + std::to_string(groups_++);
  std::vector<Socket> sockets = camp_.crowd({.family = "crowded consumers", .count = kConnections, .network = 24});
  const auto next = [&](std::size_t) {
    const std::string id = "attack-member-" + std::to_string(members_++);
    return beat({.group_id = group, .member_id = id, .subscribed_topic_names = subscribed});
  };
  const Exchange joining{
      .family = "crowded consumers", .next = next, .lawful = kGroupsAreFull, .pipelined = 4, .patience = camp_.deadlines().answer()};
  converse(sockets, joining, camp_.tally(), Clock::now() + asking_for_);
}

/// The first is long. The others are short and become large when they are compiled, all but larger than they may.
std::vector<std::string> patterns() {
  std::string alternatives = "attack";
  for (int i = 0; alternatives.size() < 3000; ++i) alternatives += "|attack" + std::to_string(i * i) + "[a-z]?";
  return {alternatives, "[\\pL\\pN]{1,2}-\\pL", "(.{0,30}){0,30}", "(a{0,30}.){0,30}", "(a?){80}attack{80}"};
}

void MemberSieges::dear_patterns() {
  constexpr std::size_t kConnections = 40;
  const std::vector<std::string> all = patterns();
  std::vector<Socket> sockets = camp_.crowd({.family = "dear patterns", .count = kConnections, .network = 25});
  const std::uint64_t run = groups_++;
  std::vector<std::uint64_t> turns(sockets.size());
  const auto next = [&](std::size_t who) {
    // Who came last goes, so that no group has more patterns than it may.
    const std::uint64_t turn = turns[who]++;
    const std::string group = "attack-patterns-" + std::to_string(run) + "-" + std::to_string(who);
    const std::string member = "member-" + std::to_string(turn / 2);
    if (turn % 2 != 0) return beat({.group_id = group, .member_id = member, .member_epoch = -1});
    // Each is another one than before, so nothing that was compiled can be used again.
    const std::string pattern = all[turn / 2 % all.size()] + "x{0," + std::to_string(turn % 30) + "}" + std::to_string(turn);
    return beat({.group_id = group, .member_id = member, .subscribed_topic_regex = pattern});
  };
  const Exchange subscribing{
      .family = "dear patterns", .next = next, .lawful = kGroupsAreFull, .pipelined = 8, .patience = camp_.deadlines().answer()};
  converse(sockets, subscribing, camp_.tally(), Clock::now() + asking_for_);
}

}  // namespace

std::vector<Siege> member_sieges(const Battlefield& field, Tally& tally) {
  const auto sieges = std::make_shared<MemberSieges>(field, tally);
  const Milliseconds meetings = 3 * Milliseconds(kRebalanceTimeoutMs);
  const Milliseconds slack = field.deadlines.slack;
  return {{.name = CrowdedGroup::kFamily, .lasts = meetings, .run = [sieges] { sieges->crowded_group(); }},
          {.name = "crowded consumers", .lasts = slack / 2, .run = [sieges] { sieges->crowded_consumers(); }},
          {.name = "dear patterns", .lasts = slack / 2, .run = [sieges] { sieges->dear_patterns(); }}};
}

}  // namespace tidelog::attack
