// Makes a group go on somewhere else.
#include "cli/commands/group_common.h"
#include "cli/commands/topic_common.h"
#include "cli/group_target.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tidelog::cli {
namespace {

constexpr int kUnknownMemberId = 25, kNonEmptyGroup = 68;
/// Members that were removed come back unless they are stopped; one that is faster than the commit is removed again.
constexpr int kTries = 5;

using Offsets = std::map<topic_partition, std::int64_t>;

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// One partition of the plan.
struct Move {
  topic_partition where;
  std::optional<std::int64_t> before;
  std::optional<std::int64_t> after;
};

result<Offsets> committed_by(tidelog::admin& admin, const std::string& group) {
  const auto committed = admin.list_group_offsets(group);
  if (!committed) return committed.error();
  Offsets offsets;
  for (const group_offset& each : *committed) offsets.emplace(each.where(), each.offset());
  return offsets;
}

std::vector<topic_partition> places(const Offsets& offsets) {
  std::vector<topic_partition> all;
  for (const auto& [where, offset] : offsets) all.push_back(where);
  return all;
}

error nothing_committed(const std::string& group) {
  error none(errc::not_found, "group \"" + group + "\" has committed nothing");
  return none.set_hint("--topic TOPIC or TOPIC:0,2 says what to set");
}

result<std::vector<Move>> plan(tidelog::admin& admin, const GroupOptions& options, const SeekTarget& target) {
  const result<Offsets> committed = committed_by(admin, options.group);
  if (!committed) return committed.error();
  const bool copies = target.kind == SeekTarget::Kind::group;
  const result<Offsets> others = copies ? committed_by(admin, target.group) : result<Offsets>(Offsets());
  if (!others) return others.error();
  if (copies && others->empty()) return nothing_committed(target.group).set_hint("tidelog group list");
  std::vector<topic_partition> chosen = places(copies ? *others : *committed);
  if (!options.topics.empty()) {
    const auto named = partitions_chosen(admin, options.topics);
    if (!named) return named.error();
    chosen = *named;
  }
  if (chosen.empty()) return nothing_committed(options.group);
  const Offsets starts = offsets_of(admin, chosen, offset_spec::start());
  const Offsets ends = offsets_of(admin, chosen, offset_spec::end());
  const Offsets found = copies ? *others : offsets_of(admin, chosen, target.place);
  std::vector<Move> moves;
  for (const topic_partition& where : chosen) {
    const auto look = [&where](const Offsets& offsets) {
      const auto at = offsets.find(where);
      return at == offsets.end() ? std::nullopt : std::optional(at->second);
    };
    Move& move = moves.emplace_back(Move{.where = where, .before = look(*committed), .after = {}});
    const auto start = look(starts), end = look(ends);
    // A partition that is not there, or that nobody leads, has no offsets to go to.
    if (start && end) move.after = offset_after(target, {.committed = move.before, .start = *start, .end = *end, .found = look(found)});
  }
  return moves;
}

/// The group, if it has members that have to go first: they go on from where they are, and commit that. An error if they may not be
/// removed.
result<std::optional<group_info>> find_members(tidelog::admin& admin, const GroupOptions& options) {
  const result<group_info> group = admin.describe_group(options.group);
  if (!group && group.error().kind() != errc::not_found) return group.error();
  if (!group || group->members().empty()) return std::optional<group_info>();
  if (options.is_forced) return std::optional(*group);
  const std::size_t count = group->members().size();
  error busy = error::from_kafka(kNonEmptyGroup, {});
  busy.set_message("cannot set offsets of group \"" + options.group + "\": it has " + std::to_string(count) +
                   (count == 1 ? " member" : " members"));
  return busy.set_hint("stop its consumers first, or take the members out of the group with --force");
}

result<void> make_empty(tidelog::admin& admin, const GroupOptions& options) {
  const auto members = find_members(admin, options);
  if (!members) return members.error();
  return *members ? admin.remove_group_members(**members) : result<void>();
}

bool was_joined_meanwhile(const std::vector<group_partition_result>& results) {
  return std::ranges::any_of(results,
                             [](const auto& each) { return !each.outcome() && each.outcome().error().kafka_code() == kUnknownMemberId; });
}

std::vector<group_offset> offsets_to_set(const std::vector<Move>& moves) {
  std::vector<group_offset> offsets;
  for (const Move& move : moves) {
    if (move.after) offsets.emplace_back(move.where.topic(), move.where.partition(), *move.after);
  }
  return offsets;
}

/// What became of each partition that has an offset to go to; of none in a dry run that found nothing against it.
using Outcome = result<std::vector<group_partition_result>>;

Outcome execute(tidelog::admin& admin, const GroupOptions& options, const std::vector<Move>& moves) {
  const std::vector<group_offset> offsets = offsets_to_set(moves);
  // Nobody is taken out of the group for nothing.
  if (offsets.empty()) return std::vector<group_partition_result>();
  for (int tries = 1;; ++tries) {
    if (const result<void> empty = make_empty(admin, options); !empty) return empty.error();
    auto results = admin.alter_group_offsets(options.group, offsets);
    if (!results || tries == kTries || !options.is_forced || !was_joined_meanwhile(*results)) return results;
  }
}

/// What would keep it from being done.
Outcome forecast(tidelog::admin& admin, const GroupOptions& options, const std::vector<Move>& moves) {
  if (!offsets_to_set(moves).empty()) {
    if (const auto members = find_members(admin, options); !members) return members.error();
  }
  return std::vector<group_partition_result>();
}

/// What is said of one partition, and its error if it has one of its own.
std::pair<std::string_view, std::optional<error>> status_of(const Move& move, const Outcome& outcome) {
  if (!move.after) return {"left as it is", std::nullopt};
  if (!outcome) return {outcome.error().code_name(), std::nullopt};
  const auto done = std::ranges::find(*outcome, move.where, &group_partition_result::where);
  if (done == outcome->end()) return {"would be set", std::nullopt};
  if (done->outcome()) return {"set", std::nullopt};
  return {done->outcome().error().code_name(), done->outcome().error()};
}

int report(const Command& command, const std::vector<Move>& moves, const Outcome& outcome) {
  Table table({"group", "topic", "partition", "before", "after", "change", "status"});
  int exit_code = outcome ? kOk : fail(command.global, outcome.error());
  for (const Move& move : moves) {
    const auto [status, failure] = status_of(move, outcome);
    const bool has_change = move.before && move.after;
    table.add({command.group.group, move.where.topic(), std::int64_t{move.where.partition()}, number_cell(move.before),
               number_cell(move.after), has_change ? Cell(*move.after - *move.before) : Cell::no_number(), status});
    if (!failure) continue;
    const ExitCode code = fail(command.global, *failure);
    if (exit_code == kOk) exit_code = code;
  }
  return print(table.render(command, "partitions")) || exit_code != kOk ? exit_code : kFailed;
}

}  // namespace

int run_group_seek(const Command& command) {
  const GlobalOptions& global = command.global;
  const GroupOptions& options = command.group;
  if (options.group.empty()) return fail_without_group(command);
  if (options.target.empty()) {
    return fail_usage(global, "to where?", "--to earliest, latest, 42, @1700000000000, @-2h, +10, -10 or group:NAME");
  }
  const result<SeekTarget> target = parse_seek_target(options.target, now_ms());
  if (!target) return fail(global, target.error());
  result<client> client = open_client(global, quiet_config());
  if (!client) return fail(global, client.error());
  tidelog::admin admin = client->admin();
  const auto moves = plan(admin, options, *target);
  if (!moves) return fail(global, moves.error());
  const Outcome outcome = options.is_executed ? execute(admin, options, *moves) : forecast(admin, options, *moves);
  const int ended = report(command, *moves, outcome);
  if (!options.is_executed && outcome && !global.is_quiet) std::fputs("nothing was changed: --execute sets the offsets\n", stderr);
  return ended;
}

}  // namespace tidelog::cli
