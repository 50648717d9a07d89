#include "tests/attack/frames.h"

#include "proto/base/endian.h"
#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"
#include "proto/messages/api_versions_request.h"
#include "proto/messages/fetch_request.h"
#include "proto/record/builder.h"

#include <algorithm>

namespace tidelog::attack {
namespace {

constexpr std::string_view kClientId = "attacker";
constexpr std::size_t kLengthBytes = 4;

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }
std::string as_string(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

std::vector<ApiVersion> every_version() {
  std::vector<ApiVersion> all;
  for (const proto::ApiInfo& api : proto::served_apis()) {
    const auto first = std::max(api.min_version, api.request->versions.first);
    for (std::int16_t version = first; version <= api.max_version; ++version) all.push_back({.api = &api, .version = version});
  }
  return all;
}

std::string frame(ApiVersion what, Filling& filling, std::int32_t correlation) {
  Arena arena;
  const void* message = lay_out(*what.api->request, what.version, filling, arena);
  proto::Output out;
  const std::size_t start = proto::begin_request(
      out, {.api_key = what.api->key, .api_version = what.version, .correlation_id = correlation, .client_id = kClientId});
  proto::encode_message(message, what.version, *what.api->request, out);
  proto::end_request(out, start);
  return as_string(out.bytes());
}

std::string probe() {
  proto::Output out;
  const auto key = static_cast<std::int16_t>(proto::ApiKey::api_versions);
  const std::size_t start = proto::begin_request(out, {.api_key = key, .api_version = 0, .correlation_id = kProbe, .client_id = kClientId});
  proto::encode(proto::ApiVersionsRequest{}, 0, out);
  proto::end_request(out, start);
  return as_string(out.bytes());
}

std::string with_length(std::string_view payload) {
  std::string framed(kLengthBytes, '\0');
  store_be(reinterpret_cast<std::byte*>(framed.data()), static_cast<std::int32_t>(payload.size()));
  return framed.append(payload);
}

std::string batch_of(std::string_view key, std::string_view value) {
  proto::BatchBuilder builder;
  builder.append({.timestamp = {1'700'000'000'000}, .key = as_bytes(key), .value = as_bytes(value)});
  return as_string(builder.build({}));
}

bool may_wait(std::string_view frame) {
  constexpr std::int32_t kLongWaitMs = 1000;
  if (frame.size() <= kLengthBytes) return false;
  const auto request = proto::decode_request(as_bytes(frame.substr(kLengthBytes)));
  if (!request || request->header.api_key != static_cast<std::int16_t>(proto::ApiKey::fetch)) return false;
  proto::FetchRequest fetch;
  return proto::decode(request->body, request->header.api_version, fetch) && fetch.max_wait_ms > kLongWaitMs;
}

}  // namespace tidelog::attack
