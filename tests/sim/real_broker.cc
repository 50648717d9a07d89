#include "broker/broker.h"
#include "broker/logging/log.h"
#include "tests/sim/broker_handle.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace tidelog::sim {
namespace {

namespace asio = boost::asio;

/// Shorter and smaller than a user may set, so that members expire, and their log rolls and is compacted, within a short run.
void set_up_groups(broker::BrokerOptions& options) {
  options.offsets_topic_num_partitions = 3;
  options.offsets_commit_timeout_ms = 3000;
  options.group_view_bytes = 2000;
  options.group_initial_rebalance_delay_ms = 50;
  options.group_min_session_timeout_ms = 100;
  options.group_consumer_min_session_timeout_ms = options.group_consumer_session_timeout_ms = 1500;
  options.group_consumer_min_heartbeat_interval_ms = options.group_consumer_heartbeat_interval_ms = 150;
  options.group_consumer_assignment_interval_ms = 100;
  options.log_cleaner_backoff_ms = 200;
  options.log_cleaner_min_cleanable_ratio = 0.01;
}

broker::BrokerOptions options_from(const BrokerSettings& settings, std::size_t shards) {
  broker::BrokerOptions options;
  options.listeners = {"PLAINTEXT://" + settings.listen.host + ":" + std::to_string(settings.listen.port)};
  options.log_dirs = {settings.directory};
  options.log_dirs.insert(options.log_dirs.end(), settings.more_directories.begin(), settings.more_directories.end());
  options.num_partitions = settings.partitions;
  options.shards = static_cast<std::int32_t>(shards);
  // Smaller than a user may set, so that a short run rolls, indexes and recovers often.
  options.log_index_size_max_bytes = settings.index_bytes;
  options.log_index_interval_bytes = settings.index_interval_bytes;
  options.memory_budget_bytes = 64 * 1024 * 1024;
  options.disk_reserve_bytes = 64 * 1024;
  options.journal_bytes = settings.journal_bytes;
  options.socket_request_max_bytes = 4 * 1024 * 1024;
  if (settings.has_groups) set_up_groups(options);
  return options;
}

class RealBroker final : public BrokerHandle {
 public:
  RealBroker(broker::Env& env, const BrokerSettings& settings)
      : env_(env), broker_(env, options_from(settings, env.loops().size()), [this](std::string reason) { failure_ = std::move(reason); }) {}

  void start() override { spawn(run_start()); }
  [[nodiscard]] bool ready() const override { return is_ready_ && failure_.empty(); }
  void stop() override { spawn(run_stop()); }
  [[nodiscard]] bool stopped() const override { return is_stopped_; }
  [[nodiscard]] std::string failure() const override { return failure_; }
  [[nodiscard]] bool has_restored() const override { return broker_.recovery().batches_restored > 0; }

 private:
  void spawn(asio::awaitable<void> task) { asio::co_spawn(env_.loops()[0]->executor(), std::move(task), asio::detached); }

  asio::awaitable<void> run_start() {
    const Result<void, broker::StartError> started = co_await broker_.start();
    if (started) {
      is_ready_ = true;
    } else {
      failure_ = "start: " + started.error().message;
    }
  }
  asio::awaitable<void> run_stop() {
    co_await broker_.stop();
    is_stopped_ = true;
  }

  broker::Env& env_;
  std::string failure_;
  bool is_ready_ = false;
  bool is_stopped_ = false;
  broker::Broker broker_;
};

}  // namespace

BrokerFactory real_broker() {
  return [](broker::Env& env, const BrokerSettings& settings) -> std::unique_ptr<BrokerHandle> {
    broker::configure_logging(settings.log ? broker::LogLevel::info : broker::LogLevel::off, broker::LogFormat::text);
    return std::make_unique<RealBroker>(env, settings);
  };
}

}  // namespace tidelog::sim
