#include "proto/codec/api_table.h"

#include "proto/messages/api_messages.h"

#include <algorithm>
#include <iterator>

namespace tidelog::proto {
namespace {

const ApiInfo kApis[] = {
#include "proto/messages/api_rows.inc"
};

}  // namespace

const ApiInfo* find_api(std::int16_t key) {
  const auto found = std::ranges::find(kApis, key, &ApiInfo::key);
  return found == std::end(kApis) ? nullptr : found;
}

std::span<const ApiInfo> served_apis() { return kApis; }

}  // namespace tidelog::proto
