#include "tests/unit/broker/group/classic_model.h"

#include "proto/error_code.h"

#include <sstream>

namespace tidelog::broker {
namespace {

using namespace std::chrono_literals;

std::set<int> partitions_of(const OwnedBytes& assignment) {
  std::set<int> partitions;
  std::istringstream in(text_of(assignment));
  for (int one = 0; in >> one;) partitions.insert(one);
  return partitions;
}

}  // namespace

ClassicModel::ClassicModel(std::uint64_t seed) : seed_(seed), random_(seed) {
  session_ = 6000ms + std::chrono::milliseconds(random_() % 4000);
  rebalance_ = 5000ms + std::chrono::milliseconds(random_() % 10000);
  world_.settings.initial_rebalance_delay = std::chrono::milliseconds(chance(30) ? 0 : random_() % 3000);
  const std::size_t count = 1 + random_() % 6;
  clients_.reserve(200);  // twins are added while references are held
  for (std::size_t i = 0; i < count; ++i) {
    Client& client = clients_.emplace_back();
    client.number = i;
    if (chance(30)) client.instance_id = "static-" + std::to_string(i);
    client.knows_version_4 = chance(70);
    client.next_at = soon(5000);
  }
}

bool ClassicModel::chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
Moment ClassicModel::soon(int most_ms) { return world_.now + std::chrono::milliseconds(1 + random_() % static_cast<unsigned>(most_ms)); }

void ClassicModel::problem(const std::string& what) {
  const double seconds = std::chrono::duration<double>(world_.now).count();
  problems_.push_back("seed=" + std::to_string(seed_) + " at " + std::to_string(seconds) + " s: " + what);
}

Step ClassicModel::step() {
  world_.log.refuse_none();
  if (is_rough_ && chance(3)) {
    world_.log.refuse_next(ErrorCode::coordinator_not_available);
    ++seen_.refusals;
  }
  return world_.step();
}

void ClassicModel::after_step() {
  world_.log.refuse_none();
  deliver_late();
  check_step();
}

void ClassicModel::run() {
  advance_to(90s);
  is_rough_ = false;
  // Requests whose answers were lost are given up, sessions of the dead end, and two rebalances go by.
  advance_to(world_.now + 2 * session_ + 4 * (rebalance_ + 5s));
  check_calm();
  const std::int32_t generation = world_.group->generation();
  advance_to(world_.now + 3 * session_);
  if (world_.group->generation() != generation) problem("rebalances though nothing happens");
  check_calm();
}

void ClassicModel::advance_to(Moment until) {
  while (problems_.empty()) {
    auto next = std::ranges::min_element(clients_, {}, [](const Client& client) { return client.next_at; });
    const std::optional<Moment> due = world_.group->wake_at();
    if (due && *due <= next->next_at && *due <= until) {
      world_.now = std::max(world_.now, *due);
      Step one = step();
      world_.group->tick(one);
      after_step();
      continue;
    }
    if (next->next_at > until) break;
    world_.now = std::max(world_.now, next->next_at);
    act(*next);
    if (is_rough_ && chance(1) && chance(30)) restart();
  }
  world_.now = std::max(world_.now, until);
}

void ClassicModel::act(Client& client) {
  if (client.doing == Doing::is_dead) {
    client.next_at = Moment::max();
    return;
  }
  if (is_rough_ && chance(6)) return be_rough_to(client);
  switch (client.doing) {
    case Doing::waits_to_join:  // no answer in time: the connection is given up, and all is asked again
    case Doing::waits_to_sync: return begin_anew(client, true);
    case Doing::is_away:
    case Doing::joins: return join(client);
    case Doing::syncs: return sync(client);
    case Doing::works: return work(client);
    case Doing::is_dead: return;
  }
}

void ClassicModel::begin_anew(Client& client, bool with_its_id) {
  if (!with_its_id) client.id.clear();
  client.doing = Doing::joins;
  client.owned.clear();
  client.ticket = 0;
  client.next_at = soon(200);
}

void ClassicModel::be_rough_to(Client& client) {
  switch (random_() % 6) {
    case 0:
      client.doing = Doing::is_dead;
      client.next_at = Moment::max();
      return;
    case 1: return leave(client);
    case 2: ++client.metadata; return begin_anew(client, true);
    case 3: return begin_anew(client, true);
    case 4:
      if (client.instance_id && !client.is_replaced && clients_.size() < 100) return start_twin(client);
      return begin_anew(client, false);
    default: client.next_at = soon(20000); return;  // sleeps too long, then goes on as if nothing had been
  }
}

/// A static client is started again. Whoever was there before may live on for a while, and not know.
void ClassicModel::start_twin(Client& client) {
  Client twin = client;
  twin.number = clients_.size();
  clients_.push_back(twin);
  if (const auto asked = waiting_.find(client.ticket); asked != waiting_.end()) asked->second = twin.number;
  begin_anew(client, false);
}

void ClassicModel::join(Client& client) {
  if (client.is_replaced) {  // it will learn that it is fenced; nobody starts it again
    client.doing = Doing::is_dead;
    client.next_at = Moment::max();
    return;
  }
  JoinCall call;
  call.ticket = next_ticket_++;
  call.member_id = client.id;
  call.instance_id = client.instance_id;
  call.fresh_member_id = "m" + std::to_string(next_id_++);
  call.session_timeout = session_;
  call.rebalance_timeout = rebalance_;
  call.protocol_type = "test";
  call.protocols = {{.name = "p", .metadata = bytes_of(std::to_string(client.metadata))}};
  if (client.number % 2 == 0) call.protocols.push_back({.name = "q", .metadata = {}});
  call.must_know_its_id = client.knows_version_4;
  call.may_skip_assignment = chance(50);
  client.doing = Doing::waits_to_join;
  client.next_at = world_.now + rebalance_ + 5s;
  client.ticket = call.ticket;
  waiting_[call.ticket] = client.number;

  Step one = step();
  const std::optional<JoinAnswer> answer = world_.group->join(call, one);
  if (answer) world_.late.push_back({.ticket = call.ticket, .answer = *answer});
  after_step();
}

void ClassicModel::sync(Client& client) {
  SyncCall call;
  call.ticket = next_ticket_++;
  call.generation = client.generation;
  call.member_id = client.id;
  call.instance_id = client.instance_id;
  std::vector<std::string> shares(client.to_assign.size());
  for (int partition = 0; !shares.empty() && partition < kPartitions; ++partition) {
    shares[static_cast<std::size_t>(partition) % shares.size()] += std::to_string(partition) + " ";
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    call.assignments.push_back({.member_id = client.to_assign[i].id, .bytes = bytes_of(shares[i])});
  }
  client.doing = Doing::waits_to_sync;
  client.next_at = world_.now + rebalance_ + 5s;
  client.ticket = call.ticket;
  waiting_[call.ticket] = client.number;

  Step one = step();
  const std::optional<SyncAnswer> answer = world_.group->sync(call, one);
  if (answer) world_.late.push_back({.ticket = call.ticket, .answer = *answer});
  after_step();
}

void ClassicModel::deliver_late() {
  for (const LateAnswer& late : std::exchange(world_.late, {})) {
    const auto asked = waiting_.find(late.ticket);
    if (asked == waiting_.end()) {
      problem("an answer to nothing, or a second one");
      continue;
    }
    Client& client = clients_[asked->second];
    waiting_.erase(asked);
    if (const auto* join = std::get_if<JoinAnswer>(&late.answer); join != nullptr && join->error == ErrorCode::none) {
      newest_told_ = std::max(newest_told_, join->generation);
      heard_of_[join->member_id] = world_.now;
      seen_.generations += join->members.empty() ? 0 : 1;
    }
    const bool is_heard = client.ticket == late.ticket && client.doing != Doing::is_dead && !(is_rough_ && chance(4));
    if (const auto* sync = std::get_if<SyncAnswer>(&late.answer); sync != nullptr && sync->error == ErrorCode::none) {
      heard_of_[client.id] = world_.now;
    }
    if (is_heard) std::visit([&](const auto& answer) { take(client, answer); }, late.answer);
  }
}

void ClassicModel::take(Client& client, const JoinAnswer& answer) {
  client.ticket = 0;
  client.next_at = soon(50);
  client.doing = Doing::joins;
  if (answer.error == ErrorCode::member_id_required) {
    client.id = answer.member_id;
    return;
  }
  if (answer.error != ErrorCode::none) return on_error(client, answer.error);
  if (client.instance_id && client.id.empty()) {
    for (Client& other : clients_) {
      if (&other == &client || other.instance_id != client.instance_id || other.is_replaced) continue;
      other.is_replaced = true;
      ++seen_.takeovers;
    }
  }
  if (client.generation != answer.generation) {
    client.old_id = client.id;
    client.old_generation = client.generation;
  }
  client.id = answer.member_id;
  client.generation = answer.generation;
  client.to_assign = answer.skip_assignment ? std::vector<JoinAnswer::Member>{} : answer.members;
  client.doing = Doing::syncs;
}

void ClassicModel::take(Client& client, const SyncAnswer& answer) {
  client.ticket = 0;
  client.next_at = soon(50);
  if (answer.error != ErrorCode::none) return on_error(client, answer.error);
  client.doing = Doing::works;
  client.owned = partitions_of(answer.assignment);
  check_owner(client);
}

void ClassicModel::on_error(Client& client, ErrorCode error) {
  const bool is_unknown = error == ErrorCode::unknown_member_id;
  if (error != ErrorCode::fenced_instance_id) return begin_anew(client, !is_unknown);
  // Its twin has the place. Of two that were started, the one that is meant to run is started once more.
  if (client.is_replaced) {
    client.doing = Doing::is_dead;
    client.next_at = Moment::max();
  } else {
    begin_anew(client, false);
  }
}

void ClassicModel::work(Client& client) {
  client.next_at = world_.now + session_ / 3;
  Step one = step();
  const ErrorCode code = world_.group->heartbeat(
      {.group = "g", .generation = client.generation, .member_id = client.id, .instance_id = client.instance_id}, one);
  after_step();
  const bool is_known = code == ErrorCode::none || code == ErrorCode::rebalance_in_progress;
  if (is_known && client.is_replaced) problem("a static member that was replaced still counts");
  if (is_known && client.generation < newest_told_) problem("a heartbeat of an old generation passes");
  if (is_known) heard_of_[client.id] = world_.now;
  // Once it is calm some never commit: a heartbeat alone must keep a member.
  if (is_rough_ || client.number % 2 == 0) commit(client, client.id, client.generation);
  // A request that was long on its way.
  if (is_rough_ && chance(30)) commit(client, client.old_id, client.old_generation);
  if (code != ErrorCode::none) on_error(client, code);
}

void ClassicModel::commit(const Client& client, const std::string& id, std::int32_t generation) {
  if (generation < 0) return;  // claims no generation, as a simple consumer does
  const auto heard_of = heard_of_.find(id);
  const bool is_silent = heard_of != heard_of_.end() && world_.now > heard_of->second + session_;
  Step one = step();
  const ErrorCode code = world_.group->may_commit({.member_id = id, .instance_id = &client.instance_id, .generation = generation}, one);
  after_step();
  if (code != ErrorCode::none) {
    ++seen_.refused_commits;
    return;
  }
  ++seen_.commits;
  if (generation < newest_told_) problem("an old generation commits");
  if (gone_.contains(id)) problem("a member that left commits");
  if (client.is_replaced) problem("a static member that was replaced commits");
  if (is_silent) problem("a member whose session has ended commits");
  heard_of_[id] = world_.now;
}

void ClassicModel::leave(Client& client) {
  if (client.id.empty()) return;
  LeaveCall call{.group = "g", .members = {{.id = client.id, .instance_id = client.instance_id, .reason = {}}}};
  Step one = step();
  const LeaveAnswer answer = world_.group->leave(call, one);
  if (answer.members.at(0) == ErrorCode::none) gone_.insert(client.id);
  after_step();
  begin_anew(client, false);
  client.doing = Doing::is_away;
  client.next_at = soon(20000);
}

void ClassicModel::restart() {
  ++seen_.restarts;
  const ClassicState before = world_.group->state();
  const ClassicGroupRecord::Value live = world_.group->stored();
  if (chance(50)) {
    world_.group->abandon(ErrorCode::not_coordinator, world_.late);
    deliver_late();
    if (!waiting_.empty()) problem("somebody waits for a coordinator that is gone");
  }
  waiting_.clear();
  for (Client& client : clients_) client.ticket = 0;
  world_.restart();
  const bool had_stored = !world_.log.records().empty();
  const bool is_whole = before == ClassicState::stable || (before == ClassicState::empty && had_stored);
  if (is_whole && world_.group->stored() != live) problem("replay gives something else than what was");
  newest_told_ = world_.group->generation();
  heard_of_.clear();
  gone_.clear();
  for (const auto& member : world_.group->describe().members) heard_of_[member.id] = world_.now;
  // What was not stored is forgotten: who was replaced since then counts again.
  for (Client& client : clients_) {
    if (heard_of_.contains(client.id)) client.is_replaced = false;
  }
}

void ClassicModel::check_step() {
  const ClassicState state = world_.group->state();
  const bool should_be_stored = state == ClassicState::stable || (state == ClassicState::empty && !world_.log.records().empty());
  if (should_be_stored && world_.group->stored() != *world_.log.records().back().value) problem("holds what is not stored");
  const std::optional<Moment> due = world_.group->wake_at();
  if (state != ClassicState::empty && !due) problem("a group with members that nothing will ever wake");
}

void ClassicModel::check_owner(const Client& client) {
  const std::string who = client.instance_id.value_or(client.id);
  for (const int partition : client.owned) {
    const auto [owner, is_first] = owners_.emplace(std::pair(client.generation, partition), who);
    if (!is_first && owner->second != who) problem("a partition has two owners: " + owner->second + " and " + who);
  }
}

void ClassicModel::check_calm() {
  if (!problems_.empty()) return;
  std::set<int> owned;
  std::size_t living = 0;
  for (const Client& client : clients_) {
    if (client.doing == Doing::is_dead) continue;
    ++living;
    if (client.doing != Doing::works) problem("client " + std::to_string(client.number) + " is not at work");
    if (client.generation != world_.group->generation()) problem("client " + std::to_string(client.number) + " is in another generation");
    owned.insert(client.owned.begin(), client.owned.end());
  }
  const ClassicState should_be = living == 0 ? ClassicState::empty : ClassicState::stable;
  const bool never_began = living == 0 && world_.log.records().empty();
  if (world_.group->state() != should_be && !never_began) problem("is " + std::string(name(world_.group->state())));
  if (living != 0 && owned.size() != kPartitions) problem("a partition has no owner");
  if (world_.group->describe().members.size() != living) problem("has members that do not live");
}

}  // namespace tidelog::broker
