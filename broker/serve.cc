#include "broker/serve.h"

#include "broker/broker.h"
#include "broker/config/load.h"
#include "broker/env/freed_memory.h"
#include "broker/env/posix_env.h"
#include "broker/logging/log.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <span>

namespace tidelog::broker {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

void print_error(const std::string& message, const std::string& hint, const char* code) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  if (!hint.empty()) std::fprintf(stderr, "  hint: %s\n", hint.c_str());
  std::fprintf(stderr, "  code: %s\n", code);
}

/// Every segment and connection is a descriptor; the soft limit is often far below what we may have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// So that nobody outside knows which keys meet in a hash table.
void draw_hash_secret(Random& random) {
  KeyedHash::Secret secret{};
  random.fill(std::as_writable_bytes(std::span(secret)));
  KeyedHash::set_secret(secret);
}

/// sendfile knows no MSG_NOSIGNAL: a client that leaves while records are sent to it would end the whole process.
void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

/// The disk can no longer be believed: end at once, before anything more is acknowledged.
[[noreturn]] void die(const std::string& reason) {
  log_error("{}", reason);
  std::fflush(stderr);
  std::_Exit(kFailed);
}

std::size_t shard_count(const BrokerOptions& options) {
  if (options.shards > 0) return static_cast<std::size_t>(options.shards);
  const std::size_t cores = usable_cores();
  // On two cores a second shard takes from clients and the disk more than it gives.
  return cores <= 2 ? 1 : cores;
}

/// What `start` and `stop` did, told from the first loop to the thread that waits in `serve`.
struct Progress {
  std::promise<Result<void, StartError>> started;
  std::promise<void> asked_to_stop;
  std::promise<void> stopped;
};

asio::awaitable<void> run_start(Broker& broker, Progress& progress) {
  Result<void, StartError> started = co_await broker.start();
  progress.started.set_value(std::move(started));
}

asio::awaitable<void> run_stop(Broker& broker, Progress& progress) {
  co_await broker.stop();
  progress.stopped.set_value();
}

/// The first thread has nothing else to do meanwhile.
void wait_for_stop(Progress& progress, const BrokerOptions& options) {
  constexpr std::chrono::milliseconds kBetweenLooks{200};
  FreedMemory freed(static_cast<std::size_t>(options.memory_budget_bytes) / 2);
  const std::future<void> asked = progress.asked_to_stop.get_future();
  while (asked.wait_for(kBetweenLooks) == std::future_status::timeout) freed.look();
}

int run(PosixEnv& env, const BrokerOptions& options) {
  Broker broker(env, options, [](const std::string& reason) { die(reason); });
  Progress progress;
  Loop& home = *env.loops().front();
  env.on_stop_signal([&progress] { progress.asked_to_stop.set_value(); });
  env.start();
  asio::co_spawn(home.executor(), run_start(broker, progress), asio::detached);
  const Result<void, StartError> started = progress.started.get_future().get();
  if (!started) {
    print_error(started.error().message, started.error().hint, "CANNOT_START");
    env.stop();
    return kFailed;
  }
  std::string where;
  for (const Endpoint& at : broker.listens()) where += (where.empty() ? "" : ", ") + at.host + ":" + std::to_string(at.port);
  log_announcement("tidelog serves on " + where + " with data in " + fmt::format("{}", fmt::join(options.log_dirs, ", ")));
  wait_for_stop(progress, options);
  home.post([&] { asio::co_spawn(home.executor(), run_stop(broker, progress), asio::detached); });
  progress.stopped.get_future().wait();
  env.stop();
  return 0;
}

}  // namespace

int serve(const ServeArguments& arguments) {
  const Result<BrokerOptions, ConfigError> options = load_options(arguments.config_file, arguments.overrides);
  if (!options) {
    print_error(options.error().message, options.error().hint, "INVALID_CONFIG");
    return kUsage;
  }
  configure_logging(options->log_level, options->log_format);
  for (const std::string& notice : load_notices(*options)) log_warn("{}", notice);
  ::umask(077);
  raise_descriptor_limit();
  ignore_broken_pipes();
  PosixEnv env(shard_count(*options), static_cast<std::size_t>(options->blocking_threads));
  draw_hash_secret(env.random());
  return run(env, *options);
}

}  // namespace tidelog::broker
