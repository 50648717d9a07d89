#include "proto/codec/api_table.h"

#include "proto/messages/api_messages.h"

#include <algorithm>
#include <array>

namespace tidelog::proto {
namespace {

constexpr ApiInfo kApis[] = {
#include "proto/messages/api_rows.inc"
};

constexpr std::size_t kKeys = std::ranges::max(kApis, {}, &ApiInfo::key).key + 1;

/// By key: every request asks, once for its header and once for that of its answer.
constexpr auto kByKey = [] {
  std::array<const ApiInfo*, kKeys> by_key{};
  for (const ApiInfo& api : kApis) by_key[static_cast<std::size_t>(api.key)] = &api;
  return by_key;
}();

}  // namespace

const ApiInfo* find_api(std::int16_t key) {
  const auto at = static_cast<std::uint16_t>(key);  // A negative key is beyond all.
  return at < kKeys ? kByKey[at] : nullptr;
}

std::span<const ApiInfo> served_apis() { return kApis; }

}  // namespace tidelog::proto
