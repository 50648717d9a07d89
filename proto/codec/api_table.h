#pragma once

#include "proto/codec/schema.h"
#include "proto/messages/api_key.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace tidelog::proto {

/// One request that is served, and the versions that ApiVersions lists for it.
struct ApiInfo {
  std::int16_t key;
  std::int16_t min_version;
  std::int16_t max_version;
  std::int16_t first_flexible;
  std::string_view name;
  const Schema* request;
  const Schema* response;

  [[nodiscard]] std::int16_t request_header_version(std::int16_t version) const { return version >= first_flexible ? 2 : 1; }
  /// ApiVersions answers with header 0 in every version: its reader cannot know yet what the broker speaks.
  [[nodiscard]] std::int16_t response_header_version(std::int16_t version) const {
    return version >= first_flexible && key != static_cast<std::int16_t>(ApiKey::api_versions) ? 1 : 0;
  }
};

/// Null if it is not served.
const ApiInfo* find_api(std::int16_t key);
/// By rising key.
std::span<const ApiInfo> served_apis();

}  // namespace tidelog::proto
