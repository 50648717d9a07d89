#include "bench/load/first_ack.h"

#include "bench/common/die.h"
#include "bench/load/admin.h"
#include "bench/load/produce_run.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace tidelog::bench {
namespace {

constexpr std::chrono::seconds kPatience{60};

pid_t spawn(const FirstAckPlan& plan, const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) die_errno("fork");
  if (pid > 0) return pid;
  if (plan.broker_cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(static_cast<std::size_t>(plan.broker_cpu), &cpus);
    ::sched_setaffinity(0, sizeof cpus, &cpus);
  }
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // stdout is for the figures
  ::execvp(arguments.front(), arguments.data());
  die_errno("exec " + command.front());
}

double ms_since(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

void wait_for_port(std::uint16_t port, Clock::time_point start) {
  for (;;) {
    const int fd = Socket::try_connect(port);
    if (fd >= 0) {
      ::close(fd);
      return;
    }
    if (Clock::now() - start > kPatience) die("the port did not open within a minute");
  }
}

}  // namespace

FirstAckTimes measure_first_ack(const FirstAckPlan& plan, const std::vector<std::string>& command) {
  if (command.empty()) die("first-ack wants a command behind --");
  FirstAckTimes times;
  const Clock::time_point start = Clock::now();
  times.pid = spawn(plan, command);
  wait_for_port(plan.port, start);
  times.connected_ms = ms_since(start);
  Socket socket(plan.port);
  if (!plan.floor) require_apis(socket);
  times.answered_ms = ms_since(start);
  if (!plan.floor) create_topic(socket, {.name = plan.topic});
  ProduceRun run(socket, {.topic = plan.topic, .batch_bytes = 1, .window = 1, .check_offsets = false});
  if (run.run(1, kPatience).errors() > 0) die("the first produce was refused");
  times.acked_ms = ms_since(start);
  if (!plan.keep) {
    ::kill(times.pid, SIGTERM);
    ::waitpid(times.pid, nullptr, 0);
  }
  return times;
}

}  // namespace tidelog::bench
