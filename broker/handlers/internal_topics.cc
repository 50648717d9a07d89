#include "broker/handlers/internal_topics.h"

#include "broker/handlers/topic_admin.h"
#include "broker/metadata/topic_names.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tidelog::broker {
namespace {

NewTopic offsets_topic(const HandlerContext& context) {
  const BrokerOptions& options = *context.here.options;
  const auto brokers = static_cast<std::int32_t>(context.image().brokers().size());
  return {.name = std::string(kOffsetsTopic),
          .partitions = options.offsets_topic_num_partitions,
          .replication_factor = std::min(options.offsets_topic_replication_factor, brokers),
          .configs = {{"cleanup.policy", "compact"},
                      {"compression.type", "producer"},
                      {"segment.bytes", std::to_string(options.offsets_topic_segment_bytes)}}};
}

}  // namespace

NewTopic automatic_topic(const HandlerContext& context, std::string_view name) {
  if (name == kOffsetsTopic) return offsets_topic(context);
  return {.name = std::string(name)};
}

asio::awaitable<void> ensure_offsets_topic(HandlerContext context) {
  if (context.image().find_topic(kOffsetsTopic) != nullptr) co_return;
  std::vector<NewTopic> topics;
  topics.push_back(offsets_topic(context));
  const std::vector<TopicVerdict> verdicts = co_await create_topics(context, std::move(topics), false);
  for (const TopicVerdict& verdict : verdicts) {
    if (verdict.error == ErrorCode::none || verdict.error == ErrorCode::topic_already_exists) continue;
    context.here.limited.warn(context.loop().now(), "the offsets topic cannot be made", "{} cannot be made, so no group is served: {}",
                              kOffsetsTopic, verdict.message);
  }
}

}  // namespace tidelog::broker
