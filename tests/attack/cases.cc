#include "tests/attack/cases.h"

#include "proto/base/endian.h"
#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"
#include "proto/messages/produce_request.h"
#include "proto/record/builder.h"
#include "proto/record/compression.h"
#include "proto/record/crc32c.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace tidelog::attack {
namespace {

constexpr std::size_t kLengthBytes = 4;

std::string name_of(ApiVersion what) { return std::string(what.api->name) + " v" + std::to_string(what.version); }

/// Valid frames of all versions, made once for a family.
struct Valid {
  std::string name;
  std::string frame;
};

std::vector<Valid> valid_frames(const Knowledge& known) {
  std::vector<Valid> all;
  for (const ApiVersion what : every_version()) {
    ValidFilling filling(known.scene);
    all.push_back({.name = name_of(what), .frame = frame(what, filling)});
  }
  return all;
}

/// Goes over every byte of every valid frame from `first` on.
Source each_byte(const Knowledge& known, std::size_t first, std::function<Case(const Valid&, std::size_t)> make) {
  auto frames = std::make_shared<std::vector<Valid>>(valid_frames(known));
  return [frames, first, make = std::move(make), at = std::size_t{0}, byte = first]() mutable -> std::optional<Case> {
    while (at < frames->size() && byte >= (*frames)[at].frame.size()) {
      ++at;
      byte = first;
    }
    if (at == frames->size()) return std::nullopt;
    return make((*frames)[at], byte++);
  };
}

Source listed(std::vector<Case> cases) {
  auto all = std::make_shared<std::vector<Case>>(std::move(cases));
  return [all, at = std::size_t{0}]() mutable -> std::optional<Case> {
    if (at == all->size()) return std::nullopt;
    return std::move((*all)[at++]);
  };
}

std::string overwritten(std::string text, std::size_t at, std::string_view with) {
  return text.replace(at, std::min(with.size(), text.size() - at), with.substr(0, text.size() - at));
}

std::string announced(std::int32_t length, std::string_view data) {
  std::string bytes(kLengthBytes, '\0');
  store_be(reinterpret_cast<std::byte*>(bytes.data()), length);
  return bytes.append(data);
}

std::string produce_frame(const std::string& topic, std::string_view records) {
  constexpr std::int16_t kVersion = 9;
  const std::vector<proto::ProduceRequest::PartitionProduceData> partitions{
      {.index = 0, .records = {.bytes = {reinterpret_cast<const std::byte*>(records.data()), records.size()}}}};
  const std::vector<proto::ProduceRequest::TopicProduceData> topics{{.name = topic, .partition_data = partitions}};
  const proto::ProduceRequest request{.acks = -1, .timeout_ms = 1000, .topic_data = topics};
  proto::Output out;
  const std::size_t start = proto::begin_request(
      out, {.api_key = proto::ProduceRequest::kKey, .api_version = kVersion, .correlation_id = kAttack, .client_id = "attacker"});
  proto::encode(request, kVersion, out);
  proto::end_request(out, start);
  return {reinterpret_cast<const char*>(out.bytes().data()), out.size()};
}

/// A batch of this codec that is as small as `compressed_limit` and as large inside as that allows, up to `plain_bytes`.
std::string bomb(proto::Codec codec, std::size_t plain_bytes, std::size_t compressed_limit) {
  for (std::size_t size = plain_bytes;; size /= 2) {
    const std::string zeros(size, '\0');
    proto::BatchBuilder builder;
    const Bytes key{reinterpret_cast<const std::byte*>("k"), 1};
    builder.append({.timestamp = {1}, .key = key, .value = {reinterpret_cast<const std::byte*>(zeros.data()), zeros.size()}});
    const Bytes built = builder.build({.codec = codec});
    if (built.size() <= compressed_limit) return {reinterpret_cast<const char*>(built.data()), built.size()};
  }
}

/// A batch of a few records with keys.
std::string small_batch(proto::Codec codec) {
  proto::BatchBuilder builder;
  const Bytes word{reinterpret_cast<const std::byte*>("word"), 4};
  for (int i = 0; i < 4; ++i) builder.append({.timestamp = {1'700'000'000'000 + i}, .key = word, .value = word});
  const Bytes built = builder.build({.codec = codec});
  return {reinterpret_cast<const char*>(built.data()), built.size()};
}

/// What is written over a place of a batch: limits of counts, lengths and varints, or anything.
std::string hostile_bytes(Dice& dice) {
  static const std::vector<std::string> limits{std::string(4, '\xff'),
                                               std::string(4, '\0'),
                                               std::string("\x7f\xff\xff\xff", 4),
                                               std::string("\x80\0\0\0", 4),
                                               std::string("\xff\xff\xff\xff\x0f", 5),
                                               std::string(10, '\x80')};
  if (dice.one_in(2)) return dice.pick(std::span<const std::string>(limits));
  return std::string(1, static_cast<char>(dice.below(256)));
}

void seal(std::string& batch) {
  auto* bytes = reinterpret_cast<std::byte*>(batch.data());
  store_be(bytes + proto::batch_field::kCrc,
           proto::crc32c({bytes + proto::batch_field::kAttributes, batch.size() - proto::batch_field::kAttributes}));
}

}  // namespace

std::string bomb(std::size_t plain_bytes, std::size_t compressed_limit) { return bomb(proto::Codec::gzip, plain_bytes, compressed_limit); }

Source held_truncations(const Knowledge& known) {
  return each_byte(known, 1, [](const Valid& valid, std::size_t byte) {
    return Case{.family = "cut, never completed",
                .what = valid.name + " behind byte " + std::to_string(byte),
                .bytes = valid.frame.substr(0, byte),
                .is_probed = false};
  });
}

Source short_truncations(const Knowledge& known) {
  return each_byte(known, kLengthBytes, [](const Valid& valid, std::size_t byte) {
    return Case{.family = "cut, length fits",
                .what = valid.name + " behind byte " + std::to_string(byte),
                .bytes = with_length(std::string_view(valid.frame).substr(kLengthBytes, byte - kLengthBytes))};
  });
}

Source claimed_counts(const Knowledge& known) {
  constexpr std::string_view kVarint = "\x81\xda\xc4\x09";   // 20,000,001: a count of 20,000,000 in an array.
  constexpr std::string_view kFixed("\x01\x31\x2d\x00", 4);  // 20,000,000.
  const auto with = [&known](std::string_view claim) {
    return each_byte(known, kLengthBytes + kLengthBytes, [claim](const Valid& valid, std::size_t byte) {
      Case made{.family = "20,000,000 claimed",
                .what = valid.name + " at byte " + std::to_string(byte),
                .bytes = overwritten(valid.frame, byte, claim)};
      made.may_wait = may_wait(made.bytes);
      return made;
    });
  };
  return [first = with(kVarint), second = with(kFixed)]() -> std::optional<Case> {
    std::optional<Case> next = first();
    return next ? std::move(next) : second();
  };
}

Source bit_flips(const Knowledge& known, Dice& dice, std::size_t cases) {
  auto frames = std::make_shared<std::vector<Valid>>(valid_frames(known));
  return [frames, &dice, left = cases]() mutable -> std::optional<Case> {
    if (left-- == 0) return std::nullopt;
    const Valid& valid = dice.pick(std::span<const Valid>(*frames));
    Case made{.family = "bit flips", .what = valid.name, .bytes = valid.frame};
    for (std::size_t flips = 1 + dice.below(3); flips > 0; --flips) {
      const std::size_t bit = dice.below(8 * made.bytes.size());
      made.bytes[bit / 8] ^= static_cast<char>(1 << bit % 8);
      made.what += " bit " + std::to_string(bit);
    }
    made.may_wait = may_wait(made.bytes);
    return made;
  };
}

Source frame_lengths(const Knowledge& known) {
  std::vector<Case> cases;
  const auto most = static_cast<std::int32_t>(known.request_max_bytes);
  for (const std::int32_t length : {INT32_MIN, -2, -1, 0, 1, 2, 7, 8, 9, 10, 1000, most - 1, most, most + 1, INT32_MAX - 4, INT32_MAX}) {
    for (const std::string_view data : {std::string_view(), std::string_view("x"), std::string_view("\0\3\0\0\0\0\0\0\0\0", 10)}) {
      cases.push_back({.family = "lengths", .what = std::to_string(length), .bytes = announced(length, data), .is_probed = false});
    }
  }
  // The same lengths with all the bytes they announce. The header is one of an old Metadata request, the rest is passed over or refused.
  constexpr std::string_view kHeader("\0\3\0\1\0\0\0\7\xff\xff\0\0\0\0", 14);
  for (const std::int32_t length : {0, 1, 7, 8, 10, 14, most - 1, most, most + 1}) {
    std::string data(static_cast<std::size_t>(length), '\0');
    data.replace(0, std::min(kHeader.size(), data.size()), kHeader.substr(0, data.size()));
    cases.push_back({.family = "lengths", .what = std::to_string(length) + " in full", .bytes = announced(length, data)});
  }
  return listed(std::move(cases));
}

Source hostile_values(const Knowledge& known, Dice& dice, std::size_t cases) {
  return [&known, &dice, versions = every_version(), left = cases]() mutable -> std::optional<Case> {
    if (left-- == 0) return std::nullopt;
    const ApiVersion what = dice.pick(std::span<const ApiVersion>(versions));
    HostileFilling filling(known.scene, dice);
    Case made{.family = "hostile values", .what = name_of(what), .bytes = frame(what, filling)};
    made.may_wait = may_wait(made.bytes);
    return made;
  };
}

Source swollen_requests(const Knowledge& known, std::size_t frame_bytes) {
  return [&known, versions = every_version(), at = std::size_t{0}, inner = false, frame_bytes]() mutable -> std::optional<Case> {
    if (at == versions.size()) return std::nullopt;
    const ApiVersion what = versions[at];
    // How large an element is shows in a frame of few; then as many as fit.
    constexpr std::size_t kFew = 100;
    SwollenFilling few(known.scene, kFew, inner);
    const std::size_t per_element = std::max<std::size_t>(1, frame(what, few).size() / kFew);
    SwollenFilling many(known.scene, frame_bytes / (per_element + 1), inner);
    Case made{.family = "swollen", .what = name_of(what) + (inner ? " inside" : ""), .bytes = frame(what, many)};
    if (inner) ++at;
    inner = !inner;
    return made;
  };
}

namespace {

std::vector<Case> make_bombs(const Knowledge& known) {
  constexpr std::size_t kPlainBytes = std::size_t{64} << 20;
  std::vector<Case> cases;
  for (const proto::Codec codec : {proto::Codec::gzip, proto::Codec::snappy, proto::Codec::lz4, proto::Codec::zstd}) {
    const std::string batch = bomb(codec, kPlainBytes, known.message_max_bytes);
    for (const std::string& topic : {known.scene.topic, known.compacted_topic}) {
      cases.push_back({.family = "bombs", .what = std::string(proto::name(codec)) + " to " + topic, .bytes = produce_frame(topic, batch)});
    }
  }
  return cases;
}

}  // namespace

Source bombs(const Knowledge& known) {
  static const std::vector<Case> made = make_bombs(known);
  return listed(made);
}

Source sealed_batches(const Knowledge& known, Dice& dice, std::size_t cases) {
  return [&known, &dice, left = cases]() mutable -> std::optional<Case> {
    if (left-- == 0) return std::nullopt;
    constexpr std::array<proto::Codec, 5> kCodecs{proto::Codec::none, proto::Codec::gzip, proto::Codec::snappy, proto::Codec::lz4,
                                                  proto::Codec::zstd};
    const proto::Codec codec = dice.pick(std::span<const proto::Codec>(kCodecs));
    std::string batch = small_batch(codec);
    Case made{.family = "sealed batches", .what = std::string(proto::name(codec)), .bytes = {}};
    for (std::size_t places = 1 + dice.below(3); places > 0; --places) {
      const std::size_t at = proto::batch_field::kAttributes + dice.below(batch.size() - proto::batch_field::kAttributes);
      batch = overwritten(std::move(batch), at, hostile_bytes(dice));
      made.what += " at byte " + std::to_string(at);
    }
    seal(batch);
    made.bytes = produce_frame(dice.one_in(2) ? known.scene.topic : known.compacted_topic, batch);
    return made;
  };
}

Source greetings(const Knowledge&) {
  std::vector<Case> cases;
  const auto add = [&cases](std::string what, std::string bytes) {
    cases.push_back({.family = "greetings", .what = std::move(what), .bytes = std::move(bytes), .is_probed = false});
  };
  add("TLS 1.3", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(505, '\x42'));
  add("TLS 1.0", std::string("\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x01", 11) + std::string(41, '\1'));
  add("HTTP GET", "GET /metrics HTTP/1.1\r\nHost: localhost\r\nUser-Agent: attacker\r\n\r\n");
  add("HTTP POST", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
  add("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  add("SSH", "SSH-2.0-OpenSSH_9.2p1\r\n");
  add("Redis", "*1\r\n$4\r\nPING\r\n");
  add("PROXY", "PROXY TCP4 10.0.0.1 10.0.0.2 5 9092\r\n");
  for (const std::int16_t key : {-1, 88, 999, 32767}) {
    for (const std::int16_t version : {-1, 0, 99, 32767}) {
      std::string payload(10, '\0');
      store_be(reinterpret_cast<std::byte*>(payload.data()), key);
      store_be(reinterpret_cast<std::byte*>(payload.data()) + 2, version);
      add("API " + std::to_string(key) + " v" + std::to_string(version), with_length(payload) + probe());
    }
  }
  for (const proto::ApiInfo& api : proto::served_apis()) {
    for (const int version : {-32768, -1, api.min_version - 1, api.max_version + 1, 32767}) {
      std::string payload(10, '\0');
      store_be(reinterpret_cast<std::byte*>(payload.data()), api.key);
      store_be(reinterpret_cast<std::byte*>(payload.data()) + 2, static_cast<std::int16_t>(version));
      cases.push_back(
          {.family = "greetings", .what = std::string(api.name) + " v" + std::to_string(version), .bytes = with_length(payload)});
    }
  }
  return listed(std::move(cases));
}

}  // namespace tidelog::attack
