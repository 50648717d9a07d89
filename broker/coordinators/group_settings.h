#pragma once

#include "broker/group/ports.h"
#include "broker/metadata/image.h"

#include <memory>
#include <string_view>

namespace tidelog::broker {

struct BrokerOptions;

/// What groups that have nothing of their own go by.
GroupSettings settings_from(const BrokerOptions& options);

/// What each group goes by: looked up in the image and the options that a shard has now, so that a change is there with the group's next
/// step. Thread: the shard's loop.
class ImageSettings final : public SettingsView {
 public:
  ImageSettings(const std::shared_ptr<const Image>& image, const std::shared_ptr<const BrokerOptions>& options)
      : image_(image), options_(options) {}

  /// Reads the options anew if they are others.
  void follow_options();
  /// Needs `follow_options` before it.
  [[nodiscard]] const GroupSettings& for_all() const { return for_all_; }
  [[nodiscard]] const GroupSettings& of(std::string_view group) const override;

 private:
  const std::shared_ptr<const Image>& image_;
  const std::shared_ptr<const BrokerOptions>& options_;
  std::shared_ptr<const BrokerOptions> seen_;  ///< Those that `for_all_` was made of.
  GroupSettings for_all_;
  mutable GroupSettings asked_for_;  ///< Of the group that was asked for last, if it has its own: kept for its room.
};

}  // namespace tidelog::broker
