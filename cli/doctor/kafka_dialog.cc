#include "cli/doctor/kafka_dialog.h"

#include "cli/doctor/greeting.h"
#include "proto/codec/reader.h"
#include "proto/error_code.h"
#include "proto/messages/api_versions_request.h"
#include "proto/messages/api_versions_response.h"

#include <cstring>
#include <span>

namespace tidelog::cli {
namespace {

constexpr std::size_t kFirstBytes = 64;
/// Of the first answer, which lists some dozens of APIs: what is far from that is a length of another protocol.
constexpr std::int32_t kLeastFirstAnswer = 6, kMostFirstAnswer = 1 << 20;
constexpr std::int16_t kSaslHandshake = 17, kSaslHandshakeVersion = 1;

Bytes as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

HopFailure connect_failure(std::pair<Errc, int> why) {
  switch (why.first) {
    case Errc::refused: return {HopTrouble::refused, {}};
    case Errc::timed_out: return {HopTrouble::connect_timeout, {}};
    default: return {HopTrouble::cannot_connect, std::strerror(why.second)};
  }
}

}  // namespace

HopResult<KafkaDialog> KafkaDialog::open(const core::SocketAddress& address, std::chrono::milliseconds timeout) {
  auto dial = Dial::connect(address, timeout);
  if (!dial) return connect_failure(dial.error());
  KafkaDialog dialog(*std::move(dial));
  if (const HopResult<void> agreed = dialog.agree_on_versions(); !agreed) return agreed.error();
  return dialog;
}

/// A length that can be and then the number that was asked with, as far as they have come.
bool KafkaDialog::has_begun_to_answer() const {
  proto::Reader in(as_bytes(first_bytes_));
  const auto length = in.take<std::int32_t>();
  if (!in.ok || length < kLeastFirstAnswer || length > kMostFirstAnswer) return false;
  return in.left() < sizeof(std::int32_t) || in.take<std::int32_t>() == correlation_;
}

HopFailure KafkaDialog::failure(Errc why) const {
  if (has_answered_ && why != Errc::corrupt)
    return {HopTrouble::broke_off, why == Errc::timed_out ? "it does not answer in time" : "it closes"};
  if (why != Errc::corrupt && has_begun_to_answer()) {
    if (why == Errc::timed_out) return {HopTrouble::answers_slowly, {}};
    return {HopTrouble::broke_off, "it closes in the middle of its first answer"};
  }
  switch (greeting_of(as_bytes(first_bytes_))) {
    case Greeting::tls: return {HopTrouble::speaks_tls, {}};
    case Greeting::http: return {HopTrouble::speaks_http, {}};
    case Greeting::other_text: return {HopTrouble::speaks_other, quoted_greeting(as_bytes(first_bytes_))};
    case Greeting::unknown: return {HopTrouble::bad_answer, {}};
    case Greeting::none: return {why == Errc::timed_out ? HopTrouble::silent : HopTrouble::closed_at_once, {}};
  }
  return {HopTrouble::bad_answer, {}};
}

std::size_t KafkaDialog::begin(proto::Output& out, std::int16_t key, std::int16_t version) {
  return proto::begin_request(out,
                              {.api_key = key, .api_version = version, .correlation_id = ++correlation_, .client_id = "tidelog-doctor"});
}

HopResult<core::Frame> KafkaDialog::exchange(proto::Output& out, std::size_t start) {
  proto::end_request(out, start);
  // Who closed at once may have said why before, so a send that fails is looked at by what can be received.
  (void)dial_.send(out.bytes());
  const core::TimePoint deadline = dial_.deadline();
  while (true) {
    if (core::Frame frame = reader_.next()) {
      has_answered_ = true;
      return frame;
    }
    const MutableBytes room = reader_.room();
    const Result<std::size_t> count = dial_.receive(room, deadline);
    if (!count) return failure(count.error());
    if (first_bytes_.size() < kFirstBytes) {
      const std::size_t more = std::min(*count, kFirstBytes - first_bytes_.size());
      first_bytes_.append(reinterpret_cast<const char*>(room.data()), more);
    }
    if (!reader_.received(*count)) return failure(Errc::corrupt);
  }
}

HopResult<void> KafkaDialog::agree_on_versions() {
  using Request = proto::ApiVersionsRequest;
  using Response = proto::ApiVersionsResponse;
  Request message;
  message.client_software_name = "tidelog-doctor";
  message.client_software_version = "0.1.0";
  // A broker that does not know the version asked with answers in version 0, where the error stands at the same place.
  for (const std::int16_t version : {Request::kMaxVersion, std::int16_t{0}}) {
    proto::Output out;
    const std::size_t start = begin(out, Request::kKey, version);
    proto::encode(message, version, out);
    const HopResult<core::Frame> frame = exchange(out, start);
    if (!frame) return frame.error();
    const Result<proto::ResponseFrame> head = proto::decode_response((*frame)->bytes(), Request::kKey, version);
    if (!head || head->correlation_id != correlation_ || head->body.size() < sizeof(std::int16_t)) return failure(Errc::corrupt);
    const auto code = static_cast<ErrorCode>(load_be<std::int16_t>(head->body.data()));
    if (code == ErrorCode::unsupported_version) continue;
    Response told;
    if (!proto::decode(head->body, version, told)) return HopFailure(HopTrouble::bad_answer, {});
    if (code != ErrorCode::none) return HopFailure(HopTrouble::refuses_versions, std::string(name(code)));
    for (const auto& api : told.api_keys) versions_[api.api_key] = {api.min_version, api.max_version};
    return {};
  }
  return HopFailure(HopTrouble::refuses_versions, "ApiVersions");
}

std::optional<std::int16_t> KafkaDialog::version_for(std::int16_t key, std::int16_t low, std::int16_t high) const {
  const auto found = versions_.find(key);
  if (found == versions_.end()) return std::nullopt;
  const std::int16_t best = std::min(high, found->second.second);
  return best < std::max(low, found->second.first) ? std::nullopt : std::optional(best);
}

std::optional<std::string> KafkaDialog::sasl_mechanisms() {
  if (!has(kSaslHandshake)) return std::nullopt;
  proto::Output out;
  const std::size_t start = begin(out, kSaslHandshake, kSaslHandshakeVersion);
  // A mechanism that nobody has is answered with those that there are, and no login begins.
  constexpr std::string_view kNone = "NONE";
  out.put(static_cast<std::int16_t>(kNone.size()));
  out.append(std::as_bytes(std::span(kNone)));
  const HopResult<core::Frame> frame = exchange(out, start);
  if (!frame) return std::nullopt;
  proto::Reader in((*frame)->bytes());
  in.take<std::int32_t>();
  const auto code = static_cast<ErrorCode>(in.take<std::int16_t>());
  const auto count = in.take<std::int32_t>();
  if (!in.ok || code != ErrorCode::unsupported_sasl_mechanism) return std::nullopt;
  std::string mechanisms;
  for (std::int32_t i = 0; i < count && in.ok; ++i) {
    const auto size = in.take<std::int16_t>();
    const std::byte* from = size < 0 ? nullptr : in.take_bytes(static_cast<std::size_t>(size));
    if (from == nullptr) break;
    mechanisms.append(mechanisms.empty() ? "" : ", ").append(reinterpret_cast<const char*>(from), static_cast<std::size_t>(size));
  }
  return mechanisms;
}

}  // namespace tidelog::cli
