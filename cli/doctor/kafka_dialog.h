#pragma once

#include "cli/doctor/dial.h"
#include "client/net/frame_reader.h"
#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"

#include <map>
#include <optional>
#include <string>

namespace tidelog::cli {

/// Why one address is of no use to a client.
enum class HopTrouble : std::uint8_t {
  refused,
  connect_timeout,
  cannot_connect,  ///< The system says why.
  closed_at_once,  ///< It accepts and closes before it answers.
  silent,
  answers_slowly,  ///< What came so far is the beginning of an answer.
  speaks_tls,
  speaks_http,
  speaks_other,     ///< What it said is the detail.
  controller_only,  ///< A controller's listener, which serves no clients.
  needs_sasl,       ///< With these mechanisms.
  refuses_versions,
  bad_answer,
  broke_off,  ///< It answered before, and then no more.
};

struct HopFailure {
  HopTrouble trouble;
  std::string detail;
};

template <class T>
using HopResult = Result<T, HopFailure>;

/// An answer decoded; `message` views `frame`.
template <class Message>
struct HopAnswer {
  core::Frame frame;
  Message message;
};

/// A connection that speaks Kafka's protocol, one question at a time, and knows why when it cannot.
class KafkaDialog {
 public:
  /// Connects and agrees on versions.
  static HopResult<KafkaDialog> open(const core::SocketAddress& address, std::chrono::milliseconds timeout);

  /// How many requests it lists.
  [[nodiscard]] std::size_t api_count() const { return versions_.size(); }
  [[nodiscard]] bool has(std::int16_t api_key) const { return versions_.contains(api_key); }

  template <class Response, class Message>
  HopResult<HopAnswer<Response>> ask(const Message& message) {
    const std::optional<std::int16_t> version = version_for(Message::kKey, Message::kMinVersion, Message::kMaxVersion);
    if (!version) return HopFailure(HopTrouble::refuses_versions, "request " + std::to_string(Message::kKey));
    return ask_in<Response>(message, *version);
  }
  /// The mechanisms of SASL, if it is one of those brokers that want a login before anything else.
  std::optional<std::string> sasl_mechanisms();

 private:
  explicit KafkaDialog(Dial dial) : dial_(std::move(dial)) {}
  HopResult<void> agree_on_versions();

  template <class Response, class Message>
  HopResult<HopAnswer<Response>> ask_in(const Message& message, std::int16_t version) {
    proto::Output out;
    const std::size_t start = begin(out, Message::kKey, version);
    proto::encode(message, version, out);
    HopResult<core::Frame> frame = exchange(out, start);
    if (!frame) return frame.error();
    HopAnswer<Response> answer{.frame = *std::move(frame), .message = {}};
    const Result<proto::ResponseFrame> head = proto::decode_response(answer.frame->bytes(), Message::kKey, version);
    const bool is_read = head && head->correlation_id == correlation_ && proto::decode(head->body, version, answer.message);
    if (!is_read) return HopFailure(HopTrouble::bad_answer, {});
    return answer;
  }

  std::size_t begin(proto::Output& out, std::int16_t key, std::int16_t version);
  HopResult<core::Frame> exchange(proto::Output& out, std::size_t start);
  [[nodiscard]] HopFailure failure(Errc why) const;
  [[nodiscard]] bool has_begun_to_answer() const;
  [[nodiscard]] std::optional<std::int16_t> version_for(std::int16_t key, std::int16_t low, std::int16_t high) const;

  static constexpr std::size_t kMostAnswerBytes = std::size_t{256} << 20;

  Dial dial_;
  core::FrameReader reader_{kMostAnswerBytes};
  std::map<std::int16_t, std::pair<std::int16_t, std::int16_t>> versions_;
  std::int32_t correlation_ = 0;
  std::string first_bytes_;  ///< Of all it said.
  bool has_answered_ = false;
};

}  // namespace tidelog::cli
