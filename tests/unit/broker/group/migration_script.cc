#include "tests/unit/broker/group/migration_script.h"

#include "proto/codec/consumer_protocol.h"
#include "tests/unit/broker/group/compaction.h"
#include "tests/unit/broker/group/record_text.h"
#include "tests/unit/broker/script_player.h"

#include <functional>
#include <utility>

namespace tidelog::broker {
namespace {

std::pair<std::string, std::string> cut(const std::string& text, const std::string& at) {
  const std::size_t where = text.find(at);
  if (where == std::string::npos) return {text, ""};
  return {text.substr(0, where), text.substr(where + at.size())};
}

template <class Map>
std::optional<std::string> given(const Map& options, const std::string& key) {
  const auto found = options.find(key);
  return found == options.end() ? std::nullopt : std::optional(found->second);
}

std::chrono::milliseconds ms(const std::string& text) { return std::chrono::milliseconds(std::stoll(text)); }

MigrationPolicy policy_named(const std::string& word) {
  const std::map<std::string, MigrationPolicy> policies{{"disabled", MigrationPolicy::disabled},
                                                        {"downgrade", MigrationPolicy::downgrade},
                                                        {"upgrade", MigrationPolicy::upgrade},
                                                        {"bidirectional", MigrationPolicy::bidirectional}};
  return policies.at(word);
}

constexpr const char* kGroup = "g";

}  // namespace

MigrationScript::MigrationScript() { world_.topics.create("t", 4); }

std::vector<std::string> MigrationScript::run(std::string_view command) {
  out_.clear();
  Words words;
  for (const std::string& part : split(command, ' ')) {
    if (words.first.empty()) {
      words.first = part;
      continue;
    }
    const auto [key, value] = cut(part, "=");
    words.options[key] = value;
    words.rest.push_back(part);
  }
  const std::map<std::string, std::function<void()>> commands{{"topic", [&] { set_topics(words); }},
                                                              {"set", [&] { set(words); }},
                                                              {"join", [&] { join(words); }},
                                                              {"sync", [&] { sync(words); }},
                                                              {"heartbeat", [&] { heartbeat(words); }},
                                                              {"part", [&] { part(words); }},
                                                              {"enter", [&] { enter(words); }},
                                                              {"beat", [&] { beat(words); }},
                                                              {"exit", [&] { exit(words); }},
                                                              {"commit", [&] { commit(words); }},
                                                              {"wait", [&] { wait(ms(words.rest.at(0))); }},
                                                              {"refuse", [&] { world_.log.refusal = code_named(words.rest.at(0)); }},
                                                              {"accept", [&] { world_.log.refusal.reset(); }},
                                                              {"restart", [&] { restart(!words.rest.empty()); }},
                                                              {"show", [&] { show(); }},
                                                              {"history", [&] { show_history(); }}};
  commands.at(words.first)();
  say_all();
  check();
  return out_;
}

// Around the group.

void MigrationScript::set_topics(const Words& words) {
  for (const std::string& word : words.rest) {
    const auto [name, partitions] = cut(word, "=");
    world_.topics.grow(name, std::stoi(partitions));
  }
}

void MigrationScript::set(const Words& words) {
  for (const auto& [key, value] : words.options) {
    if (key == "policy") world_.settings.migration_policy = policy_named(value);
    if (key == "max-size") world_.settings.max_size = std::stoul(value);
    if (key == "consumer-max-size") world_.settings.consumer_max_size = std::stoul(value);
    if (key == "delay") world_.settings.initial_rebalance_delay = ms(value);
  }
}

void MigrationScript::wait(std::chrono::milliseconds time) {
  const Moment until = world_.now + time;
  const Moment from = world_.now;
  for (std::optional<Moment> due = world_.machine->wake_at(); due && *due <= until; due = world_.machine->wake_at()) {
    world_.now = std::max(world_.now, *due);
    world_.tick();
    say_all("after " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(world_.now - from).count()) + ": ");
  }
  world_.now = until;
}

void MigrationScript::restart(bool is_compacted) {
  const std::vector<GroupRecord> log = world_.log.records();
  world_.machine = MachineWorld::replayed(is_compacted ? compacted(log, log.size(), true) : log);
  asked_.clear();
  Step one = world_.step();
  world_.machine->loaded(one);
}

// The classic protocol.

OwnedBytes MigrationScript::subscription(const Client& client, const Words& words) const {
  if (words.options.contains("unreadable")) return {std::byte{0}};
  const std::string owned = given(words.options, "owned").value_or("none");
  proto::ConsumerSubscription said{.version = words.options.contains("v0") ? std::int16_t{0} : std::int16_t{3},
                                   .topics = client.topics,
                                   .user_data = std::nullopt,
                                   .owned = {},
                                   .generation = client.epoch,
                                   .rack_id = std::nullopt};
  for (const auto& [id, partitions] : owned == "all" ? client.has : parse(owned)) {
    said.owned.push_back({.topic = world_.topics.name_of(id), .partitions = partitions});
  }
  return proto::encode_subscription(said);
}

void MigrationScript::join(const Words& words) {
  const std::string& who = words.rest.at(0);
  Client& client = clients_[who];
  const auto& options = words.options;
  if (const auto topics = given(options, "topics")) client.topics = split(*topics, ',');
  JoinCall call;
  call.ticket = next_ticket_++;
  call.group = kGroup;
  call.member_id = given(options, "id").value_or(client.id);
  call.instance_id = given(options, "static");
  if (call.member_id.empty()) call.fresh_member_id = who + "-" + std::to_string(++client.ids);
  call.client_id = who;
  call.client_host = "/h";
  call.session_timeout = ms(given(options, "session").value_or("10000"));
  call.rebalance_timeout = ms(given(options, "rebalance").value_or("20000"));
  call.protocol_type = given(options, "type").value_or("consumer");
  for (const std::string& name : split(given(options, "protocols").value_or("range"), ',')) {
    call.protocols.push_back({.name = name, .metadata = subscription(client, words)});
  }
  call.must_know_its_id = !options.contains("v3");
  asked_[call.ticket] = who;

  Step step = world_.step();
  const std::optional<JoinAnswer> answer = world_.machine->join(call, step);
  say_all();
  if (!answer) return say(who + " waits in join");
  asked_.erase(call.ticket);
  say_answer(who, *answer);
}

void MigrationScript::say_answer(const std::string& who, const JoinAnswer& answer) {
  Client& client = clients_[who.substr(who.rfind(' ') + 1)];
  std::string line = who + " join: " + std::string(name(answer.error)) + " id=" + (answer.member_id.empty() ? "none" : answer.member_id);
  const bool is_told_its_id = answer.error == ErrorCode::none || answer.error == ErrorCode::member_id_required;
  if (is_told_its_id) client.id = answer.member_id;
  if (answer.error == ErrorCode::unknown_member_id) client.id.clear();
  if (answer.error != ErrorCode::none) return say(line);
  client.epoch = answer.generation;
  line += " generation=" + std::to_string(answer.generation) + " protocol=" + answer.protocol.value_or("none");
  if (!answer.leader.empty()) line += " leader=" + answer.leader;
  for (const JoinAnswer::Member& member : answer.members) line += " " + member.id;
  say(line);
}

void MigrationScript::sync(const Words& words) {
  const std::string& who = words.rest.at(0);
  Client& client = clients_[who];
  SyncCall call;
  call.ticket = next_ticket_++;
  call.group = kGroup;
  call.generation = std::stoi(given(words.options, "generation").value_or(std::to_string(client.epoch)));
  call.member_id = client.id;
  call.instance_id = given(words.options, "static");
  call.protocol = given(words.options, "protocol");
  for (const std::string& one : split(given(words.options, "to").value_or(""), ';')) {
    const auto [to, partitions] = cut(one, "->");
    proto::ConsumerAssignment assignment{.version = 0, .partitions = {}, .user_data = std::nullopt};
    for (const auto& [id, indexes] : parse(partitions)) {
      assignment.partitions.push_back({.topic = world_.topics.name_of(id), .partitions = indexes});
    }
    call.assignments.push_back({.member_id = clients_[to].id, .bytes = proto::encode_assignment(assignment)});
  }
  asked_[call.ticket] = who;

  Step step = world_.step();
  const std::optional<SyncAnswer> answer = world_.machine->sync(call, step);
  say_all();
  if (!answer) return say(who + " waits in sync");
  asked_.erase(call.ticket);
  say_answer(who, *answer);
}

void MigrationScript::say_answer(const std::string& who, const SyncAnswer& answer) {
  Client& client = clients_[who.substr(who.rfind(' ') + 1)];
  const std::string line = who + " sync: " + std::string(name(answer.error));
  if (answer.error != ErrorCode::none) return say(line);
  client.has.clear();
  const Result<proto::ConsumerAssignment> assignment = proto::decode_assignment(answer.assignment);
  for (const proto::NamedPartitions& topic : assignment->partitions) {
    client.has.emplace_back(world_.topics.find(topic.topic)->id, topic.partitions);
  }
  say(line + " protocol=" + answer.protocol.value_or("none") + " " + text(client.has));
}

void MigrationScript::heartbeat(const Words& words) {
  const std::string& who = words.rest.at(0);
  const Client& client = clients_[who];
  const HeartbeatCall call{.group = kGroup,
                           .generation = std::stoi(given(words.options, "generation").value_or(std::to_string(client.epoch))),
                           .member_id = given(words.options, "id").value_or(client.id),
                           .instance_id = given(words.options, "static")};
  Step step = world_.step();
  const ErrorCode code = world_.machine->heartbeat(call, step);
  say_all();
  say(who + " heartbeat: " + std::string(name(code)));
}

void MigrationScript::part(const Words& words) {
  LeaveCall call{.group = kGroup, .members = {}};
  for (const std::string& word : words.rest) {
    LeaveCall::Member& member = call.members.emplace_back();
    const auto [key, value] = cut(word, "=");
    if (key == "static") {
      member.instance_id = value;
    } else {
      member.id = clients_[word].id.empty() ? word : clients_[word].id;
    }
  }
  Step step = world_.step();
  const LeaveAnswer answer = world_.machine->leave(call, step);
  say_all();
  if (answer.error != ErrorCode::none) return say("part: " + std::string(name(answer.error)));
  for (std::size_t i = 0; i < answer.members.size(); ++i) say("part " + words.rest[i] + ": " + std::string(name(answer.members[i])));
}

// The consumer protocol.

void MigrationScript::call(const std::string& who, const ConsumerHeartbeatCall& call) {
  const ConsumerHeartbeatAnswer answer = world_.beat(call);
  say_all();
  std::string line = who + ": " + std::string(name(answer.error));
  if (answer.error != ErrorCode::none) return say(line + (answer.error_message.empty() ? "" : " " + answer.error_message));
  Client& client = clients_[who];
  client.epoch = answer.member_epoch;
  line += " epoch=" + std::to_string(answer.member_epoch);
  if (answer.assignment) client.has = *answer.assignment;
  say(line + (answer.assignment ? " assignment " + text(*answer.assignment) : ""));
}

void MigrationScript::enter(const Words& words) {
  const std::string& who = words.rest.at(0);
  ConsumerHeartbeatCall entering = MachineWorld::beat_call(kGroup, given(words.options, "id").value_or(who), 0);
  entering.client_host = "/h";
  entering.rebalance_timeout_ms = 20000;
  entering.subscribed_names = split(given(words.options, "topics").value_or("t"), ',');
  entering.subscribed_regex = given(words.options, "regex");
  entering.instance_id = given(words.options, "static");
  entering.owned.emplace();
  call(who, entering);
}

void MigrationScript::beat(const Words& words) {
  const std::string& who = words.rest.at(0);
  ConsumerHeartbeatCall beating = MachineWorld::beat_call(kGroup, given(words.options, "id").value_or(who), clients_[who].epoch);
  beating.client_host = "/h";
  if (const auto owned = given(words.options, "owned")) beating.owned = *owned == "all" ? clients_[who].has : parse(*owned);
  call(who, beating);
}

void MigrationScript::exit(const Words& words) {
  const std::string& who = words.rest.at(0);
  ConsumerHeartbeatCall leaving = MachineWorld::beat_call(kGroup, who, std::stoi(given(words.options, "epoch").value_or("-1")));
  leaving.instance_id = given(words.options, "static");
  call(who, leaving);
}

void MigrationScript::commit(const Words& words) {
  const Client& client = clients_[words.rest.at(0)];
  const auto [topic, partition] = cut(words.rest.at(1), ":");
  CommitCall call{.group = kGroup,
                  .generation_or_epoch = std::stoi(given(words.options, "epoch").value_or(std::to_string(client.epoch))),
                  .member_id = given(words.options, "id").value_or(client.id.empty() ? words.rest.at(0) : client.id),
                  .instance_id = given(words.options, "static"),
                  .version = words.options.contains("v8") ? std::int16_t{8} : std::int16_t{9},
                  .topics = {world_.topic_at(topic, std::stoi(partition), 7)}};
  const CommitAnswer answer = world_.commit(call);
  say_all();
  say(words.rest.at(0) + " commit: " + std::string(name(answer.partitions.at(0))));
}

// What is said.

/// Records first: an answer is given for what is in the log.
void MigrationScript::say_all(const std::string& when) {
  for (; batches_said_ < world_.log.batches.size(); ++batches_said_) {
    say(when + "append");
    for (const GroupRecord& record : world_.log.batches[batches_said_]) say("  " + text_of(record, world_.topics));
  }
  for (const LateAnswer& late : std::exchange(world_.late, {})) {
    const std::string who = asked_.at(late.ticket);
    asked_.erase(late.ticket);
    std::visit([&](const auto& answer) { say_answer(when + "late " + who, answer); }, late.answer);
  }
}

std::vector<std::string> MigrationScript::told(const GroupMachine& machine) const {
  std::vector<std::string> lines;
  for (const ListedGroup& group : machine.list()) {
    lines.push_back(std::string(group.type) + " " + std::string(group.state) + " " + group.protocol_type);
  }
  if (const auto classic = machine.describe_classic(kGroup)) {
    for (const auto& member : classic->members) {
      const auto assignment = proto::decode_assignment(member.assignment);
      PartitionsById has;
      for (const auto& topic : assignment->partitions) has.emplace_back(world_.topics.find(topic.topic)->id, topic.partitions);
      lines.push_back("  " + member.id + (member.instance_id ? "/" + *member.instance_id : "") + " " + text(has));
    }
  } else if (const auto consumer = machine.describe_consumer(kGroup)) {
    lines.back() += " epoch=" + std::to_string(consumer->epoch) + " assignment-epoch=" + std::to_string(consumer->assignment_epoch);
    for (const auto& member : consumer->members) {
      lines.push_back("  " + member.id + (member.instance_id ? "/" + *member.instance_id : "") + (member.is_classic ? " classic" : "") +
                      " epoch=" + std::to_string(member.epoch) + " topics=" + joined(member.subscribed_names) + " assigned " +
                      text(member.assigned) + " target " + text(member.target));
    }
  }
  return lines;
}

void MigrationScript::show() {
  for (const std::string& line : told(*world_.machine)) say(line);
}

void MigrationScript::show_history() {
  const GroupHistory* const history = world_.machine->history(kGroup);
  if (history == nullptr) return say("no group");
  for (const GroupHistory::Event& event : history->events()) {
    say("  " + std::to_string((event.at.value - world_.began.value)) + " epoch=" + std::to_string(event.generation) + " " + event.what);
  }
}

/// While a classic group rebalances, what is stored is what it was before.
void MigrationScript::check() {
  const std::vector<GroupRecord> log = world_.log.records();
  const auto classic = world_.machine->describe_classic(kGroup);
  if (classic && classic->state != "Stable" && classic->state != "Empty") return;
  const std::vector<std::string> live = told(*world_.machine);
  if (!log.empty() && told(*MachineWorld::replayed(log)) != live) say("REPLAY DIFFERS");
  if (!log.empty() && told(*MachineWorld::replayed(compacted(log, log.size(), true))) != live) say("COMPACTED REPLAY DIFFERS");
}

PartitionsById MigrationScript::parse(const std::string& text) const {
  PartitionsById partitions;
  if (text == "none") return partitions;
  for (const std::string& topic : split(text, '/')) {
    const auto [name, indexes] = cut(topic, ":");
    std::vector<std::int32_t> numbers;
    for (const std::string& index : split(indexes, ',')) numbers.push_back(std::stoi(index));
    const std::optional<TopicFacts> facts = world_.topics.find(name);
    if (facts) partitions.emplace_back(facts->id, std::move(numbers));
  }
  return partitions;
}

std::string MigrationScript::text(const PartitionsById& partitions) const { return text_of(partitions, world_.topics); }

}  // namespace tidelog::broker
