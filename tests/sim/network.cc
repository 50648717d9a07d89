#include "tests/sim/network.h"

#include "storage/disk/file_system.h"

#include <algorithm>

namespace tidelog::sim {

using broker::Accepted;
using broker::Endpoint;
using broker::Listener;
using broker::Stream;

namespace {

constexpr std::size_t kFileChunkBytes = 16 * 1024;

class SimStream final : public Stream {
 public:
  SimStream(std::shared_ptr<Link> link, int side) : link_(std::move(link)), side_(side) {}
  ~SimStream() override { link_->close(side_); }

  Result<std::size_t> read(MutableBytes into) override { return link_->read(side_, into); }
  Result<std::size_t> write(std::span<const Bytes> parts) override { return link_->write(side_, parts); }

  Result<std::size_t> send_file(const storage::File& file, std::uint64_t position, std::size_t size_bytes) override {
    const std::size_t room = link_->room(side_);
    // A full or closed stream says which of the two it is when it is written to.
    if (room == 0) return link_->write(side_, {});
    std::vector<std::byte> chunk(std::min({size_bytes, room, kFileChunkBytes}));
    const Result<std::size_t> n = file.read_at(position, chunk);
    if (!n) return n.error();
    if (*n == 0) return std::size_t{0};
    const std::array<Bytes, 1> part{Bytes(chunk).first(*n)};
    return link_->write(side_, part);
  }

  asio::awaitable<void> readable() override { return link_->readable(side_); }
  asio::awaitable<void> writable() override { return link_->writable(side_); }
  void close() override { link_->close(side_); }
  Endpoint local() const override { return link_->end(side_); }
  Endpoint peer() const override { return link_->end(1 - side_); }

 private:
  std::shared_ptr<Link> link_;
  int side_;
};

class SimAccepted final : public Accepted {
 public:
  explicit SimAccepted(std::shared_ptr<Link> link) : link_(std::move(link)) {}
  ~SimAccepted() override {
    if (link_ != nullptr) link_->close(1);
  }
  Endpoint peer() const override { return link_->end(0); }
  std::unique_ptr<Stream> open(broker::Loop& loop) override {
    link_->attach(1, static_cast<SimLoop&>(loop));
    return std::make_unique<SimStream>(std::exchange(link_, nullptr), 1);
  }

 private:
  std::shared_ptr<Link> link_;
};

class SimListener final : public Listener {
 public:
  explicit SimListener(std::shared_ptr<Port> port) : port_(std::move(port)) {}
  ~SimListener() override { close(); }

  asio::awaitable<Result<std::unique_ptr<Accepted>>> accept() override {
    const std::shared_ptr<Port> port = port_;
    while (!port->is_closed && port->backlog.empty()) co_await port->acceptor.wait(*port->loop);
    if (port->is_closed) co_return Errc::closed;
    const std::shared_ptr<Link> link = port->backlog.front();
    port->backlog.pop_front();
    co_return std::unique_ptr<Accepted>(std::make_unique<SimAccepted>(link));
  }
  Endpoint local() const override { return port_->at; }
  void close() override {
    if (std::exchange(port_->is_closed, true)) return;
    for (const std::shared_ptr<Link>& link : std::exchange(port_->backlog, {})) link->reset();
    port_->acceptor.wake();
  }

 private:
  std::shared_ptr<Port> port_;
};

}  // namespace

SimNetwork::SimNetwork(World& world, Dice dice) : world_(world), dice_(dice) {}

Result<std::unique_ptr<Listener>> SimNetwork::listen(const Endpoint& at, broker::Loop& loop) {
  Endpoint bound = at;
  if (bound.host.empty()) bound.host = "node";
  if (bound.port == 0) bound.port = next_free_port_++;
  std::shared_ptr<Port>& port = ports_[bound.port];
  if (port != nullptr && !port->is_closed) return Errc::exists;
  port = std::make_shared<Port>();
  port->at = bound;
  port->loop = &static_cast<SimLoop&>(loop);
  return std::unique_ptr<Listener>(std::make_unique<SimListener>(port));
}

asio::awaitable<Result<std::unique_ptr<Stream>>> SimNetwork::connect(Endpoint to, SimLoop& loop) {
  forget_finished();
  const std::uint64_t number = connections_++;
  const Endpoint from{.host = "client", .port = static_cast<std::uint16_t>(30'000 + number % 30'000)};
  const std::array<Endpoint, 2> ends{from, to};
  const auto link = std::make_shared<Link>(world_, faults, dice_.split(number), ends);
  link->attach(0, loop);
  co_await loop.sleep(link->latency());
  const auto found = ports_.find(to.port);
  if (found == ports_.end() || found->second->is_closed) co_return Errc::refused;
  links_.push_back(link);
  found->second->backlog.push_back(link);
  found->second->acceptor.wake();
  co_return std::unique_ptr<Stream>(std::make_unique<SimStream>(link, 0));
}

void SimNetwork::crash(ProcessId process, bool silently) {
  for (const auto& [number, port] : ports_) {
    if (port->is_closed || port->loop->process() != process) continue;
    port->is_closed = true;
    for (const std::shared_ptr<Link>& link : std::exchange(port->backlog, {})) link->reset();
    port->acceptor.drop();
  }
  // Dropping a coroutine may close streams of its own; none of that adds a link.
  const std::vector<std::shared_ptr<Link>> links = links_;
  for (const std::shared_ptr<Link>& link : links) {
    for (const int side : {0, 1}) {
      if (link->belongs_to(side, process)) link->crash(side, silently);
    }
  }
}

void SimNetwork::cut_off(ProcessId process) {
  for (const std::shared_ptr<Link>& link : links_) {
    if (link->belongs_to(0, process) || link->belongs_to(1, process)) link->stall(faults.longest_stall);
  }
}

void SimNetwork::heal() { faults = {}; }

std::size_t SimNetwork::open_links() const {
  return static_cast<std::size_t>(std::ranges::count_if(links_, [](const auto& link) { return !link->is_over(); }));
}

void SimNetwork::forget_finished() {
  std::erase_if(links_, [](const std::shared_ptr<Link>& link) { return link->is_over(); });
}

}  // namespace tidelog::sim
