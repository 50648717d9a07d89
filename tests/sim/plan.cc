#include "tests/sim/plan.h"

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

PowerLoss draw_loss(Dice& dice) {
  // All of it, none of it, or some of each: each has bugs of its own.
  switch (dice.below(4)) {
    case 0: return {.keep_per_mille = 0, .tear_per_mille = 0};
    case 1: return {.keep_per_mille = 0, .tear_per_mille = 700, .garbage_per_mille = 300};
    default:
      return {.keep_per_mille = dice.between(100, 900), .tear_per_mille = dice.between(0, 600), .garbage_per_mille = dice.between(0, 500)};
  }
}

CrashPlan draw_crash(Dice& dice) {
  CrashPlan crash;
  // Some so soon that recovery itself is hit.
  crash.after = dice.chance(250) ? SteadyTime(dice.below(20'000'000)) : SteadyTime(dice.between(20'000'000, 3'000'000'000));
  const std::uint64_t kind = dice.below(10);
  crash.kind = kind < 1 ? EndKind::stop : kind < 4 ? EndKind::kill : EndKind::power_loss;
  crash.between_changes = dice.chance(500) && crash.kind != EndKind::stop ? dice.between(1, 20) : 0;
  crash.loss = draw_loss(dice);
  crash.down = SteadyTime(dice.below(500'000'000));
  return crash;
}

std::vector<ProducerPlan> draw_producers(Dice dice) {
  std::vector<ProducerPlan> producers(dice.between(1, 3));
  for (std::size_t i = 0; i < producers.size(); ++i) {
    ProducerPlan& plan = producers[i];
    plan.id = static_cast<int>(i);
    plan.is_idempotent = dice.chance(700);
    plan.acks = plan.is_idempotent || dice.chance(700) ? -1 : 1;
    plan.batches = static_cast<int>(dice.between(10, 60));
    plan.most_records = static_cast<int>(dice.between(1, 8));
    plan.most_value_bytes = dice.chance(200) ? 3000 : static_cast<int>(dice.between(0, 300));
    plan.most_in_flight = dice.between(1, 5);
    plan.pause = SteadyTime(dice.chance(300) ? 0 : dice.below(200'000'000));
  }
  return producers;
}

std::vector<ConsumerPlan> draw_consumers(Dice dice) {
  std::vector<ConsumerPlan> consumers(dice.between(0, 2));
  for (std::size_t i = 0; i < consumers.size(); ++i) {
    consumers[i] = {.id = static_cast<int>(i),
                    .max_wait = std::chrono::milliseconds(dice.between(0, 800)),
                    .min_bytes = dice.chance(300) ? static_cast<std::int32_t>(dice.below(5000)) : 1,
                    .partition_max_bytes = static_cast<std::int32_t>(dice.chance(500) ? dice.between(1, 2000) : 64 * 1024),
                    .max_bytes = static_cast<std::int32_t>(dice.chance(500) ? dice.between(1, 5000) : 64 * 1024)};
  }
  return consumers;
}

NetworkFaults draw_network(Dice dice) {
  NetworkFaults faults;
  faults.most_latency_ns = dice.chance(300) ? 20'000'000 : 300'000;
  faults.socket_buffer_bytes = dice.chance(400) ? dice.between(64, 2000) : 64 * 1024;
  if (dice.chance(400)) {
    faults.resets = dice.between(1, 8);
    faults.reset_per_mille = dice.between(2, 40);
  }
  if (dice.chance(250)) {
    faults.stalls = dice.between(1, 3);
    faults.stall_per_mille = dice.between(2, 20);
  }
  return faults;
}

DiskFaults draw_disk(Dice dice) {
  DiskFaults faults;
  faults.write_latency_ns = dice.chance(500) ? 0 : dice.below(200'000);
  faults.sync_latency_ns = dice.below(dice.chance(200) ? 50'000'000 : 3'000'000);
  faults.cold_per_mille = dice.chance(500) ? 0 : dice.below(500);
  return faults;
}

std::string ms(SteadyTime time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(time).count() / 1000.0) + " ms";
}

std::string_view name(EndKind kind) {
  switch (kind) {
    case EndKind::stop: return "stop";
    case EndKind::kill: return "kill";
    case EndKind::power_loss: return "power loss";
  }
  return "?";
}

std::string describe(const CrashPlan& crash) {
  return "after " + ms(crash.after) + ": " + std::string(name(crash.kind)) +
         (crash.between_changes == 0 ? "" : ", before change " + std::to_string(crash.between_changes) + " of the disk") + ", keep " +
         std::to_string(crash.loss.keep_per_mille) + " tear " + std::to_string(crash.loss.tear_per_mille) + " garbage " +
         std::to_string(crash.loss.garbage_per_mille) + " per mille, down " + ms(crash.down) + "\n";
}

}  // namespace

Plan make_plan(std::uint64_t seed) {
  const Dice plan_dice(seed, "plan");
  Dice shape = plan_dice.split("shape"), crashes = plan_dice.split("crashes"), faults = plan_dice.split("faults");
  Plan plan;
  plan.seed = seed;
  plan.shards = shape.between(1, 3);
  plan.partitions = static_cast<int>(shape.between(1, 4));
  plan.index_bytes = static_cast<std::int32_t>(shape.chance(700) ? shape.between(16, 300) : 10'000'000);
  plan.index_interval_bytes = static_cast<std::int32_t>(shape.between(0, 1000));
  plan.skew = {.offset = std::chrono::milliseconds(1'700'000'000'000 + shape.below(1'000'000)),
               .drift_ppm = static_cast<std::int64_t>(shape.below(400)) - 200};
  plan.producers = draw_producers(plan_dice.split("producers"));
  plan.consumers = draw_consumers(plan_dice.split("consumers"));
  for (std::uint64_t left = crashes.between(0, 4); left > 0; --left) plan.crashes.push_back(draw_crash(crashes));
  plan.last = draw_crash(crashes);
  if (plan.last.kind == EndKind::kill) plan.last.kind = EndKind::power_loss;
  plan.last.between_changes = 0;
  plan.last.loss = crashes.chance(700) ? PowerLoss{.keep_per_mille = 0, .tear_per_mille = 0} : plan.last.loss;
  if (faults.chance(200)) {
    plan.full_disk.push_back({.after = SteadyTime(faults.below(2'000'000'000)),
                              .lasts = SteadyTime(faults.below(1'500'000'000)),
                              .bytes_left = faults.below(3000)});
  }
  plan.directory_exists = shape.chance(500);
  plan.network = draw_network(plan_dice.split("network"));
  plan.disk = draw_disk(plan_dice.split("disk"));
  Dice errors = plan_dice.split("disk errors");
  if (errors.chance(150)) {
    plan.disk.sync_errors = 1;
    plan.disk.sync_error_per_mille = errors.between(2, 30);
  }
  if (errors.chance(100)) {
    plan.disk.write_errors = errors.between(1, 3);
    plan.disk.write_error_per_mille = errors.between(2, 20);
  }
  Dice blocking = plan_dice.split("blocking");
  plan.blocking.most_start_ns = blocking.chance(300) ? 30'000'000 : 500'000;
  plan.blocking.most_report_ns = blocking.chance(300) ? 30'000'000 : 500'000;
  plan.has_journal = plan_dice.split("journal").chance(600);
  return plan;
}

std::string to_text(const Plan& plan) {
  std::string text = "seed " + std::to_string(plan.seed) + ": " + std::to_string(plan.shards) + " shards, " +
                     std::to_string(plan.partitions) + " partitions, an index of up to " + std::to_string(plan.index_bytes) +
                     " bytes with an entry every " + std::to_string(plan.index_interval_bytes) + (plan.has_journal ? ", a journal" : "") +
                     (plan.sync_lies ? ", syncs lie" : "") + "\n";
  for (const ProducerPlan& p : plan.producers) {
    text += "producer " + std::to_string(p.id) + (p.is_idempotent ? ": idempotent" : ": plain") + ", acks " + std::to_string(p.acks) +
            ", " + std::to_string(p.batches) + " batches of up to " + std::to_string(p.most_records) + " records of up to " +
            std::to_string(p.most_value_bytes) + " bytes, " + std::to_string(p.most_in_flight) + " in flight, pause up to " + ms(p.pause) +
            "\n";
  }
  for (const ConsumerPlan& c : plan.consumers) {
    text += "consumer " + std::to_string(c.id) + ": waits " + ms(c.max_wait) + " for " + std::to_string(c.min_bytes) +
            " bytes, takes up to " + std::to_string(c.partition_max_bytes) + " a partition\n";
  }
  for (const CrashPlan& crash : plan.crashes) text += "crash " + describe(crash);
  text += "last " + describe(plan.last);
  for (const FullDiskPlan& full : plan.full_disk) {
    text += "disk full after " + ms(full.after) + " for " + ms(full.lasts) + ", " + std::to_string(full.bytes_left) + " bytes left\n";
  }
  text += "disk: up to " + ms(SteadyTime(plan.disk.sync_latency_ns)) + " a sync, " + std::to_string(plan.disk.sync_errors) +
          " failed syncs, " + std::to_string(plan.disk.write_errors) + " failed writes\n";
  text += "network: latency up to " + ms(SteadyTime(plan.network.most_latency_ns)) + ", buffers of " +
          std::to_string(plan.network.socket_buffer_bytes) + " bytes, " + std::to_string(plan.network.resets) + " resets, " +
          std::to_string(plan.network.stalls) + " stalls\n";
  return text;
}

}  // namespace tidelog::sim
