#include "broker/shard/shard.h"

#include <algorithm>
#include <utility>

namespace tidelog::broker {

Shard::Shard(Env& env, std::size_t index, ShardMemory memory)
    : env_(env),
      index_(index),
      timers_(loop()),
      budget_(std::make_shared<Budget>(memory.request_bytes)),
      response_budget_(std::make_shared<Budget>(memory.response_bytes)),
      overdraft_(memory.overdraft != nullptr ? std::move(memory.overdraft) : std::make_shared<Overdraft>(memory.response_bytes)),
      key_(memory.key) {}

void Shard::queue(PassStage stage, PassClient& client) {
  client.queued_ = true;
  clients_[static_cast<std::size_t>(stage)].push_back(&client);
  if (!pass_scheduled_) schedule_pass();
}

void Shard::schedule_pass() {
  pass_scheduled_ = true;
  loop().defer([this] { run_pass(); });
}

void Shard::forget(PassClient& client) {
  if (!client.queued_) return;
  for (auto& stage : clients_) std::erase(stage, &client);
  std::replace(running_.begin(), running_.end(), &client, static_cast<PassClient*>(nullptr));
}

void Shard::run_pass() {
  for (auto& stage : clients_) {
    running_.swap(stage);
    // A client may die inside another's turn (`forget` then clears its place), so each is read when its turn comes.
    for (std::size_t i = 0; i < running_.size(); ++i) {
      PassClient* client = running_[i];
      if (client == nullptr) continue;
      client->queued_ = false;
      client->end_of_pass();
    }
    running_.clear();
  }
  // Whoever asked for a stage that was under way or over has it in the next pass.
  pass_scheduled_ = false;
  if (std::ranges::any_of(clients_, [](const auto& stage) { return !stage.empty(); })) schedule_pass();
}

}  // namespace tidelog::broker
