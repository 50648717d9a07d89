#include "cli/commands/group_common.h"

#include "cli/group_target.h"
#include "proto/error_code.h"

namespace tidelog::cli {
namespace {

error no_such_partition(const topic_info& topic, std::int32_t index) {
  error missing = error::from_kafka(static_cast<int>(ErrorCode::unknown_topic_or_partition), {});
  const std::size_t count = topic.partitions().size();
  missing.set_message("topic \"" + topic.name() + "\" has " + std::to_string(count) + (count == 1 ? " partition" : " partitions") +
                      ", so there is no partition " + std::to_string(index));
  return missing.set_hint("tidelog topic describe " + topic.name() + " shows what there is").set_topic(topic.name(), index);
}

}  // namespace

int fail_without_group(const Command& command) { return fail_usage(command.global, "which group?", "tidelog " + command.path + " GROUP"); }

std::string partitions_text(const std::vector<topic_partition>& partitions) {
  std::string text;
  const std::string* topic = nullptr;
  for (const topic_partition& each : partitions) {
    const bool is_same = topic != nullptr && *topic == each.topic();
    text += is_same ? "," : (text.empty() ? "" : " ") + each.topic() + ":";
    text += std::to_string(each.partition());
    topic = &each.topic();
  }
  return text;
}

std::map<topic_partition, std::int64_t> offsets_of(tidelog::admin& admin, const std::vector<topic_partition>& partitions,
                                                   offset_spec where) {
  std::map<std::string, std::vector<std::int32_t>> by_topic;
  for (const topic_partition& each : partitions) by_topic[each.topic()].push_back(each.partition());
  std::map<topic_partition, std::int64_t> offsets;
  for (const auto& [topic, indexes] : by_topic) {
    const auto described = admin.describe_topic(topic);
    std::vector<std::int32_t> led;
    for (const std::int32_t index : indexes) {
      const bool is_there = described && index >= 0 && static_cast<std::size_t>(index) < described->partitions().size();
      if (is_there && described->partitions()[static_cast<std::size_t>(index)].leader() >= 0) led.push_back(index);
    }
    if (led.empty()) continue;
    const auto found = admin.list_offsets(topic, led, where);
    if (!found) continue;
    for (std::size_t i = 0; i < led.size(); ++i) offsets.emplace(topic_partition(topic, led[i]), (*found)[i]);
  }
  return offsets;
}

result<std::vector<topic_partition>> partitions_chosen(tidelog::admin& admin, const std::vector<std::string>& selectors) {
  std::vector<topic_partition> all;
  for (const std::string& text : selectors) {
    const result<TopicSelector> selector = parse_topic_selector(text);
    if (!selector) return selector.error();
    const result<topic_info> topic = admin.describe_topic(selector->topic);
    if (!topic) return topic.error();
    for (const std::int32_t index : selector->partitions) {
      if (static_cast<std::size_t>(index) >= topic->partitions().size()) return no_such_partition(*topic, index);
      all.emplace_back(selector->topic, index);
    }
    if (!selector->partitions.empty()) continue;
    for (const partition_info& partition : topic->partitions()) all.emplace_back(selector->topic, partition.index());
  }
  return all;
}

Cell number_cell(const std::optional<std::int64_t>& number) { return number ? Cell(*number) : Cell::no_number(); }

}  // namespace tidelog::cli
