#include "bench/common/die.h"
#include "bench/common/flags.h"
#include "bench/load/admin.h"
#include "bench/load/fetch_run.h"
#include "bench/load/first_ack.h"
#include "bench/load/held_memory.h"
#include "bench/load/process_stats.h"
#include "bench/load/produce_run.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace tidelog::bench {
namespace {

constexpr double kGigabyte = 1e9;
constexpr double kMegabyte = 1e6;
constexpr double kMicrosecond = 1e3;

constexpr const char* kUsage =
    "tidelog-load produce   --port P [--topic T] [--partitions N] [--together N] [--acks -1|1] [--record-bytes R] [--batch-bytes B]\n"
    "                       [--window W] [--requests N] [--seconds S] [--warmup N] [--broker-pid PID] [--floor] [--label TEXT]\n"
    "tidelog-load fetch     --port P [--topic T] [--partitions N] [--max-bytes B] [--bytes N] [--seconds S] [--check-crc]\n"
    "                       [--broker-pid PID] [--floor] [--label TEXT]\n"
    "tidelog-load create    --port P --topic T [--partitions N] [--config key=value]\n"
    "tidelog-load delete    --port P --topic T\n"
    "tidelog-load await     --port P --topic T [--partitions N]\n"
    "tidelog-load first-ack --port P [--topic T] [--broker-cpu N] [--floor] [--keep] -- COMMAND...\n"
    "tidelog-load stat      --broker-pid PID\n"
    "tidelog-load hold      [--bytes N] [--spare-bytes N]\n"
    "Every measuring command prints one line of JSON and exits with 1 when an answer was wrong.\n";

std::string error_codes_json(const RunResult& result) {
  std::string text;
  for (const auto& [code, count] : result.error_codes) text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ",", code, count);
  return "{" + text + "}";
}

/// What a run is called in its line of JSON.
struct RunName {
  const char* scenario;
  std::string label;
};

void print_result(const RunName& name, const RunResult& result, const ProcessStats& before, const ProcessStats& after) {
  const double cpu = after.cpu_seconds - before.cpu_seconds;
  const auto bytes = static_cast<double>(result.bytes);
  const auto latency_us = [&](double share) { return static_cast<double>(result.latency.quantile(share)) / kMicrosecond; };
  fmt::print(
      R"({{"scenario":"{}","label":"{}","seconds":{:.4f},"requests":{},"records":{},"bytes":{},"requests_per_s":{:.1f},"records_per_s":{:.1f},)"
      R"("mb_per_s":{:.2f},"p50_us":{:.1f},"p99_us":{:.1f},"p999_us":{:.1f},"max_us":{:.1f},"order_errors":{},"error_codes":{},)",
      name.scenario, name.label, result.seconds, result.requests, result.records, result.bytes,
      static_cast<double>(result.requests) / result.seconds, static_cast<double>(result.records) / result.seconds,
      bytes / kMegabyte / result.seconds, latency_us(0.5), latency_us(0.99), latency_us(0.999),
      static_cast<double>(result.latency.max()) / kMicrosecond, result.order_errors, error_codes_json(result));
  fmt::print(
      R"("broker_cpu_s":{:.2f},"broker_user_s":{:.2f},"cpu_s_per_gb":{:.4f},"cpu_us_per_request":{:.3f},"rss_bytes":{},"peak_bytes":{}}})"
      "\n",
      cpu, after.user_seconds - before.user_seconds, bytes > 0 ? cpu / (bytes / kGigabyte) : 0,
      result.requests > 0 ? cpu * 1e6 / static_cast<double>(result.requests) : 0, after.rss_bytes, after.peak_bytes);
}

std::uint16_t port_of(Flags& flags) { return static_cast<std::uint16_t>(flags.number("port", 9092)); }

std::int16_t acks_of(Flags& flags) {
  const std::string text = flags.text("acks", "-1");
  if (text != "-1" && text != "1") die("--acks wants -1 or 1");
  return text == "1" ? 1 : -1;
}

/// How many partitions one request writes to.
std::int32_t together_of(Flags& flags, std::int32_t partitions, bool floor) {
  const auto together = static_cast<std::int32_t>(flags.number("together", 1));
  if (together < 1 || partitions < 1 || partitions % together != 0) die("--together wants a number that divides --partitions");
  if (floor && together > 1) die("the floor answers for one partition: no --together");
  return together;
}

int produce(Flags& flags) {
  const bool floor = flags.has("floor");
  const auto partitions = static_cast<std::int32_t>(flags.number("partitions", 1));
  const ProduceShape shape{.topic = flags.text("topic", "bench"),
                           .partitions = partitions,
                           .together = together_of(flags, partitions, floor),
                           .acks = acks_of(flags),
                           .record_bytes = flags.number("record-bytes", 1024),
                           .batch_bytes = flags.number("batch-bytes", 65536),
                           .window = flags.number("window", 5),
                           .check_offsets = !floor};
  const std::uint64_t requests = flags.number("requests", 10'000);
  const std::uint64_t warmup = flags.number("warmup", 0);
  const std::chrono::duration<double> limit(static_cast<double>(flags.number("seconds", 600)));
  const auto pid = static_cast<pid_t>(flags.number("broker-pid", 0));
  const std::string label = flags.text("label", "");
  Socket socket(port_of(flags));
  flags.finish();
  if (!floor) {
    require_apis(socket);
    await_leaders(socket, shape.topic, shape.partitions);
  }
  ProduceRun run(socket, shape);
  if (warmup > 0 && run.run(warmup, limit).errors() > 0) die("the broker refused produce requests of the warm-up");
  const ProcessStats before = read_process(pid);
  const RunResult result = run.run(requests, limit);
  print_result({.scenario = "produce", .label = label}, result, before, read_process(pid));
  return result.errors() == 0 ? 0 : 1;
}

int fetch(Flags& flags) {
  const FetchShape shape{.topic = flags.text("topic", "bench"),
                         .partitions = static_cast<std::int32_t>(flags.number("partitions", 1)),
                         .max_bytes = static_cast<std::int32_t>(flags.number("max-bytes", 1 << 20)),
                         .floor = flags.has("floor"),
                         .check_crc = flags.has("check-crc")};
  const std::uint64_t bytes = flags.number("bytes", std::uint64_t{1} << 30);
  const std::chrono::duration<double> limit(static_cast<double>(flags.number("seconds", 600)));
  const auto pid = static_cast<pid_t>(flags.number("broker-pid", 0));
  const std::string label = flags.text("label", "");
  Socket socket(port_of(flags));
  flags.finish();
  if (!shape.floor) {
    require_apis(socket);
    await_leaders(socket, shape.topic, shape.partitions);
  }
  FetchRun run(socket, shape);
  const ProcessStats before = read_process(pid);
  const RunResult result = run.run(bytes, limit);
  print_result({.scenario = "fetch", .label = label}, result, before, read_process(pid));
  return result.errors() == 0 ? 0 : 1;
}

int create(Flags& flags) {
  TopicShape topic{.name = flags.text("topic", "bench"), .partitions = static_cast<std::int32_t>(flags.number("partitions", 1))};
  const std::string config = flags.text("config", "");
  if (const std::size_t at = config.find('='); at != std::string::npos)
    topic.configs.emplace_back(config.substr(0, at), config.substr(at + 1));
  Socket socket(port_of(flags));
  flags.finish();
  create_topic(socket, topic);
  return 0;
}

int remove(Flags& flags) {
  const std::string topic = flags.text("topic", "bench");
  Socket socket(port_of(flags));
  flags.finish();
  delete_topic(socket, topic);
  return 0;
}

int await(Flags& flags) {
  const std::string topic = flags.text("topic", "bench");
  const auto partitions = static_cast<std::int32_t>(flags.number("partitions", 1));
  Socket socket(port_of(flags));
  flags.finish();
  await_leaders(socket, topic, partitions);
  return 0;
}

int first_ack(Flags& flags) {
  FirstAckPlan plan{
      .port = port_of(flags), .topic = flags.text("topic", "first-ack"), .floor = flags.has("floor"), .keep = flags.has("keep")};
  if (flags.has("broker-cpu")) plan.broker_cpu = static_cast<int>(flags.number("broker-cpu", 0));
  const std::string label = flags.text("label", "");
  flags.finish();
  const FirstAckTimes times = measure_first_ack(plan, flags.rest());
  fmt::print(R"({{"scenario":"first-ack","label":"{}","connected_ms":{:.2f},"answered_ms":{:.2f},"acked_ms":{:.2f},"pid":{}}})"
             "\n",
             label, times.connected_ms, times.answered_ms, times.acked_ms, times.pid);
  return 0;
}

int stat(Flags& flags) {
  const auto pid = static_cast<pid_t>(flags.number("broker-pid", 0));
  const std::string label = flags.text("label", "");
  flags.finish();
  const ProcessStats stats = read_process(pid);
  fmt::print(R"({{"scenario":"stat","label":"{}","rss_bytes":{},"peak_bytes":{},"threads":{},"cpu_s":{:.2f}}})"
             "\n",
             label, stats.rss_bytes, stats.peak_bytes, stats.threads, stats.cpu_seconds);
  return 0;
}

int hold(Flags& flags) {
  const std::uint64_t bytes = flags.number("bytes", std::uint64_t{3} << 30);
  const std::uint64_t spare_bytes = flags.number("spare-bytes", std::uint64_t{2} << 30);
  flags.finish();
  const HeldMemory memory(bytes, spare_bytes);
  fmt::print(R"({{"scenario":"hold","bytes":{}}})"
             "\n",
             memory.bytes());
  std::fflush(stdout);
  HeldMemory::wait_for_signal();
  return 0;
}

int run_command(const std::string& command, Flags& flags) {
  if (command == "produce") return produce(flags);
  if (command == "fetch") return fetch(flags);
  if (command == "create") return create(flags);
  if (command == "delete") return remove(flags);
  if (command == "await") return await(flags);
  if (command == "first-ack") return first_ack(flags);
  if (command == "stat") return stat(flags);
  if (command == "hold") return hold(flags);
  std::fputs(kUsage, stderr);
  return 2;
}

}  // namespace
}  // namespace tidelog::bench

int main(int argc, char** argv) {
  tidelog::bench::Flags flags(argc, argv, 2);
  return tidelog::bench::run_command(argc > 1 ? argv[1] : "help", flags);
}
