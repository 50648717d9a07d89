#include "proto/base/endian.h"
#include "proto/record/compression.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

namespace tidelog::proto {
namespace {

constexpr Codec kCodecs[] = {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};
constexpr Codec kRealCodecs[] = {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd};
constexpr std::size_t kMiB = std::size_t{1} << 20;

ByteBuffer packed(Codec codec, Bytes plain, int level = kDefaultLevel) {
  ByteBuffer out;
  compress(codec, plain, out, level);
  return out;
}

bool equals(Bytes a, Bytes b) { return std::ranges::equal(a, b); }

void expect_given_back(Codec codec, const std::vector<std::byte>& plain) {
  ByteBuffer out;
  const Result<void> done = decompress(codec, packed(codec, plain).bytes(), out, {.max_bytes = plain.size()});
  ASSERT_TRUE(done.has_value()) << name(codec) << " " << plain.size() << " " << name(done.error());
  EXPECT_TRUE(equals(out.bytes(), plain)) << name(codec) << " " << plain.size();
}

TEST(Compression, GivesBackWhatItTookAtEverySize) {
  for (const Codec codec : kCodecs) {
    for (const std::size_t size : {0ul, 1ul, 2ul, 100ul, 4095ul, 32768ul, 32769ul, 65536ul, 65537ul, 300000ul, kMiB}) {
      expect_given_back(codec, test::log_lines(size, size));
      expect_given_back(codec, test::noise(size, size));
    }
  }
}

TEST(Compression, AppendsBehindWhatTheBufferHolds) {
  const std::vector<std::byte> plain = test::log_lines(5000, 1);

  for (const Codec codec : kCodecs) {
    ByteBuffer compressed;
    compressed.append(test::as_bytes("head"));
    compress(codec, plain, compressed);
    ByteBuffer out;
    out.append(test::as_bytes("head"));
    ASSERT_TRUE(decompress(codec, compressed.bytes().subspan(4), out).has_value()) << name(codec);

    EXPECT_EQ(test::as_text(out.bytes().first(4)), "head");
    EXPECT_TRUE(equals(out.bytes().subspan(4), plain)) << name(codec);
  }
}

TEST(Compression, TakesAnyLevel) {
  const std::vector<std::byte> plain = test::log_lines(20000, 2);

  for (const Codec codec : kRealCodecs) {
    for (const int level : {-100, -1, 0, 1, 3, 6, 9, 12, 22, 100}) {
      ByteBuffer out;
      ASSERT_TRUE(decompress(codec, packed(codec, plain, level).bytes(), out).has_value()) << name(codec) << level;
      EXPECT_TRUE(equals(out.bytes(), plain)) << name(codec) << level;
    }
  }
}

TEST(Compression, StopsAtTheLimitAndLeavesTheBufferAsItWas) {
  const std::vector<std::byte> bomb(16 * kMiB, std::byte{0});

  for (const Codec codec : kRealCodecs) {
    const ByteBuffer compressed = packed(codec, bomb);
    ByteBuffer out;
    out.append(test::as_bytes("kept"));
    const Result<void> done = decompress(codec, compressed.bytes(), out, {.max_bytes = kMiB});

    ASSERT_FALSE(done.has_value()) << name(codec);
    EXPECT_EQ(done.error(), Errc::too_large) << name(codec);
    EXPECT_EQ(test::as_text(out.bytes()), "kept");
    EXPECT_LE(out.capacity(), 3 * kMiB) << name(codec);
  }
}

TEST(Compression, HasAnExactLimit) {
  const std::vector<std::byte> plain = test::log_lines(100000, 3);

  for (const Codec codec : kCodecs) {
    const ByteBuffer compressed = packed(codec, plain);
    ByteBuffer out;
    EXPECT_TRUE(decompress(codec, compressed.bytes(), out, {.max_bytes = 100000}).has_value()) << name(codec);
    out.clear();
    const Result<void> less = decompress(codec, compressed.bytes(), out, {.max_bytes = 99999});
    EXPECT_TRUE(!less && less.error() == Errc::too_large) << name(codec);
  }
}

void expect_cut_noticed(Codec codec, Bytes cut, std::size_t plain_size) {
  ByteBuffer out;
  const Result<void> done = decompress(codec, cut, out);
  if (!done) {
    EXPECT_EQ(done.error(), Errc::corrupt) << name(codec) << " " << cut.size();
    return;
  }
  // snappy's frame may end after any block, and its header alone is a frame of nothing
  EXPECT_EQ(codec, Codec::snappy) << name(codec) << " " << cut.size();
  EXPECT_LT(out.size(), plain_size);
}

TEST(Compression, CallsCutDataCorrupt) {
  const std::vector<std::byte> plain = test::log_lines(3000, 4);

  for (const Codec codec : kRealCodecs) {
    const ByteBuffer compressed = packed(codec, plain);
    for (std::size_t size = 0; size < compressed.size(); ++size) expect_cut_noticed(codec, compressed.bytes().first(size), plain.size());
  }
}

TEST(Compression, SurvivesEveryFlippedBit) {
  const std::vector<std::byte> plain = test::log_lines(400, 5);

  for (const Codec codec : kRealCodecs) {
    const ByteBuffer compressed = packed(codec, plain);
    std::vector<std::byte> bytes(compressed.bytes().begin(), compressed.bytes().end());
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
      ByteBuffer out;
      const Result<void> done = decompress(codec, bytes, out, {.max_bytes = 2000});
      EXPECT_LE(out.size(), done ? 2000u : 0u) << name(codec) << " bit " << bit;
      bytes[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    }
  }
}

TEST(Compression, DoesNotAllocateWhatAHeaderAnnounces) {
  const std::vector<std::byte> claims_2_gib = test::from_hex("ffffffff0700");

  ByteBuffer out;
  const Result<void> done = decompress(Codec::snappy, claims_2_gib, out, {.max_bytes = std::size_t{1} << 32});

  EXPECT_TRUE(!done && done.error() == Errc::corrupt);
  EXPECT_EQ(out.capacity(), 0u);
}

TEST(Compression, RefusesACodecThatNobodyHas) {
  ByteBuffer out;

  const Result<void> done = decompress(static_cast<Codec>(5), test::as_bytes("abc"), out);

  EXPECT_TRUE(!done && done.error() == Errc::unsupported);
  EXPECT_EQ(name(static_cast<Codec>(7)), "");
}

TEST(Compression, HasNamesThatReadBack) {
  for (const Codec codec : kCodecs) EXPECT_EQ(parse_codec(name(codec)), codec);
  EXPECT_EQ(parse_codec("brotli"), std::nullopt);
}

TEST(Snappy, ReadsABareBlock) {
  const std::vector<std::byte> block = test::from_hex("0b2868656c6c6f20776f726c64");  // length 11, then one literal

  ByteBuffer out;

  ASSERT_TRUE(decompress(Codec::snappy, block, out).has_value());
  EXPECT_EQ(test::as_text(out.bytes()), "hello world");
}

TEST(Snappy, ReadsStreamsBehindOneAnother) {
  ByteBuffer two = packed(Codec::snappy, test::as_bytes("first "));
  compress(Codec::snappy, test::as_bytes("second"), two);

  ByteBuffer out;

  ASSERT_TRUE(decompress(Codec::snappy, two.bytes(), out).has_value());
  EXPECT_EQ(test::as_text(out.bytes()), "first second");
}

TEST(Snappy, WritesBlocksOf32KiBBehindTheHeaderOfJava) {
  const ByteBuffer compressed = packed(Codec::snappy, test::noise(40000, 6));

  EXPECT_EQ(test::to_hex(compressed.bytes().first(16)), "82534e41505059000000000100000001");
  const auto first = load_be<std::int32_t>(compressed.data() + 16);
  EXPECT_EQ(test::to_hex(compressed.bytes().subspan(20, 3)), "808002");                                  // the block's own length: 32768
  EXPECT_EQ(test::to_hex(compressed.bytes().subspan(24 + static_cast<std::size_t>(first), 2)), "c038");  // 7232
}

TEST(Lz4, WritesIndependentBlocksOf64KiBWithoutChecksums) {
  const ByteBuffer compressed = packed(Codec::lz4, test::noise(200000, 7));

  EXPECT_EQ(test::to_hex(compressed.bytes().first(4)), "04224d18");
  EXPECT_EQ(test::to_hex(compressed.bytes().subspan(4, 2)), "6040");  // version 01 with independent blocks; 64 KiB
}

TEST(Gzip, ReadsMembersBehindOneAnotherAndPassesOverWhatIsNone) {
  ByteBuffer two = packed(Codec::gzip, test::as_bytes("first "));
  compress(Codec::gzip, test::as_bytes("second"), two);
  two.append(test::as_bytes("slack"));

  ByteBuffer out;

  ASSERT_TRUE(decompress(Codec::gzip, two.bytes(), out).has_value());
  EXPECT_EQ(test::as_text(out.bytes()), "first second");
}

TEST(Zstd, ReadsFramesBehindOneAnother) {
  ByteBuffer two = packed(Codec::zstd, test::as_bytes("first "));
  compress(Codec::zstd, test::as_bytes("second"), two);

  ByteBuffer out;

  ASSERT_TRUE(decompress(Codec::zstd, two.bytes(), out).has_value());
  EXPECT_EQ(test::as_text(out.bytes()), "first second");
}

TEST(Zstd, RefusesAWindowNoReaderTakes) {
  // Magic, descriptor without content size, window, then one last raw block of one byte.
  const std::vector<std::byte> of_128_mib = test::from_hex("28b52ffd008809000061");
  const std::vector<std::byte> of_256_mib = test::from_hex("28b52ffd009009000061");
  ByteBuffer out;

  const Result<void> taken = decompress(Codec::zstd, of_128_mib, out);
  EXPECT_TRUE(taken.has_value());
  EXPECT_EQ(test::as_text(out.bytes()), "a");
  EXPECT_LE(out.capacity(), 64u * 1024);
  const Result<void> refused = decompress(Codec::zstd, of_256_mib, out);
  EXPECT_TRUE(!refused && refused.error() == Errc::corrupt);
}

}  // namespace
}  // namespace tidelog::proto
