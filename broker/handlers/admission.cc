#include "broker/handlers/admission.h"

#include "proto/codec/interpreter.h"

namespace tidelog::broker {
namespace {

/// What one element comes to between its bytes and its answer: the greatest of all requests is a partition of a fetch.
constexpr std::size_t kElementBytes = 1024;
/// What so few come to is not worth counting.
constexpr std::size_t kFewElements = 64;

void refuse(Connection& connection, Limit limit, std::string reason) { connection.note_close_reason(std::move(reason), limit); }

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
  return bytes - std::min(bytes, request.body.size());
}

/// What is laid out is not read from anywhere, so unlike a request it may not exceed its pool even alone.
bool fits(std::size_t cost, Shard& shard) { return cost <= shard.response_budget()->limit_bytes(); }

void refuse_for_memory(Connection& connection) {
  refuse(connection, Limit::response_memory_bytes, "there is no memory to answer all it asked for in one request");
}

/// Waits until the budget has room, the client leaves or time is over.
class MemoryWait {
 public:
  explicit MemoryWait(HandlerContext context)
      : context_(context), signal_(context.loop().executor()), deadline_([this] { end(); }), budget_(context.here.shard.response_budget()) {
    const SteadyTime most = std::chrono::milliseconds(2 * std::int64_t{context.node.options.response_write_timeout_ms});
    context_.here.shard.timers().arm_in(deadline_, most);
  }
  MemoryWait(const MemoryWait&) = delete;
  MemoryWait& operator=(const MemoryWait&) = delete;
  ~MemoryWait() { budget_->stop_waiting(signal_); }

  asio::awaitable<bool> take(BudgetShare& share, std::size_t bytes) {
    ClientState& client = context_.connection.client();
    while (!is_over_ && !client.is_leaving) {
      if (share.try_resize(budget_, bytes)) co_return true;
      budget_->notify_when_given(signal_);
      client.waits_on = &signal_;
      co_await signal_.wait();
      client.waits_on = nullptr;
      budget_->stop_waiting(signal_);
    }
    co_return false;
  }

 private:
  void end() {
    is_over_ = true;
    signal_.notify();
  }

  HandlerContext context_;
  Signal signal_;
  Timer deadline_;
  std::shared_ptr<Budget> budget_;
  bool is_over_ = false;
};

}  // namespace

asio::awaitable<bool> admit(HandlerContext context, const Request& request, BudgetShare& share) {
  const std::optional<std::size_t> cost = cost_of(context.node, context.connection, request);
  if (!cost) co_return false;
  if (*cost == 0) co_return true;
  bool taken = false;
  if (fits(*cost, context.here.shard)) {
    taken = share.try_resize(context.here.shard.response_budget(), *cost);
    if (!taken) taken = co_await MemoryWait(context).take(share, *cost);
  }
  if (!taken) refuse_for_memory(context.connection);
  co_return taken;
}

void note_request_too_large(HandlerContext context, std::string_view why) {
  const Endpoint peer = context.connection.peer();
  context.here.shard.limits().hit(Limit::one_request, context.loop().now(), "refused a request from {}:{}: {}", peer.host, peer.port, why);
}

bool admit_now(const Node& node, Connection& connection, const Request& request, BudgetShare& share) {
  const std::optional<std::size_t> cost = cost_of(node, connection, request);
  if (!cost) return false;
  if (*cost == 0) return true;
  if (fits(*cost, connection.shard()) && share.try_resize(connection.shard().response_budget(), *cost)) return true;
  refuse_for_memory(connection);
  return false;
}

}  // namespace tidelog::broker
