#include "broker/handlers/admission.h"

#include "proto/codec/interpreter.h"

namespace tidelog::broker {
namespace {

/// What one element comes to between its bytes and its answer: the greatest of all requests is a partition of a fetch.
constexpr std::size_t kElementBytes = 1024;
/// What so few come to is not worth counting.
constexpr std::size_t kFewElements = 64;
/// An answer that comes to so little is laid out and gone before anybody else has a turn.
constexpr std::size_t kLittleAnswerBytes = 64 * 1024;
/// How often one that waits looks for readers that have become slow, and for what other shards gave back.
constexpr SteadyTime kBetweenLooks = std::chrono::milliseconds(100);

void refuse(Connection& connection, Limit limit, std::string reason) { connection.note_close_reason(std::move(reason), limit); }

void refuse_for_memory(Connection& connection) {
  refuse(connection, Limit::response_memory_bytes, "there is no memory to answer all it asked for in one request");
}

/// Bytes to take for the request, or nothing if it is refused.
std::optional<std::size_t> cost_of(const Node& node, Connection& connection, const Request& request) {
  const proto::ApiInfo& api = *proto::find_api(request.header.api_key);
  const auto most = static_cast<std::size_t>(node.options.max_request_elements);
  const Result<std::size_t> elements = proto::count_elements(request.body, request.header.api_version, *api.request, most);
  if (!elements) {
    const bool is_many = elements.error() == Errc::too_large;
    refuse(connection, is_many ? Limit::max_request_elements : Limit::malformed_request,
           is_many ? "it asked for more in one request" : "a request of API key " + std::to_string(api.key) + " could not be read");
    return std::nullopt;
  }
  if (*elements <= kFewElements) return 0;
  // The bytes themselves were paid for when they were read.
  const std::size_t bytes = *elements * kElementBytes;
  const std::size_t cost = bytes - std::min(bytes, request.body.size());
  if (cost <= AnswerMemory::most_bytes(connection.shard())) return cost;
  // What is laid out is not read from anywhere, so unlike a request it may not exceed its pool even alone.
  refuse_for_memory(connection);
  return std::nullopt;
}

bool take_now(Connection& connection, AnswerMemory& memory, std::size_t bytes) {
  Shard& shard = connection.shard();
  if (memory.try_resize(shard, bytes)) return true;
  if (!AnswerMemory::fits_pool(shard, bytes)) return false;
  connection.make_room_for_answer(bytes - std::min(bytes, memory.pooled_bytes()));
  return memory.try_resize(shard, bytes);
}

/// Waits until there is memory, the client leaves or time is over.
class MemoryWait {
 public:
  MemoryWait(const Node& node, Connection& connection)
      : connection_(connection),
        budget_(connection.shard().response_budget()),
        signal_(connection.shard().loop().executor()),
        look_([this] { signal_.notify(); }),
        until_(connection.shard().loop().now() + std::chrono::milliseconds(2 * std::int64_t{node.options.response_write_timeout_ms})) {}
  MemoryWait(const MemoryWait&) = delete;
  MemoryWait& operator=(const MemoryWait&) = delete;
  ~MemoryWait() { budget_->stop_waiting(signal_); }

  asio::awaitable<bool> take(AnswerMemory& memory, std::size_t bytes) {
    Shard& shard = connection_.shard();
    ClientState& client = connection_.client();
    while (!client.is_leaving) {
      if (take_now(connection_, memory, bytes)) co_return true;
      if (shard.loop().now() >= until_) break;
      shard.timers().arm_in(look_, kBetweenLooks);
      budget_->notify_when_given(signal_);
      client.waits_on = &signal_;
      co_await signal_.wait();
      client.waits_on = nullptr;
      budget_->stop_waiting(signal_);
    }
    if (!client.is_leaving) refuse_for_memory(connection_);
    co_return false;
  }

 private:
  Connection& connection_;
  std::shared_ptr<Budget> budget_;
  Signal signal_;
  Timer look_;
  SteadyTime until_;
};

}  // namespace

asio::awaitable<bool> admit(HandlerContext context, const Request& request) {
  Connection& connection = context.connection;
  const std::optional<std::size_t> cost = cost_of(context.node, connection, request);
  if (!cost) co_return false;
  if (*cost == 0 || take_now(connection, connection.laid_out(), *cost)) co_return true;
  co_return co_await MemoryWait(context.node, connection).take(connection.laid_out(), *cost);
}

void note_request_too_large(HandlerContext context, std::string_view why) {
  const Endpoint peer = context.connection.peer();
  context.here.shard.limits().hit(Limit::one_request, context.loop().now(), "refused a request from {}:{}: {}", peer.host, peer.port, why);
}

asio::awaitable<bool> take_for_answer(HandlerContext context, std::size_t bytes) {
  if (bytes <= kLittleAnswerBytes) co_return true;
  Connection& connection = context.connection;
  AnswerMemory& memory = connection.laid_out();
  // What the broker has can be told, however much it is, by one at a time.
  const std::size_t all = std::min(memory.pooled_bytes() + bytes, AnswerMemory::most_bytes(connection.shard()));
  if (take_now(connection, memory, all)) co_return true;
  // Whoever waits with memory in its hands keeps others waiting who would give theirs back.
  if (!memory.is_overdraft()) memory.release();
  co_return co_await MemoryWait(context.node, connection).take(memory, all);
}

Admission admit_now(const Node& node, Connection& connection, const Request& request, AnswerMemory& memory) {
  const std::optional<std::size_t> cost = cost_of(node, connection, request);
  if (!cost) return Admission::refused;
  return *cost == 0 || take_now(connection, memory, *cost) ? Admission::admitted : Admission::lacks_memory;
}

asio::awaitable<bool> admit_later(const Node& node, Connection& connection, const Request& request, AnswerMemory& memory) {
  const std::optional<std::size_t> cost = cost_of(node, connection, request);
  if (!cost) co_return false;
  co_return co_await MemoryWait(node, connection).take(memory, *cost);
}

}  // namespace tidelog::broker
