#include "proto/record/plain_run.h"

#include "proto/record/builder.h"
#include "proto/record/record_walk.h"
#include "proto/record/varint.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace tidelog::proto {
namespace {

constexpr TimestampMs kNow{1'700'000'000'000};

/// What a record may look like, each in a way of its own.
struct Look {
  std::string_view name;
  std::vector<std::size_t> key_bytes;  ///< Turn by turn; `kNull` for none.
  std::vector<std::size_t> value_bytes;
  std::vector<std::int64_t> timestamp_deltas;
  std::vector<RecordHeader> headers;
};

constexpr std::size_t kNull = std::size_t{1} << 40;

std::vector<Look> looks() {
  const Bytes value = test::as_bytes("value");
  return {
      {"values alone", {kNull}, {20}, {0}, {}},
      {"long values alone", {kNull}, {150}, {0}, {}},
      {"short values", {kNull}, {0, 1, 2, 3}, {0}, {}},
      {"empty values", {kNull}, {0}, {0}, {}},
      {"keys and values of one size each", {3}, {2}, {0}, {}},
      {"long keys", {60}, {70}, {0}, {}},
      {"some of one size", {0}, {20, 20, 20, 100, 100, 21, 21}, {0}, {}},
      {"no values", {kNull, 3}, {kNull}, {0}, {}},
      {"keys of all sizes", {0, 1, 8, 63, 64, 100, kNull}, {10}, {0}, {}},
      {"values around a longer length", {kNull, 4}, {50, 54, 56, 58, 60, 63, 64}, {0}, {}},
      {"timestamps that rise", {kNull}, {30}, {0, 0, 1, 1, 63, 64, 8000, 9000}, {}},
      {"timestamps all over", {2}, {30}, {5, -1, 1 << 22, -(std::int64_t{1} << 40), 0}, {}},
      {"headers", {3}, {12}, {0}, {{"trace", value}, {"a-name-longer-than-a-word", {}}, {"", value}}},
      {"a header beyond ASCII",
       {3},
       {12},
       {0},
       {{"gr\xc3\xb6\xc3\x9f"
         "e",
         value}}},
      {"a header that is no text", {kNull}, {12}, {0}, {{"\xff\xfe", value}}},
  };
}

std::vector<std::byte> batch_of(const Look& look, std::size_t count) {
  const std::vector<std::byte> filler(200, std::byte{0x81});  // Looks like varints that go on.
  const auto piece = [&](std::size_t size) { return size == kNull ? Bytes{} : Bytes(filler).first(size); };
  BatchBuilder builder;
  builder.set_base_timestamp(kNow);
  for (std::size_t i = 0; i < count; ++i) {
    builder.append({.timestamp = kNow + look.timestamp_deltas[i % look.timestamp_deltas.size()],
                    .key = piece(look.key_bytes[i % look.key_bytes.size()]),
                    .value = piece(look.value_bytes[i % look.value_bytes.size()]),
                    .headers = look.headers});
  }
  const Bytes bytes = builder.build({});
  return {bytes.begin(), bytes.end()};
}

std::vector<ValidationRules> all_rules() {
  ValidationRules usual;
  usual.now = kNow;
  ValidationRules compacted = usual;
  compacted.is_compacted = true;
  ValidationRules strict = usual;
  strict.timestamp_before_max_ms = 1;
  strict.timestamp_after_max_ms = 1;
  ValidationRules append_time = usual;
  append_time.timestamp_type = TimestampType::log_append_time;
  return {usual, compacted, strict, append_time};
}

using Walked = Result<TimestampMs, BatchError>;

bool is_same(const Walked& a, const Walked& b) {
  if (a && b) return *a == *b;
  if (a || b) return false;
  return a.error().code == b.error().code && a.error().message == b.error().message && a.error().record_indexes == b.error().record_indexes;
}

/// The records in memory of exactly their size, so that a sanitizer sees a read outside.
bool agree(const BatchView& batch, Bytes records, const std::vector<ValidationRules>& rule_sets) {
  const auto alone = std::make_unique<std::byte[]>(records.size());
  std::ranges::copy(records, alone.get());
  const Bytes bytes{alone.get(), records.size()};
  return std::ranges::all_of(rule_sets, [&](const ValidationRules& rules) {
    return is_same(walk_records(batch, bytes, rules), walk_records_one_by_one(batch, bytes, rules));
  });
}

/// Bytes that mean something to a varint.
constexpr std::array kTelling = {0x00, 0x01, 0x02, 0x03, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff};

TEST(PlainRun, ChangesNoVerdictOnSoundRecords) {
  const std::vector<ValidationRules> rules = all_rules();
  for (const Look& look : looks()) {
    for (const std::size_t count : {1, 2, 3, 63, 64, 65, 8191, 8192, 8200}) {
      const std::vector<std::byte> bytes = batch_of(look, count);
      const BatchView batch = *BatchView::parse(bytes);

      EXPECT_TRUE(agree(batch, batch.payload(), rules)) << look.name << ", " << count << " records";
    }
  }
}

TEST(PlainRun, ChangesNoVerdictOnCutRecords) {
  const std::vector<ValidationRules> rules = all_rules();
  for (const Look& look : looks()) {
    const std::vector<std::byte> bytes = batch_of(look, 12);
    const BatchView batch = *BatchView::parse(bytes);
    for (std::size_t size = 0; size < batch.payload().size(); ++size) {
      EXPECT_TRUE(agree(batch, batch.payload().first(size), rules)) << look.name << ", cut at " << size;
    }
  }
}

/// The same for a whole batch.
bool agree(Bytes batch, const std::vector<ValidationRules>& rules) {
  const BatchView view = *BatchView::parse(batch);
  return agree(view, view.payload(), rules);
}

/// Whether both agree with each bit of one byte flipped, and with some of them together.
bool agree_on_flips(std::vector<std::byte>& bytes, std::size_t at, const std::vector<ValidationRules>& rules) {
  const std::byte sound = bytes[at];
  bool agreed = true;
  for (const unsigned flip : {0x01u, 0x02u, 0x04u, 0x08u, 0x10u, 0x20u, 0x40u, 0x80u, 0x81u, 0xffu}) {
    bytes[at] = sound ^ static_cast<std::byte>(flip);
    agreed = agreed && agree(bytes, rules);
  }
  bytes[at] = sound;
  return agreed;
}

bool agree_on_values(std::vector<std::byte>& bytes, std::size_t at, const std::vector<ValidationRules>& rules) {
  const std::byte sound = bytes[at];
  bool agreed = true;
  for (const int value : kTelling) {
    bytes[at] = static_cast<std::byte>(value);
    agreed = agreed && agree(bytes, rules);
  }
  bytes[at] = sound;
  return agreed;
}

std::vector<std::byte> overwritten(std::vector<std::byte> bytes, std::mt19937& random) {
  const std::size_t payload_bytes = bytes.size() - kBatchHeaderBytes;
  for (std::uint32_t left = 1 + random() % 6; left > 0; --left) {
    bytes[kBatchHeaderBytes + random() % payload_bytes] = static_cast<std::byte>(kTelling[random() % kTelling.size()]);
  }
  return bytes;
}

TEST(PlainRun, ChangesNoVerdictOnDamagedRecords) {
  const std::vector<ValidationRules> rules = all_rules();
  for (const Look& look : looks()) {
    std::vector<std::byte> bytes = batch_of(look, 9);
    for (std::size_t at = kBatchHeaderBytes; at < bytes.size(); ++at) {
      EXPECT_TRUE(agree_on_flips(bytes, at, rules)) << look.name << ", byte " << at;
    }
  }
}

/// Where offset deltas take a byte more, the fields behind them move.
void expect_agreement_on_damage_around(std::size_t grows_at, const Look& look) {
  const std::vector<ValidationRules> rules{all_rules().front()};
  std::vector<std::byte> bytes = batch_of(look, grows_at + 4);
  for (std::size_t at = batch_of(look, grows_at - 3).size(); at < bytes.size(); ++at) {
    EXPECT_TRUE(agree_on_values(bytes, at, rules)) << look.name << ", byte " << at;
  }
}

TEST(PlainRun, ChangesNoVerdictOnDamageWhereOffsetsGrow) {
  for (const std::size_t grows_at : {64, 8192}) {
    expect_agreement_on_damage_around(grows_at, {"one byte", {kNull}, {1}, {0}, {}});
    expect_agreement_on_damage_around(grows_at, {"a few bytes", {kNull}, {4}, {0}, {}});
  }
}

TEST(PlainRun, ChangesNoVerdictOnBytesOverwrittenAtRandom) {
  const std::vector<ValidationRules> rules = all_rules();
  std::mt19937 random(20'250'101);
  for (const Look& look : looks()) {
    const std::vector<std::byte> sound = batch_of(look, 20);
    for (int round = 0; round < 500; ++round) {
      EXPECT_TRUE(agree(overwritten(sound, random), rules)) << look.name << ", round " << round;
    }
  }
}

/// What a run claims, read again with `parse_record`.
bool is_true(const PlainRun& run, Bytes records, std::int32_t first, bool needs_keys) {
  const std::size_t size = records.size();
  std::int64_t least = PlainRun{}.least_delta;
  std::int64_t greatest = PlainRun{}.greatest_delta;
  for (std::int32_t i = 0; i < run.count; ++i) {
    RawRecord record;
    if (parse_record(records, record) != RecordFault::none || record.offset_delta != first + i) return false;
    if (record.key_length < (needs_keys ? 0 : -1) || record.value_length < -1) return false;
    least = std::min(least, record.timestamp_delta);
    greatest = std::max(greatest, record.timestamp_delta);
  }
  return run.size_bytes == size - records.size() && run.least_delta == least && run.greatest_delta == greatest;
}

/// Records of few bytes, right and wrong in every field, so that what is read one byte off often makes sense as well.
class Babble {
 public:
  std::vector<std::byte> records(std::int32_t first, std::int32_t count) {
    out_.clear();
    for (std::int32_t i = 0; i < count; ++i) put_record(first + i);
    return out_;
  }
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

 private:
  void put_record(std::int32_t index) {
    std::vector<std::byte> all = std::exchange(out_, {});
    put_byte(0);
    put(pick({0, 0, 0, 0, 1, -1, 64, -70, 9000}));
    below(8) == 0 ? put_byte(static_cast<unsigned>(index) << 1) : put(index + (below(20) == 0 ? 1 : 0));
    put_piece();
    put_piece();
    put_byte(below(8) == 0 ? below(4) : 0);
    const std::vector<std::byte> body = std::exchange(out_, std::move(all));
    put(static_cast<std::int64_t>(body.size()) + (below(20) == 0 ? pick({-2, -1, 1, 64}) : 0));
    out_.insert(out_.end(), body.begin(), body.end());
  }
  void put_piece() {
    const std::int64_t size = pick({-1, -1, 0, 1, 2, 5, 40, 64, 4000, -2});
    put(size);
    for (std::int64_t i = 0; i < size; ++i) put_byte(below(3));
  }
  /// Sometimes in a byte more than needed.
  void put(std::int64_t value) {
    std::byte bytes[10];
    const std::byte* const end = put_varint(bytes, value);
    out_.insert(out_.end(), static_cast<const std::byte*>(bytes), end);
    if (below(20) != 0) return;
    out_.back() |= std::byte{0x80};
    put_byte(0);
  }
  void put_byte(unsigned value) { out_.push_back(static_cast<std::byte>(value)); }
  std::int64_t pick(std::initializer_list<std::int64_t> choices) {
    return choices.begin()[below(static_cast<std::uint32_t>(choices.size()))];
  }

  std::mt19937 random_{20'250'102};
  std::vector<std::byte> out_;
};

TEST(PlainRun, ClaimsWhatIsTrue) {
  Babble babble;
  for (const std::int32_t around : {4, 64, 8192, 1 << 20}) {
    for (int round = 0; round < 3000; ++round) {
      const std::int32_t first = around - static_cast<std::int32_t>(babble.below(4));
      const bool needs_keys = babble.below(2) == 0;
      const std::vector<std::byte> records = babble.records(first, 6);

      const PlainRun run = take_plain_run(records, first, first + 6, needs_keys);

      ASSERT_TRUE(is_true(run, records, first, needs_keys)) << "round " << round << " around " << around;
    }
  }
}

/// Read with an offset of one byte, which is all it needed so far, the last record is whole; read as it should be it is not.
TEST(PlainRun, DoesNotTakeALongerOffsetForAShortOne) {
  std::vector<std::byte> records;
  const auto put = [&](std::initializer_list<int> bytes) {
    for (const int byte : bytes) records.push_back(static_cast<std::byte>(byte));
  };
  put({14, 0, 0, 126, 1, 2, 7, 0});
  put({14, 0, 0, 128, 1, 2, 7, 0});
  records.resize(records.size() + 40);

  EXPECT_EQ(take_plain_run(records, 63, 65, false).count, 1);
}

TEST(PlainRun, TakesLongRecordsToo) {
  const std::vector<std::byte> filler(20'000);
  BatchBuilder builder;
  for (int i = 0; i < 8; ++i)
    builder.append({.timestamp = kNow, .key = {}, .value = Bytes(filler).first(i % 2 == 0 ? 9000 : 20'000), .headers = {}});
  const Bytes records = BatchView::parse(builder.build({}))->payload();

  EXPECT_EQ(take_plain_run(records, 0, 8, false).count, 8);
}

TEST(PlainRun, TakesKeysAndHeaders) {
  const std::vector<std::byte> bytes = batch_of({"", {5, kNull}, {40, 100}, {0, 1, 1}, {{"trace", {}}}}, 10'000);
  const Bytes records = BatchView::parse(bytes)->payload();

  const PlainRun run = take_plain_run(records, 0, 10'000, false);

  EXPECT_EQ(run.count, 10'000);
  EXPECT_EQ(run.size_bytes, records.size());
  EXPECT_EQ(run.least_delta, 0);
  EXPECT_EQ(run.greatest_delta, 1);
}

TEST(PlainRun, EndsBeforeARecordWithoutAKeyIfThereMustBeOne) {
  const std::vector<std::byte> bytes = batch_of({"", {5, 5, kNull}, {40}, {0}, {}}, 9);
  const Bytes records = BatchView::parse(bytes)->payload();

  EXPECT_EQ(take_plain_run(records, 0, 9, true).count, 2);
  EXPECT_EQ(take_plain_run(records, 0, 9, false).count, 9);
}

}  // namespace
}  // namespace tidelog::proto
