#pragma once

#include "client/net/frame_reader.h"
#include "client/net/io_loop.h"
#include "proto/codec/interpreter.h"
#include "proto/codec/output.h"
#include <tidelog/result.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>

namespace tidelog::core {

/// A broker's answer: the body is a view of the frame.
struct Answer {
  Frame frame;
  Bytes body;
  std::int16_t version = 0;
  std::string broker;  ///< Who sent it, for messages.
};

/// One request on its way to a broker. The version is chosen when the broker's versions are known, so the body is written then.
/// `answer` is called exactly once, on the loop, by `deadline` at the latest.
struct Request {
  std::int16_t api_key = 0;
  std::int16_t min_version = 0;
  std::int16_t max_version = 0;
  TimePoint deadline;
  bool has_answer = true;  ///< False for acks=0: `answer` is called once the request is written out.
  std::move_only_function<void(proto::Output&, std::int16_t version)> encode;
  std::move_only_function<void(result<Answer>)> answer;
};

/// A request of type `Message`, which is kept until it is written.
template <class Message>
Request make_request(Message message, TimePoint deadline) {
  Request request;
  request.api_key = Message::kKey;
  request.min_version = Message::kMinVersion;
  request.max_version = Message::kMaxVersion;
  request.deadline = deadline;
  request.encode = [message](proto::Output& out, std::int16_t version) { proto::encode(message, version, out); };
  return request;
}

/// Reads the body of an answer.
template <class Message>
result<Message> read_answer(const Answer& answer) {
  Message message;
  if (const Result<void> ok = proto::decode(answer.body, answer.version, message); !ok) {
    error bad(errc::bad_answer,
              "the answer of " + answer.broker + " is not what the protocol says (" + std::string(name(ok.error())) + ")");
    return bad.set_broker(answer.broker);
  }
  return message;
}

}  // namespace tidelog::core
