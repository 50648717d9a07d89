#include "tests/unit/broker/group/classic_script.h"

#include "proto/error_code.h"
#include "tests/unit/broker/script_player.h"

#include <sstream>
#include <stdexcept>

namespace tidelog::broker {
namespace {

std::pair<std::string, std::string> cut(const std::string& text, char at) {
  const std::size_t where = text.find(at);
  if (where == std::string::npos) return {text, ""};
  return {text.substr(0, where), text.substr(where + 1)};
}

std::string in_words(std::string text) {
  std::ranges::replace(text, '_', ' ');
  return text;
}

std::string or_none(const std::optional<std::string>& text) { return text.value_or("none"); }
std::string or_nothing(const OwnedBytes& bytes) { return bytes.empty() ? "nothing" : text_of(bytes); }

std::string text_of(const ClassicGroupRecord& record) {
  const ClassicGroupRecord::Value& value = *record.value;
  std::string text = "record generation=" + std::to_string(value.generation) + " type=" + value.protocol_type +
                     " protocol=" + or_none(value.protocol) + " leader=" + or_none(value.leader);
  if (value.members.empty()) return text + " no members";
  for (const ClassicGroupRecord::Member& member : value.members) {
    text += " " + member.id + (member.instance_id ? "/" + *member.instance_id : "") + "(" + or_nothing(member.subscription) + "->" +
            or_nothing(member.assignment) + ")";
  }
  return text;
}

template <class Map>
std::optional<std::string> given(const Map& options, const std::string& key) {
  const auto found = options.find(key);
  return found == options.end() ? std::nullopt : std::optional(found->second);
}

std::chrono::milliseconds ms(const std::string& text) { return std::chrono::milliseconds(std::stoll(text)); }

}  // namespace

ClassicScript::Words ClassicScript::parse(std::string_view command) {
  Words words;
  const std::vector<std::string> parts = split(command, ' ');
  words.first = parts.at(0);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool is_option = i > 1 && words.first != "leave" && words.first != "set";
    const auto [key, value] = cut(parts[i], '=');
    if (is_option) words.options[key] = value;
    words.rest.push_back(parts[i]);
  }
  return words;
}

std::vector<std::string> ClassicScript::run(std::string_view command) {
  out_.clear();
  const Words words = parse(command);
  if (words.first == "set") {
    set(words);
  } else if (words.first == "join") {
    join(words);
  } else if (words.first == "sync") {
    sync(words);
  } else if (words.first == "heartbeat") {
    heartbeat(words);
  } else if (words.first == "commit") {
    commit(words);
  } else if (words.first == "leave") {
    leave(words);
  } else if (words.first == "wait") {
    wait(ms(words.rest.at(0)));
  } else if (words.first == "refuse") {
    world_.log.refuse_next(code_named(words.rest.at(0)));
  } else if (words.first == "restart") {
    restart();
  } else if (words.first == "abandon") {
    world_.group->abandon(code_named(words.rest.at(0)), world_.late);
  } else if (words.first == "show") {
    show();
  } else if (words.first == "history") {
    show_history();
  } else if (words.first == "subscribed") {
    show_subscribed(words);
  } else {
    throw std::invalid_argument("no such command: " + words.first);
  }
  say_all();
  return out_;
}

/// Records first: an answer is given for what is in the log.
void ClassicScript::say_all(const std::string& when) {
  for (; records_said_ < world_.log.records().size(); ++records_said_) say(when + text_of(world_.log.records()[records_said_]));
  for (const LateAnswer& late : std::exchange(world_.late, {})) {
    const Asked asked = asked_.at(late.ticket);
    asked_.erase(late.ticket);
    std::visit([&](const auto& answer) { say_answer(when + "late " + asked.client, answer); }, late.answer);
  }
}

void ClassicScript::set(const Words& words) {
  for (const std::string& word : words.rest) {
    const auto [key, value] = cut(word, '=');
    if (key == "delay") world_.settings.initial_rebalance_delay = ms(value);
    if (key == "min-session") world_.settings.min_session_timeout = ms(value);
    if (key == "max-session") world_.settings.max_session_timeout = ms(value);
    if (key == "max-size") world_.settings.max_size = std::stoul(value);
    if (key == "session") session_ = ms(value);
    if (key == "rebalance") rebalance_ = ms(value);
  }
}

std::string ClassicScript::id_of(const Words& words) { return given(words.options, "id").value_or(clients_[words.rest.at(0)].id); }

std::int32_t ClassicScript::generation_of(const Words& words) {
  const std::optional<std::string> said = given(words.options, "generation");
  return said ? std::stoi(*said) : clients_[words.rest.at(0)].generation;
}

void ClassicScript::join(const Words& words) {
  const std::string& who = words.rest.at(0);
  const auto& options = words.options;
  JoinCall call;
  call.ticket = next_ticket_++;
  call.group = "g";
  call.member_id = id_of(words);
  call.instance_id = given(options, "static");
  if (call.member_id.empty()) call.fresh_member_id = who + "-" + std::to_string(++clients_[who].ids);
  call.client_id = who;
  call.client_host = "/" + who;
  call.session_timeout = ms(given(options, "session").value_or(std::to_string(session_.count())));
  call.rebalance_timeout = ms(given(options, "rebalance").value_or(std::to_string(rebalance_.count())));
  call.protocol_type = given(options, "type").value_or("consumer");
  for (const std::string& protocol : split(given(options, "protocols").value_or("range:" + who), ',')) {
    const auto [name, metadata] = cut(protocol, ':');
    call.protocols.push_back({.name = name, .metadata = bytes_of(metadata)});
  }
  call.reason = in_words(given(options, "reason").value_or(""));
  call.must_know_its_id = !options.contains("v3");
  call.may_skip_assignment = options.contains("v9");
  asked_[call.ticket] = {.client = who, .what = "join"};

  Step step = world_.step();
  const std::optional<JoinAnswer> answer = world_.group->join(call, step);
  say_all();
  if (!answer) return say(who + " waits in join");
  asked_.erase(call.ticket);
  say_answer(who, *answer);
}

void ClassicScript::say_answer(const std::string& who, const JoinAnswer& answer) {
  Client& client = clients_[who.substr(who.rfind(' ') + 1)];
  std::string line = who + " join: " + std::string(name(answer.error)) + " id=" + (answer.member_id.empty() ? "none" : answer.member_id);
  const bool is_told_its_id = answer.error == ErrorCode::none || answer.error == ErrorCode::member_id_required;
  if (is_told_its_id) client.id = answer.member_id;
  if (answer.error != ErrorCode::none) return say(line);
  client.generation = answer.generation;
  line += " generation=" + std::to_string(answer.generation) + " type=" + or_none(answer.protocol_type) +
          " protocol=" + or_none(answer.protocol) + " leader=" + answer.leader;
  if (answer.skip_assignment) line += " skip-assignment";
  if (!answer.members.empty()) line += " members";
  for (const JoinAnswer::Member& member : answer.members) {
    line += " " + member.id + (member.instance_id ? "/" + *member.instance_id : "") + "(" + or_nothing(member.metadata) + ")";
  }
  say(line);
}

void ClassicScript::sync(const Words& words) {
  const std::string& who = words.rest.at(0);
  SyncCall call;
  call.ticket = next_ticket_++;
  call.group = "g";
  call.generation = generation_of(words);
  call.member_id = id_of(words);
  call.instance_id = given(words.options, "static");
  call.protocol_type = given(words.options, "type");
  call.protocol = given(words.options, "protocol");
  for (const std::string& one : split(given(words.options, "to").value_or(""), ',')) {
    const auto [member, assignment] = cut(one, ':');
    call.assignments.push_back({.member_id = member, .bytes = bytes_of(assignment)});
  }
  asked_[call.ticket] = {.client = who, .what = "sync"};

  Step step = world_.step();
  const std::optional<SyncAnswer> answer = world_.group->sync(call, step);
  say_all();
  if (!answer) return say(who + " waits in sync");
  asked_.erase(call.ticket);
  say_answer(who, *answer);
}

void ClassicScript::say_answer(const std::string& who, const SyncAnswer& answer) {
  const std::string line = who + " sync: " + std::string(name(answer.error));
  if (answer.error != ErrorCode::none) return say(line);
  say(line + " type=" + or_none(answer.protocol_type) + " protocol=" + or_none(answer.protocol) + " " + or_nothing(answer.assignment));
}

void ClassicScript::heartbeat(const Words& words) {
  const HeartbeatCall call{
      .group = "g", .generation = generation_of(words), .member_id = id_of(words), .instance_id = given(words.options, "static")};
  Step step = world_.step();
  say(words.rest.at(0) + " heartbeat: " + std::string(name(world_.group->heartbeat(call, step))));
}

void ClassicScript::commit(const Words& words) {
  const std::string id = id_of(words);
  const std::optional<std::string> instance = given(words.options, "static");
  Step step = world_.step();
  const ErrorCode code = world_.group->may_commit({.member_id = id,
                                                   .instance_id = &instance,
                                                   .generation = generation_of(words),
                                                   .is_transactional = words.options.contains("transactional")},
                                                  step);
  say(words.rest.at(0) + " commit: " + std::string(name(code)));
}

void ClassicScript::leave(const Words& words) {
  LeaveCall call{.group = "g", .members = {}};
  for (const std::string& word : words.rest) {
    LeaveCall::Member& member = call.members.emplace_back();
    if (word.starts_with("static=")) {
      member.instance_id = word.substr(7);
      continue;
    }
    const auto [client, reason] = cut(word, ':');
    const auto [who, instance] = cut(client, '/');
    member.id = who.starts_with('@') ? who.substr(1) : clients_[who].id;
    member.reason = in_words(reason);
    if (!instance.empty()) member.instance_id = instance;
  }
  Step step = world_.step();
  const LeaveAnswer answer = world_.group->leave(call, step);
  if (answer.error != ErrorCode::none) return say("leave: " + std::string(name(answer.error)));
  for (std::size_t i = 0; i < answer.members.size(); ++i) {
    say("leave " + words.rest[i] + ": " + std::string(name(answer.members[i])));
  }
}

void ClassicScript::wait(std::chrono::milliseconds time) {
  const Moment until = world_.now + time;
  const Moment from = world_.now;
  while (world_.now < until) {
    const ClassicState before = world_.group->state();
    world_.advance(until);
    const std::string when =
        "after " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(world_.now - from).count()) + ": ";
    say_all(when);
    if (world_.group->state() != before) say(when + std::string(name(world_.group->state())));
  }
}

void ClassicScript::restart() {
  world_.restart();
  asked_.clear();
  say("restarted: " + std::string(name(world_.group->state())) + " generation=" + std::to_string(world_.group->generation()));
}

void ClassicScript::show() {
  const ClassicDescription group = world_.group->describe();
  std::string line = std::string(group.state) + " generation=" + std::to_string(world_.group->generation());
  if (!group.protocol_type.empty()) line += " type=" + group.protocol_type;
  if (!group.protocol.empty()) line += " protocol=" + group.protocol;
  if (world_.group->empty_since().value >= 0) line += " since=" + std::to_string(world_.group->empty_since().value);
  if (group.members.empty() && world_.group->has_members()) line += " somebody is to come";
  say(line);
  for (const ClassicDescription::Member& member : group.members) {
    say("  " + member.id + (member.instance_id ? "/" + *member.instance_id : "") + " client=" + member.client_id + member.client_host +
        " metadata=" + or_nothing(member.metadata) + " assignment=" + or_nothing(member.assignment));
  }
}

void ClassicScript::show_history() {
  for (const GroupHistory::Event& event : world_.group->history().events()) {
    say("  " + std::to_string(event.at.value) + " generation " + std::to_string(event.generation) + ": " + sentence(event));
  }
}

void ClassicScript::show_subscribed(const Words& words) {
  for (const std::string& topic : words.rest) say(topic + (world_.group->subscribes_to(topic) ? ": yes" : ": no"));
}

}  // namespace tidelog::broker
