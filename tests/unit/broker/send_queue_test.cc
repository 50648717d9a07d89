#include "broker/net/send_queue.h"

#include "tests/support/manual_env.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace tidelog::broker {
namespace {

/// Takes a few bytes at a time, so that every place to go on from is met.
class SlowStream final : public Stream {
 public:
  explicit SlowStream(std::size_t at_a_time) : at_a_time_(at_a_time) {}
  Result<std::size_t> read(MutableBytes) override { return Errc::would_block; }
  Result<std::size_t> write(std::span<const Bytes> parts) override {
    if (std::exchange(is_tired_, !is_tired_)) return Errc::would_block;
    const std::size_t n = std::min(at_a_time_, parts.front().size());
    got.append(reinterpret_cast<const char*>(parts.front().data()), n);
    return n;
  }
  Result<std::size_t> send_file(const storage::File& file, std::uint64_t position, std::size_t size_bytes) override {
    std::string piece(std::min(at_a_time_, size_bytes), '\0');
    const Result<std::size_t> n = file.read_at(position, {reinterpret_cast<std::byte*>(piece.data()), piece.size()});
    if (n) got.append(piece, 0, *n);
    return n;
  }
  asio::awaitable<void> readable() override { co_return; }
  asio::awaitable<void> writable() override { co_return; }
  void close() override {}
  Endpoint local() const override { return {}; }
  Endpoint peer() const override { return {}; }

  std::string got;

 private:
  std::size_t at_a_time_;
  bool is_tired_ = false;
};

class SendQueueTest : public ::testing::Test {
 protected:
  SendQueueTest() {
    auto opened = env_.files().open(env_.directory() + "/segment", storage::OpenMode::create);
    file_ = std::shared_ptr<storage::File>(std::move(*opened));
    const std::string text = "0123456789abcdef";
    const Bytes bytes{reinterpret_cast<const std::byte*>(text.data()), text.size()};
    EXPECT_TRUE(file_->write_at(0, std::span(&bytes, 1)));
  }
  void put(std::string_view text) { queue_.output().append({reinterpret_cast<const std::byte*>(text.data()), text.size()}); }
  void put_slice(std::uint64_t position, std::uint64_t size) {
    const std::uint32_t token = queue_.add({.file = file_, .position = position, .size_bytes = size});
    queue_.output().add_gap(size, token);
  }
  Result<void> send_all(Stream& stream) {
    for (;;) {
      Result<void> sent = queue_.send(stream);
      if (sent || sent.error() != Errc::would_block) return sent;
    }
  }

  ManualEnv env_;
  std::shared_ptr<storage::File> file_;
  SendQueue queue_;
};

TEST_F(SendQueueTest, SendsMemoryAndFileBytesInTheirPlaces) {
  for (const std::size_t at_a_time : {1U, 3U, 100U}) {
    SlowStream stream(at_a_time);
    put("<a ");
    put_slice(2, 5);
    put(" b ");
    put_slice(10, 3);
    put_slice(0, 1);
    put(">");

    const std::uint64_t before = queue_.unsent_bytes();
    const Result<void> sent = send_all(stream);

    EXPECT_TRUE(sent);
    EXPECT_EQ(before, 16U);
    EXPECT_EQ(stream.got, "<a 23456 b abc0>");
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(queue_.unsent_bytes(), 0U);
  }
}

// R13: a length was promised and the file came up short: anything but ending the connection would shift every byte that follows.
TEST_F(SendQueueTest, RuleR13_AShortFileEndsTheConnection) {
  SlowStream stream(100);
  put("<");
  put_slice(10, 6);
  ASSERT_TRUE(file_->truncate(12));

  const Result<void> sent = send_all(stream);

  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), Errc::corrupt);
}

// R13: the name may go while the slice waits to be sent; its bytes stay.
TEST_F(SendQueueTest, RuleR13_ASliceOutlivesTheNameOfItsFile) {
  SlowStream stream(100);
  put_slice(0, 16);
  file_.reset();
  ASSERT_TRUE(env_.files().remove(env_.directory() + "/segment"));

  const Result<void> sent = send_all(stream);

  EXPECT_TRUE(sent);
  EXPECT_EQ(stream.got, "0123456789abcdef");
}

}  // namespace
}  // namespace tidelog::broker
