#pragma once

#include "proto/codec/api_table.h"
#include "tests/attack/layout.h"

#include <string>
#include <vector>

namespace tidelog::attack {

/// The correlation id of the request that follows an attack, to see whether the connection still answers.
inline constexpr std::int32_t kProbe = 0x50524f42;
inline constexpr std::int32_t kAttack = 0x41545441;

struct ApiVersion {
  const proto::ApiInfo* api;
  std::int16_t version;
};

/// Every request the codec knows in every version: what is served later is attacked without a word here.
std::vector<ApiVersion> every_version();

/// A whole frame, length first.
std::string frame(ApiVersion what, Filling& filling, std::int32_t correlation = kAttack);
/// An ApiVersions request, which every broker answers at once.
std::string probe();
/// A frame with this payload.
std::string with_length(std::string_view payload);
/// A record batch with one record.
std::string batch_of(std::string_view key, std::string_view value);
/// Whether the frame asks, on purpose or by a flipped bit, for a longer wait than a test has.
bool may_wait(std::string_view frame);

}  // namespace tidelog::attack
