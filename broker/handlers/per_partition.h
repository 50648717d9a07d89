#pragma once

#include "broker/handlers/handler.h"
#include "broker/shard/run_on.h"

#include <vector>

namespace tidelog::broker {

/// The part of `ask_owners` that one shard answers, on its loop.
template <class Question, class Ask>
void ask_here(ShardServices& services, const std::vector<Question*>& questions, const Ask& ask) {
  for (Question* question : questions) {
    Partition* partition = services.partitions.find(question->id);
    if (partition == nullptr) {
      question->error = why_absent(services, question->id);
    } else {
      ask(*partition, *question);
    }
  }
}

/// Asks each question on the shard that owns its partition, and returns when all are answered. `Question` has an `id` (a TopicPartition)
/// and an `error`; those with an error already are not asked. `ask(Partition&, Question&)` runs on the owner's loop, one step without a
/// seam. A partition that is not there gets what `why_absent` says.
template <class Question, class Ask>
asio::awaitable<void> ask_owners(HandlerContext context, std::vector<Question>& questions, Ask ask) {
  for (const auto& shard : context.node.shards) {
    std::vector<Question*> here;
    for (Question& question : questions) {
      if (question.error == ErrorCode::none && &context.node.owner_of(question.id) == shard.get()) here.push_back(&question);
    }
    if (here.empty()) continue;
    Job work = [&] { ask_here(*shard, here, ask); };
    co_await run_on(shard->shard.loop(), context.loop(), std::move(work));
  }
}

/// What the client believes about the leader epoch, against what is (KIP-320). -1 skips the check.
inline ErrorCode check_leader_epoch(std::int32_t client, LeaderEpoch ours) {
  if (client < 0 || client == ours.value) return ErrorCode::none;
  return client < ours.value ? ErrorCode::fenced_leader_epoch : ErrorCode::unknown_leader_epoch;
}

/// Finds the partition a client names; an error if there is none.
inline ErrorCode resolve(const Image& image, std::string_view topic, std::int32_t index, TopicPartition& id) {
  const TopicImage* found = image.find_topic(topic);
  if (found == nullptr || index < 0 || static_cast<std::size_t>(index) >= found->partitions.size()) {
    return ErrorCode::unknown_topic_or_partition;
  }
  id = {.topic_id = found->id, .partition = {index}};
  return ErrorCode::none;
}

}  // namespace tidelog::broker
