#pragma once

#include "broker/env/env.h"
#include "broker/shard/signal.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace tidelog::broker {

/// Both ends of a connection in a test's hands: what the broker reads, what it wrote, and how much it may write now.
struct FakeWire {
  explicit FakeWire(Loop& loop) : readable(loop.executor()), writable(loop.executor()) {}

  void give(std::string_view bytes) {
    to_read += bytes;
    readable.notify();
  }
  void take(std::size_t bytes) {
    room += bytes;
    writable.notify();
  }

  void close() {
    is_closed = true;
    readable.notify();
    writable.notify();
  }

  std::string peer_host = "there";
  std::uint16_t peer_port = 2;
  std::string to_read;
  std::string written;
  std::size_t room = SIZE_MAX / 2;
  bool is_closed = false;
  Signal readable;
  Signal writable;
};

class FakeStream final : public Stream {
 public:
  explicit FakeStream(std::shared_ptr<FakeWire> wire) : wire_(std::move(wire)) {}

  Result<std::size_t> read(MutableBytes into) override {
    if (wire_->is_closed) return Errc::closed;
    if (wire_->to_read.empty()) return Errc::would_block;
    const std::size_t n = std::min(into.size(), wire_->to_read.size());
    std::memcpy(into.data(), wire_->to_read.data(), n);
    wire_->to_read.erase(0, n);
    return n;
  }
  Result<std::size_t> write(std::span<const Bytes> parts) override {
    if (wire_->is_closed) return Errc::closed;
    const std::size_t n = std::min(parts.front().size(), wire_->room);
    if (n == 0) return Errc::would_block;
    wire_->room -= n;
    wire_->written.append(reinterpret_cast<const char*>(parts.front().data()), n);
    return n;
  }
  Result<std::size_t> send_file(const storage::File&, std::uint64_t, std::size_t) override { return Errc::unsupported; }
  asio::awaitable<void> readable() override {
    if (!wire_->is_closed && wire_->to_read.empty()) co_await wire_->readable.wait();
  }
  asio::awaitable<void> writable() override {
    if (!wire_->is_closed && wire_->room == 0) co_await wire_->writable.wait();
  }
  void close() override { wire_->close(); }
  Endpoint local() const override { return {.host = "here", .port = 1}; }
  Endpoint peer() const override { return {.host = wire_->peer_host, .port = wire_->peer_port}; }

 private:
  std::shared_ptr<FakeWire> wire_;
};

class FakeAccepted final : public Accepted {
 public:
  explicit FakeAccepted(std::shared_ptr<FakeWire> wire) : wire_(std::move(wire)) {}
  ~FakeAccepted() override {
    if (wire_ != nullptr) wire_->is_closed = true;
  }
  Endpoint peer() const override { return {.host = wire_->peer_host, .port = wire_->peer_port}; }
  std::unique_ptr<Stream> open(Loop&) override { return std::make_unique<FakeStream>(std::exchange(wire_, nullptr)); }

 private:
  std::shared_ptr<FakeWire> wire_;
};

}  // namespace tidelog::broker
