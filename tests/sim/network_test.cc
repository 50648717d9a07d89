#include "tests/sim/env.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;
using broker::Accepted;
using broker::Endpoint;
using broker::Listener;
using broker::Stream;

const Endpoint kServer{.host = "node", .port = 9092};

struct Rig {
  explicit Rig(std::uint64_t seed)
      : world(seed),
        network(world, world.dice("network")),
        disk(world, world.dice("disk")),
        server({world, network, disk}, "server", 1),
        client({world, network, disk}, "client", 1) {}
  SimLoop& server_loop() { return static_cast<SimLoop&>(*server.loops()[0]); }
  SimLoop& client_loop() { return static_cast<SimLoop&>(*client.loops()[0]); }

  World world;
  SimNetwork network;
  SimDisk disk;
  SimEnv server, client;
  std::vector<std::size_t> reads;  ///< Sizes of what the server read.
  bool refused = false, ended = false, send_done = false;
  std::string echoed;
};

asio::awaitable<void> send_all(Stream& stream, Bytes bytes) {
  while (!bytes.empty()) {
    const std::array<Bytes, 1> part{bytes};
    const Result<std::size_t> n = stream.write(part);
    if (n) {
      bytes = bytes.subspan(*n);
    } else if (n.error() == Errc::would_block) {
      co_await stream.writable();
    } else {
      co_return;
    }
  }
}

asio::awaitable<void> echo(Rig& rig, std::unique_ptr<Listener> listener) {
  Result<std::unique_ptr<Accepted>> accepted = co_await listener->accept();
  if (!accepted) co_return;
  const std::unique_ptr<Stream> stream = (*accepted)->open(rig.server_loop());
  std::vector<std::byte> buffer(4096);
  while (true) {
    const Result<std::size_t> n = stream->read(buffer);
    if (n) {
      rig.reads.push_back(*n);
      co_await send_all(*stream, Bytes(buffer).first(*n));
    } else if (n.error() == Errc::would_block) {
      co_await stream->readable();
    } else {
      co_return;
    }
  }
}

asio::awaitable<void> receive(Rig& rig, Stream& stream, std::size_t size) {
  std::vector<std::byte> buffer(1000);
  while (rig.echoed.size() < size) {
    const Result<std::size_t> n = stream.read(buffer);
    if (n) {
      rig.echoed.append(reinterpret_cast<const char*>(buffer.data()), *n);
    } else if (n.error() == Errc::would_block) {
      co_await stream.readable();
    } else {
      rig.ended = true;
      co_return;
    }
  }
}

asio::awaitable<void> send_and_note(Rig& rig, std::shared_ptr<Stream> stream, std::string text) {
  co_await send_all(*stream, std::as_bytes(std::span(text)));
  rig.send_done = true;
}

asio::awaitable<void> talk(Rig& rig, std::string text) {
  Result<std::unique_ptr<Stream>> stream = co_await rig.network.connect(kServer, rig.client_loop());
  if (!stream) {
    rig.refused = true;
    co_return;
  }
  const std::shared_ptr<Stream> shared = std::move(*stream);
  asio::co_spawn(rig.client_loop().executor(), send_and_note(rig, shared, text), asio::detached);
  co_await receive(rig, *shared, text.size());
}

void start_echo(Rig& rig) {
  Result<std::unique_ptr<Listener>> listener = rig.network.listen(kServer, rig.server_loop());
  ASSERT_TRUE(listener);
  asio::co_spawn(rig.server_loop().executor(), echo(rig, std::move(*listener)), asio::detached);
}

void start_talk(Rig& rig, std::string text) { asio::co_spawn(rig.client_loop().executor(), talk(rig, std::move(text)), asio::detached); }

std::string some_text(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i * 7 % 26);
  return text;
}

TEST(SimNetwork, CarriesBytesWholeAndInOrderThroughSmallBuffersAndSplitReads) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Rig rig(seed);
    rig.network.faults.socket_buffer_bytes = 700;
    start_echo(rig);
    const std::string text = some_text(20'000);

    start_talk(rig, text);
    rig.world.run_for(60s);

    EXPECT_TRUE(rig.echoed == text) << "seed=" << seed << ": " << rig.echoed.size() << " bytes came back";
    EXPECT_TRUE(std::ranges::any_of(rig.reads, [](std::size_t n) { return n < 4; })) << "seed=" << seed;
  }
}

TEST(SimNetwork, RefusesWhereNobodyListens) {
  Rig rig(1);

  start_talk(rig, "x");
  rig.world.run_for(1s);

  EXPECT_TRUE(rig.refused);
}

TEST(SimNetwork, OnePortHasOneListenerUntilItCloses) {
  Rig rig(1);
  Result<std::unique_ptr<Listener>> first = rig.network.listen(kServer, rig.server_loop());
  ASSERT_TRUE(first);

  EXPECT_EQ(rig.network.listen(kServer, rig.server_loop()).error(), Errc::exists);
  (*first)->close();
  EXPECT_TRUE(rig.network.listen(kServer, rig.server_loop()));
}

TEST(SimNetwork, AKilledServerEndsItsConnectionsSoonAndFreesItsPort) {
  Rig rig(1);
  start_echo(rig);
  rig.network.faults.socket_buffer_bytes = 100;
  start_talk(rig, some_text(1'000'000));
  rig.world.run_for(5ms);

  rig.server.kill(false);
  rig.world.run_for(1ms);

  EXPECT_TRUE(rig.ended);
  EXPECT_TRUE(rig.network.listen(kServer, rig.client_loop()));
}

TEST(SimNetwork, APowerLossIsHeardOfOnlyLater) {
  Rig rig(1);
  start_echo(rig);
  rig.network.faults.socket_buffer_bytes = 100;
  start_talk(rig, some_text(1'000'000));
  rig.world.run_for(5ms);

  rig.server.kill(true);
  rig.world.run_for(1ms);
  EXPECT_FALSE(rig.ended);

  rig.world.run_for(10s);
  EXPECT_TRUE(rig.ended);
}

asio::awaitable<void> write_until_told(Rig& rig) {
  Result<std::unique_ptr<Stream>> stream = co_await rig.network.connect(kServer, rig.client_loop());
  const std::string text = some_text(10'000);
  co_await send_all(**stream, std::as_bytes(std::span(text)));
  rig.send_done = true;
}

asio::awaitable<void> accept_and_leave(Rig& rig, std::unique_ptr<Listener> listener) {
  Result<std::unique_ptr<Accepted>> accepted = co_await listener->accept();
  const std::unique_ptr<Stream> stream = (*accepted)->open(rig.server_loop());
  co_await rig.server_loop().sleep(1s);
}

TEST(SimNetwork, AWriterLearnsThatItsReaderLeft) {
  Rig rig(1);
  rig.network.faults.socket_buffer_bytes = 100;
  Result<std::unique_ptr<Listener>> listener = rig.network.listen(kServer, rig.server_loop());
  asio::co_spawn(rig.server_loop().executor(), accept_and_leave(rig, std::move(*listener)), asio::detached);
  asio::co_spawn(rig.client_loop().executor(), write_until_told(rig), asio::detached);

  rig.world.run_for(500ms);
  EXPECT_FALSE(rig.send_done);
  rig.world.run_for(1s);

  EXPECT_TRUE(rig.send_done);
}

TEST(SimNetwork, ResetsAConnectionWithinItsBudget) {
  Rig rig(1);
  rig.network.faults.resets = 1;
  rig.network.faults.reset_per_mille = 1000;
  start_echo(rig);

  start_talk(rig, "hello");
  rig.world.run_for(1s);

  EXPECT_TRUE(rig.ended);
  EXPECT_EQ(rig.network.faults.resets, 0U);
}

TEST(SimNetwork, AStallEndsInAReset) {
  Rig rig(1);
  rig.network.faults.stalls = 1;
  rig.network.faults.stall_per_mille = 1000;
  start_echo(rig);

  start_talk(rig, "hello");
  rig.world.run_for(10s);

  EXPECT_EQ(rig.echoed, "");
  EXPECT_TRUE(rig.ended);
}

asio::awaitable<void> send_file(Rig& rig, std::shared_ptr<Stream> stream, const storage::File& file, std::size_t size) {
  for (std::size_t sent = 0; sent < size;) {
    const Result<std::size_t> n = stream->send_file(file, sent, size - sent);
    if (n) {
      sent += *n;
    } else {
      EXPECT_EQ(n.error(), Errc::would_block);
      co_await stream->writable();
    }
  }
  co_await stream->writable();
  const Result<std::size_t> past_end = stream->send_file(file, size, 10);
  rig.send_done = past_end && *past_end == 0;
}

asio::awaitable<void> talk_in_files(Rig& rig, const storage::File& file, std::size_t size) {
  Result<std::unique_ptr<Stream>> stream = co_await rig.network.connect(kServer, rig.client_loop());
  const std::shared_ptr<Stream> shared = std::move(*stream);
  asio::co_spawn(rig.client_loop().executor(), send_file(rig, shared, file, size), asio::detached);
  co_await receive(rig, *shared, size);
}

TEST(SimNetwork, SendsFilesAndSaysWhereTheyEnd) {
  Rig rig(4);
  rig.network.faults.socket_buffer_bytes = 3000;
  const std::string text = some_text(50'000);
  Result<std::unique_ptr<storage::File>> file = rig.disk.open("/f", storage::OpenMode::create);
  const std::array<Bytes, 1> part{std::as_bytes(std::span(text))};
  ASSERT_TRUE((*file)->write_at(0, part));
  start_echo(rig);

  asio::co_spawn(rig.client_loop().executor(), talk_in_files(rig, **file, text.size()), asio::detached);
  rig.world.run_for(60s);

  EXPECT_TRUE(rig.send_done);
  EXPECT_TRUE(rig.echoed == text) << rig.echoed.size() << " bytes came back";
}

}  // namespace
}  // namespace tidelog::sim
