#include "cli/wire/message_walk.h"

#include "tests/unit/cli/wire/printed.h"

#include <gtest/gtest.h>

// The walk of `debug wire` against the codec that the broker reads with, over what was recorded of Apache Kafka.
namespace tidelog::cli::test {
namespace {

using proto::test::all_vectors;
using proto::test::Arena;
using proto::test::Vector;

class Ignores : public MessageVisitor {
 public:
  void field(std::string_view) override {}
  void begin_struct() override {}
  void end_struct() override {}
  void begin_array(std::size_t, bool) override {}
  void end_array() override {}
  void null() override {}
  void number(std::int64_t) override {}
  void real(double) override {}
  void boolean(bool) override {}
  void uuid(const Uuid&) override {}
  void text(std::string_view) override {}
  void bytes(Bytes) override {}
  void records(Bytes) override {}
  void unknown_tag(std::uint32_t, Bytes) override {}
};

WalkEnd walk(Bytes body, const Vector& vector) {
  Ignores ignores;
  return walk_message(body, vector.version, *vector.schema, ignores);
}

TEST(MessageWalk, TakesEveryRecordedMessageToItsEnd) {
  for (const Vector& vector : all_vectors()) {
    const WalkEnd end = walk(vector.body, vector);

    ASSERT_FALSE(end.failure) << vector.where << ": " << end.failure->field << " " << end.failure->what;
    EXPECT_EQ(end.used_bytes, vector.body.size()) << vector.where;
  }
}

TEST(MessageWalk, RefusesWhatTheCodecRefuses) {
  std::size_t refused = 0;
  for (const Vector& vector : all_vectors()) {
    if (vector.variant == "limits") continue;
    Arena arena;
    std::byte* message = arena.room(vector.schema->size_bytes);
    for (std::size_t at = 0; at < vector.body.size(); ++at) {
      std::vector<std::byte> changed = vector.body;
      changed[at] ^= std::byte{0xFF};
      vector.schema->construct(message);

      const bool is_taken = proto::decode_message(changed, vector.version, *vector.schema, message).has_value();
      const WalkEnd end = walk(changed, vector);

      ASSERT_EQ(!end.failure, is_taken) << vector.where << " changed at " << at;
      if (end.failure) ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
}

TEST(MessageWalk, SaysWhereATruncatedMessageEnds) {
  for (const Vector& vector : all_vectors()) {
    if (vector.variant != "full") continue;
    for (std::size_t size = 0; size < vector.body.size(); ++size) {
      const WalkEnd end = walk(Bytes(vector.body).first(size), vector);

      ASSERT_TRUE(end.failure) << vector.where << " cut at " << size;
      EXPECT_LE(end.failure->at, size);
      EXPECT_FALSE(end.failure->field.empty());
      EXPECT_FALSE(end.failure->what.empty());
    }
  }
}

TEST(MessageWalk, AKnownTagMustFillItsSize) {
  // ApiVersions version 3: no error, no APIs, and the epoch (tag 1, eight bytes) in a tag of nine.
  const std::vector<std::byte> body = proto::test::from_hex("00000100000000010109000000000000000500");
  Ignores ignores;

  const WalkEnd end = walk_message(body, 3, *proto::find_api(18)->response, ignores);

  ASSERT_TRUE(end.failure);
  EXPECT_EQ(end.failure->field, "finalizedFeaturesEpoch");
  EXPECT_EQ(end.failure->at, body.size() - 1);
}

}  // namespace
}  // namespace tidelog::cli::test
