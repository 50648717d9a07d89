#pragma once

#include "broker/group/ports.h"
#include "broker/metadata/image.h"

#include <memory>

namespace tidelog::broker {

/// The topics of the image that a shard has now, as groups look at them. Thread: the shard's loop.
class ImageTopics final : public TopicsView {
 public:
  explicit ImageTopics(const std::shared_ptr<const Image>& current) : current_(current) {}

  [[nodiscard]] std::optional<TopicFacts> find(std::string_view name) const override { return facts(current_->find_topic(name)); }
  [[nodiscard]] std::optional<TopicFacts> find(const Uuid& id) const override { return facts(current_->find_topic(id)); }
  [[nodiscard]] std::vector<TopicFacts> all() const override {
    std::vector<TopicFacts> topics;
    for (const auto& [name, topic] : current_->topics()) topics.push_back(*facts(topic.get()));
    return topics;
  }
  /// Counts the images that were seen. One that came and went unseen changed nothing that anybody looked at.
  [[nodiscard]] std::uint64_t version() const override {
    if (seen_ != current_) {
      seen_ = current_;
      ++version_;
    }
    return version_;
  }

 private:
  static std::optional<TopicFacts> facts(const TopicImage* topic) {
    if (topic == nullptr) return std::nullopt;
    return TopicFacts{.id = topic->id, .name = topic->name, .partitions = static_cast<std::int32_t>(topic->partitions.size())};
  }

  const std::shared_ptr<const Image>& current_;
  mutable std::shared_ptr<const Image> seen_;  ///< Held, so that no later image has its address.
  mutable std::uint64_t version_ = 0;
};

}  // namespace tidelog::broker
