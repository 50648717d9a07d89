#include "broker/handlers/groups/ask_coordinator.h"

#include "broker/group/group_hash.h"
#include "broker/metadata/topic_names.h"

namespace tidelog::broker {

std::optional<TopicPartition> home_of_group(const Image& image, std::string_view group) {
  const TopicImage* const topic = image.find_topic(kOffsetsTopic);
  if (topic == nullptr || topic->partitions.empty()) return std::nullopt;
  const PartitionIndex partition = partition_of_group(group, static_cast<std::int32_t>(topic->partitions.size()));
  return TopicPartition{.topic_id = topic->id, .partition = partition};
}

std::string client_host(const HandlerContext& context) { return "/" + context.connection.peer().host; }

Outcome refuse_unreadable(const HandlerContext& context, std::string_view api) {
  context.connection.note_close_reason("a " + std::string(api) + " request could not be read");
  return Outcome::close;
}

}  // namespace tidelog::broker
