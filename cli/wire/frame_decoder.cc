#include "cli/wire/frame_decoder.h"

#include "proto/base/endian.h"
#include "proto/codec/api_table.h"
#include "proto/messages/request_header.h"
#include "proto/messages/response_header.h"

namespace tidelog::cli {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::int16_t kHighestKey = 1'000, kHighestVersion = 100;

/// Keeps what a head says and forgets the rest.
class HeadReader : public MessageVisitor {
 public:
  explicit HeadReader(FrameHead& head) : head_(head) {}
  void field(std::string_view name) override { name_ = name; }
  void number(std::int64_t value) override {
    if (name_ == "requestApiKey") head_.api_key = static_cast<std::int16_t>(value);
    if (name_ == "requestApiVersion") head_.api_version = static_cast<std::int16_t>(value);
    if (name_ == "correlationId") head_.correlation_id = static_cast<std::int32_t>(value);
  }
  void null() override { text({}); }
  void text(std::string_view value) override {
    if (name_ == "clientId") head_.client_id = value;
  }
  void begin_struct() override {}
  void end_struct() override {}
  void begin_array(std::size_t, bool) override {}
  void end_array() override {}
  void real(double) override {}
  void boolean(bool) override {}
  void uuid(const Uuid&) override {}
  void bytes(Bytes) override {}
  void records(Bytes) override {}
  void unknown_tag(std::uint32_t, Bytes) override {}

 private:
  FrameHead& head_;
  std::string_view name_;
};

/// One frame on its way to the printer.
class FrameDecoder {
 public:
  FrameDecoder(const CutFrame& frame, FramePrinter& printer) : frame_(frame), printer_(printer) {}

  /// Reads the head; false if it ends there, and the failure is kept for `finish`.
  bool read_head(const proto::Schema& schema, std::int16_t version, FrameHead& head) {
    HeadReader reader(head);
    const WalkEnd end = walk_message(frame_.kept, version, schema, reader);
    used_ = end.used_bytes;
    failure_ = end.failure;
    return !failure_;
  }
  /// `schema` is null where nobody knows the body.
  Decoded print(const FrameHead& head, const proto::Schema* schema) {
    printer_.begin_frame(head);
    const Bytes body = frame_.kept.subspan(used_);
    const bool is_known = schema != nullptr && head.api_version && schema->versions.contains(*head.api_version);
    if (failure_) return finish(Decoded::failed);
    if (!is_known) {
      printer_.opaque(body);
      return finish(Decoded::unknown);
    }
    printer_.begin_body();
    const WalkEnd end = walk_message(body, *head.api_version, *schema, printer_);
    failure_ = end.failure;
    if (failure_)
      failure_->at += used_;
    else if (end.used_bytes < body.size())
      printer_.unread(body.size() - end.used_bytes);
    return finish(failure_ ? Decoded::failed : Decoded::whole);
  }

 private:
  Decoded finish(Decoded outcome) {
    const std::uint64_t missing = frame_.size_bytes - frame_.kept.size();
    if (!failure_ && missing > 0) {
      failure_ = {.at = frame_.kept.size(), .field = {}, .what = "the frame goes on"};
      if (outcome == Decoded::whole) outcome = Decoded::failed;
    }
    if (failure_ && missing > 0) failure_->what += " (" + std::to_string(missing) + " bytes of the frame are not there)";
    if (failure_) printer_.failure(*failure_);
    printer_.end_frame();
    return outcome;
  }

  const CutFrame& frame_;
  FramePrinter& printer_;
  std::size_t used_ = 0;
  std::optional<WalkFailure> failure_;
};

FrameHead head_of(const CutFrame& frame, const FrameOrigin& origin, std::string_view type) {
  return {.type = type, .origin = origin, .offset = frame.offset, .size_bytes = frame.size_bytes};
}

}  // namespace

Printed print_request(const CutFrame& frame, const FrameOrigin& origin, FramePrinter& printer) {
  FrameHead head = head_of(frame, origin, "request");
  const proto::ApiInfo* api = nullptr;
  std::int16_t header_version = 1;
  if (frame.kept.size() >= 2 * sizeof(std::int16_t)) {
    const auto version = load_be<std::int16_t>(frame.kept.data() + sizeof(std::int16_t));
    api = proto::find_api(load_be<std::int16_t>(frame.kept.data()));
    // The header of a version that nobody knows is read as far as every header goes.
    if (api != nullptr && api->request->versions.contains(version)) header_version = api->request_header_version(version);
  }
  FrameDecoder decoder(frame, printer);
  const bool has_head = decoder.read_head(proto::RequestHeader::kSchema, header_version, head);
  if (api != nullptr) head.api = api->name;
  Printed printed{.outcome = decoder.print(head, api == nullptr ? nullptr : api->request), .asked = {}};
  if (has_head) {
    printed.asked = {
        .api_key = *head.api_key, .api_version = *head.api_version, .correlation_id = *head.correlation_id, .time_ns = origin.time_ns};
  }
  return printed;
}

Printed print_response(const CutFrame& frame, const FrameOrigin& origin, const std::optional<Asked>& asked, FramePrinter& printer) {
  FrameHead head = head_of(frame, origin, "response");
  FrameDecoder decoder(frame, printer);
  if (!asked) {
    (void)decoder.read_head(proto::ResponseHeader::kSchema, 0, head);
    return {.outcome = decoder.print(head, nullptr), .asked = {}};
  }
  const proto::ApiInfo* api = proto::find_api(asked->api_key);
  std::int16_t version = asked->api_version;
  head.api_key = asked->api_key;
  head.api_version = version;
  if (api != nullptr) head.api = api->name;
  if (asked->time_ns && origin.time_ns) head.latency_ns = *origin.time_ns - *asked->time_ns;
  const bool is_known = api != nullptr && api->response->versions.contains(version);
  (void)decoder.read_head(proto::ResponseHeader::kSchema, is_known ? api->response_header_version(version) : std::int16_t{0}, head);
  return {.outcome = decoder.print(head, api == nullptr ? nullptr : api->response), .asked = {}};
}

std::optional<std::int32_t> correlation_of_response(Bytes frame) {
  if (frame.size() < sizeof(std::int32_t)) return std::nullopt;
  return load_be<std::int32_t>(frame.data());
}

bool looks_like_request_head(Bytes frame, std::uint64_t frame_bytes) {
  constexpr std::size_t kHeadBytes = 2 + 2 + 4 + 2;  // Key, version, correlation id, length of the client id.
  if (frame.size() < kHeadBytes || frame_bytes < kHeadBytes || frame_bytes > kLongestFrameBytes) return false;
  const auto key = load_be<std::int16_t>(frame.data());
  const auto version = load_be<std::int16_t>(frame.data() + 2);
  const auto client_id = load_be<std::int16_t>(frame.data() + kHeadBytes - 2);
  const bool has_room = client_id >= -1 && client_id <= static_cast<std::int64_t>(frame_bytes - kHeadBytes);
  return has_room && key >= 0 && key <= kHighestKey && version >= 0 && version <= kHighestVersion;
}

bool looks_like_request(Bytes bytes) {
  if (bytes.size() < kLengthBytes) return false;
  return looks_like_request_head(bytes.subspan(kLengthBytes), load_be<std::uint32_t>(bytes.data()));
}

}  // namespace tidelog::cli
