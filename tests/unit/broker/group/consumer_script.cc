#include "tests/unit/broker/group/consumer_script.h"

#include "tests/unit/broker/group/record_text.h"
#include "tests/unit/broker/script_player.h"

#include <algorithm>
#include <functional>
#include <sstream>
#include <stdexcept>

namespace tidelog::broker {
namespace {

/// KEY=VALUE
std::pair<std::string, std::string> option(const std::string& word) {
  const std::size_t at = word.find('=');
  if (at == std::string::npos) return {word, ""};
  const std::string value = word.substr(at + 1);
  return {word.substr(0, at), value == "empty" ? "" : value};
}

}  // namespace

std::vector<std::string> ConsumerScript::run(std::string_view command) {
  out_.clear();
  Words words = split(command, ' ');
  const std::string what = words.front();
  words.erase(words.begin());
  const std::map<std::string, std::function<void()>> commands{
      {"topic", [&] { set_topics(words); }},
      {"set", [&] { change_settings(words); }},
      {"join", [&] { beat(words, {.member_epoch = 0, .rebalance_timeout_ms = 60000, .owned = PartitionsById{}}); }},
      {"beat", [&] { beat(words, {.member_epoch = clients_[words.at(0)].epoch}); }},
      {"leave", [&] { beat(words, {.member_epoch = -1}); }},
      {"commit", [&] { commit(words); }},
      {"fetch", [&] { fetch(words); }},
      {"wait", [&] { world_.advance(world_.now + std::chrono::milliseconds(std::stol(words.at(0)))); }},
      {"refuse", [&] { refuse(words); }},
      {"restart", [&] { restart(words); }},
      {"show", [&] { show(); }},
      {"history", [&] { tell_history(); }},
      {"subscribed", [&] { subscribed(words); }},
      {"forget", [&] { forget(); }}};
  commands.at(what)();
  say_records();
  check();
  return out_;
}

// Around the group.

void ConsumerScript::set_topics(const Words& words) {
  for (const std::string& word : words) {
    const auto [name, value] = option(word);
    if (value == "none") {
      world_.topics.drop(name);
    } else {
      world_.topics.set(name, std::stoi(value));
    }
  }
}

void ConsumerScript::change_settings(const Words& words) {
  GroupSettings& settings = world_.settings;
  for (const std::string& word : words) {
    const auto [key, value] = option(word);
    if (key == "assignors") settings.consumer_assignors = split(value, ',');
    if (key == "max-size") settings.consumer_max_size = std::stoul(value);
    if (key == "session") settings.consumer_session_timeout = std::chrono::milliseconds(std::stol(value));
    if (key == "interval") settings.consumer_heartbeat_interval = std::chrono::milliseconds(std::stol(value));
    if (key == "assignment-interval") settings.consumer_assignment_interval = std::chrono::milliseconds(std::stol(value));
  }
}

void ConsumerScript::refuse(const Words& words) {
  world_.log.refused = 1;
  for (const std::string& word : words) {
    const auto [key, value] = option(word);
    if (key == "after") {
      world_.log.passed = std::stoi(value);
    } else if (key == "times") {
      world_.log.refused = std::stoi(value);
    } else {
      world_.log.refusal = code_named(key);
    }
  }
}

void ConsumerScript::restart(const Words& words) {
  const std::vector<GroupRecord>& log = world_.log.records();
  world_.restart(words.empty() ? log : compacted(log, log.size(), true));
}

void ConsumerScript::forget() {
  const std::vector<GroupRecord> tombstones = world_.group->tombstones();
  if (!world_.log.append(tombstones)) return say("refused");
  for (const GroupRecord& record : tombstones) world_.group->apply(record);
}

// Calls.

void ConsumerScript::set_option(const std::string& word, const Client& client, ConsumerHeartbeatCall& call) const {
  const auto [key, value] = option(word);
  if (key == "epoch") call.member_epoch = std::stoi(value);
  if (key == "timeout") call.rebalance_timeout_ms = std::stoi(value);
  if (key == "topics") call.subscribed_names = split(value == "nothing" ? "" : value, ',');
  if (key == "many-topics") call.subscribed_names = std::vector<std::string>(std::stoul(value), std::string(200, 't'));
  if (key == "regex") call.subscribed_regex = value;
  if (key == "static") call.instance_id = value;
  if (key == "rack") call.rack_id = value;
  if (key == "assignor") call.server_assignor = value;
  if (key == "id") call.member_id = value;
  if (key == "fresh") call.fresh_member_id = value;
  if (key == "host") call.client_host = value;
  if (key == "v0") call.version = 0;
  if (key == "owned" && value == "unsaid") {
    call.owned = std::nullopt;
  } else if (key == "owned") {
    call.owned = value == "all" ? client.assigned : parse_partitions(value);
  }
}

void ConsumerScript::beat(const Words& words, ConsumerHeartbeatCall call) {
  Client& client = clients_[words.at(0)];
  call.group = "g";
  call.member_id = words.at(0);
  call.client_id = words.at(0);
  call.client_host = "/h";
  for (std::size_t at = 1; at < words.size(); ++at) set_option(words[at], client, call);

  const ConsumerHeartbeatAnswer answer = world_.heartbeat(call);

  say_records();
  std::string line = words.at(0) + ": " + std::string(name(answer.error));
  if (answer.error != ErrorCode::none) return say(line + (answer.error_message.empty() ? "" : " " + answer.error_message));
  client.epoch = answer.member_epoch;
  if (answer.assignment) client.assigned = *answer.assignment;
  if (answer.member_id != words.at(0)) line += " id=" + answer.member_id;
  line += " epoch=" + std::to_string(answer.member_epoch);
  if (answer.heartbeat_interval_ms != 5000) line += " interval=" + std::to_string(answer.heartbeat_interval_ms);
  say(line + (answer.assignment ? " assignment " + text_of(*answer.assignment, world_.topics) : ""));
}

void ConsumerScript::commit(const Words& words) {
  std::int32_t epoch = clients_[words.at(0)].epoch;
  const std::string id = words.at(0) == "nobody" ? "" : words.at(0);
  std::string partition;
  for (std::size_t at = 1; at < words.size(); ++at) {
    const auto [key, value] = option(words[at]);
    if (key == "epoch") {
      epoch = std::stoi(value);
    } else {
      partition = key;
    }
  }
  Step step = world_.step();
  ErrorCode code = world_.group->may_commit(id, epoch, step);
  std::string line = "commit " + std::string(name(code));
  if (!partition.empty()) {
    const PartitionSet one = flatten(parse_partitions(partition));
    line += ", " + partition + " " + std::string(name(world_.group->may_commit(id, epoch, one.at(0))));
  }
  say(line);
}

void ConsumerScript::fetch(const Words& words) {
  std::int32_t epoch = clients_[words.at(0)].epoch;
  if (words.size() > 1) epoch = std::stoi(option(words[1]).second);
  say("fetch " + std::string(name(world_.group->may_fetch(words.at(0) == "nobody" ? "" : words.at(0), epoch))));
}

// What is said.

void ConsumerScript::show() {
  const ConsumerDescription told = world_.group->describe();
  std::string line = std::string(told.state) + " epoch=" + std::to_string(told.epoch) +
                     " assignment-epoch=" + std::to_string(told.assignment_epoch) + " assignor=" + told.assignor;
  if (world_.group->empty_since().value >= 0) {
    line += " empty-since=" + std::to_string(world_.group->empty_since().value - ConsumerWorld().wall_clock().value);
  }
  say(line);
  for (const ConsumerDescription::Member& member : told.members) {
    say("  " + member.id + (member.instance_id ? "/" + *member.instance_id : "") + " epoch=" + std::to_string(member.epoch) + " assigned " +
        text_of(member.assigned, world_.topics) + " target " + text_of(member.target, world_.topics) +
        (member.is_classic ? " classic" : ""));
  }
}

void ConsumerScript::tell_history() {
  for (const GroupHistory::Event& event : world_.group->history().events()) {
    say("  " + std::to_string(event.at.value - ConsumerWorld().wall_clock().value) + " epoch=" + std::to_string(event.generation) + " " +
        sentence(event));
  }
}

void ConsumerScript::subscribed(const Words& words) {
  std::string line = "subscribed:";
  for (const std::string& topic : words) line += world_.group->subscribes_to(topic) ? " " + topic : "";
  say(line);
}

void ConsumerScript::say_records() {
  for (; said_records_ < world_.log.records().size(); ++said_records_) {
    say("record " + broker::text_of(world_.log.records()[said_records_], world_.topics));
  }
}

void ConsumerScript::check() {
  const std::vector<GroupRecord>& log = world_.log.records();
  if (!world_.group->is_sound()) say("NOT SOUND");
  if (ConsumerWorld::replayed(log)->snapshot() != world_.group->snapshot()) say("REPLAY DIFFERS");
  if (ConsumerWorld::replayed(compacted(log, log.size(), true))->snapshot() != world_.group->snapshot()) say("COMPACTED REPLAY DIFFERS");
}

PartitionsById ConsumerScript::parse_partitions(const std::string& text) const {
  PartitionsById partitions;
  if (text == "none") return partitions;
  for (const std::string& topic : split(text, '/')) {
    const Words parts = split(topic, ':');
    const std::optional<TopicFacts> facts = world_.topics.find(parts.at(0));
    std::vector<std::int32_t> indexes;
    for (const std::string& index : split(parts.at(1), ',')) indexes.push_back(std::stoi(index));
    partitions.emplace_back(facts ? facts->id : Uuid{}, std::move(indexes));
  }
  return partitions;
}

}  // namespace tidelog::broker
