#include "tests/sim/kafka_connection.h"

#include "proto/base/endian.h"

namespace tidelog::sim {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;

}  // namespace

KafkaConnection::KafkaConnection(SimLoop& loop, std::unique_ptr<broker::Stream> stream) : loop_(loop), stream_(std::move(stream)) {}

void KafkaConnection::close_after(SteadyTime patience) {
  const std::uint64_t mine = ++*waits_;
  loop_.call_at(loop_.now() + patience, [mine, waits = waits_, stream = std::weak_ptr(stream_)] {
    const std::shared_ptr<broker::Stream> held = stream.lock();
    if (held != nullptr && *waits == mine) held->close();
  });
}

asio::awaitable<bool> KafkaConnection::write_all(Bytes bytes) {
  close_after(kPatience);
  while (!bytes.empty()) {
    const std::array<Bytes, 1> part{bytes};
    const Result<std::size_t> n = stream_->write(part);
    if (n) {
      bytes = bytes.subspan(*n);
    } else if (n.error() == Errc::would_block) {
      co_await stream_->writable();
    } else {
      co_return false;
    }
  }
  ++*waits_;
  co_return true;
}

bool KafkaConnection::has_frame() const {
  if (buffer_.size() < sizeof(std::int32_t)) return false;
  const auto size = load_be<std::int32_t>(buffer_.data());
  return size >= 0 && buffer_.size() >= sizeof(std::int32_t) + static_cast<std::size_t>(size);
}

asio::awaitable<Result<Bytes>> KafkaConnection::receive(SteadyTime patience) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(std::exchange(consumed_, 0)));
  close_after(patience);
  while (!has_frame()) {
    const std::size_t size = buffer_.size();
    buffer_.resize(size + kReadBytes);
    const Result<std::size_t> n = stream_->read(MutableBytes(buffer_).subspan(size));
    buffer_.resize(size + (n ? *n : 0));
    if (n) continue;
    if (n.error() != Errc::would_block) co_return Errc::closed;
    co_await stream_->readable();
  }
  ++*waits_;
  consumed_ = sizeof(std::int32_t) + static_cast<std::size_t>(load_be<std::int32_t>(buffer_.data()));
  if (sent_.empty()) co_return Errc::corrupt;
  const Sent expected = sent_.front();
  sent_.pop_front();
  const Bytes frame = Bytes(buffer_).first(consumed_).subspan(sizeof(std::int32_t));
  const Result<proto::ResponseFrame> response = proto::decode_response(frame, expected.key, expected.version);
  if (!response || response->correlation_id != expected.correlation_id) co_return Errc::corrupt;
  co_return response->body;
}

}  // namespace tidelog::sim
