#include "client/admin/delete_records.h"

#include "proto/error_code.h"
#include "proto/messages/delete_records_request.h"
#include "proto/messages/delete_records_response.h"

#include <algorithm>
#include <map>
#include <optional>

namespace tidelog::core {
namespace {

using Message = proto::DeleteRecordsRequest;

/// What is asked of one partition, and what came of it.
struct Cut {
  std::int32_t partition;
  std::int64_t before;
  std::optional<result<std::int64_t>> outcome;
};

class Deletion {
 public:
  Deletion(ClientCore& core, const std::string& topic, TimePoint deadline) : core_(core), topic_(topic), deadline_(deadline) {}

  void add(std::int32_t partition, std::int64_t before) { cuts_.push_back({.partition = partition, .before = before, .outcome = {}}); }
  /// One pass over what has no outcome yet; a failure that may pass is returned, for another try.
  result<void> ask_all();
  std::vector<partition_result> finish(const result<void>& last);

 private:
  [[nodiscard]] error failed(int code, std::int32_t partition) const {
    const std::string what = "cannot delete records of \"" + topic_ + "\" partition " + std::to_string(partition);
    return error::from_kafka(code, what).set_topic(topic_, partition);
  }
  result<void> ask_leader(std::int32_t leader, const std::vector<Cut*>& cuts);
  /// The failure that may pass, if there is one.
  std::optional<error> take_answer(const proto::DeleteRecordsResponse& answer, const std::vector<Cut*>& asked);

  ClientCore& core_;
  const std::string& topic_;
  TimePoint deadline_;
  std::vector<Cut> cuts_;
};

std::optional<error> Deletion::take_answer(const proto::DeleteRecordsResponse& answer, const std::vector<Cut*>& asked) {
  std::optional<error> may_pass;
  for (const auto& topic : answer.topics) {
    if (topic.name != topic_) continue;
    for (const auto& partition : topic.partitions) {
      const auto cut =
          std::find_if(asked.begin(), asked.end(), [&](const Cut* each) { return each->partition == partition.partition_index; });
      if (cut == asked.end()) continue;
      if (partition.error_code == 0) {
        (*cut)->outcome = partition.low_watermark;
        continue;
      }
      error why = failed(partition.error_code, partition.partition_index);
      if (why.retriable()) {
        may_pass = std::move(why);
      } else {
        (*cut)->outcome = std::move(why);
      }
    }
  }
  return may_pass;
}

result<void> Deletion::ask_leader(std::int32_t leader, const std::vector<Cut*>& cuts) {
  std::vector<Message::DeleteRecordsPartition> partitions;
  for (const Cut* cut : cuts) partitions.push_back({.partition_index = cut->partition, .offset = cut->before});
  Message::DeleteRecordsTopic topic;
  topic.name = topic_;
  topic.partitions = partitions;
  Message message;
  message.topics = std::span<const Message::DeleteRecordsTopic>(&topic, 1);
  message.timeout_ms = static_cast<std::int32_t>(core_.settings().request_timeout.count());
  const auto reply = core_.call<proto::DeleteRecordsResponse>(Target::node(leader), message, deadline_);
  if (!reply) return reply.error();
  if (const std::optional<error> may_pass = take_answer(reply->message, cuts)) return *may_pass;
  return {};
}

result<void> Deletion::ask_all() {
  const std::shared_ptr<const Metadata> metadata = core_.cluster().metadata();
  std::map<std::int32_t, std::vector<Cut*>> by_leader;
  for (Cut& cut : cuts_) {
    if (cut.outcome) continue;
    const std::int32_t leader = metadata->leader_of(topic_, cut.partition);
    if (leader < 0) return failed(static_cast<int>(ErrorCode::leader_not_available), cut.partition);
    by_leader[leader].push_back(&cut);
  }
  for (const auto& [leader, cuts] : by_leader) {
    if (result<void> asked = ask_leader(leader, cuts); !asked) return asked;
  }
  return {};
}

std::vector<partition_result> Deletion::finish(const result<void>& last) {
  std::vector<partition_result> results;
  for (Cut& cut : cuts_) {
    if (!cut.outcome && !last) cut.outcome = last.error();
    if (!cut.outcome) cut.outcome = error(errc::bad_answer, "the broker's answer leaves out partition " + std::to_string(cut.partition));
    results.emplace_back(cut.partition, *std::move(cut.outcome));
  }
  return results;
}

}  // namespace

result<std::vector<partition_result>> delete_records(ClientCore& core, const std::string& topic,
                                                     const std::vector<std::pair<std::int32_t, std::int64_t>>& before, TimePoint deadline) {
  if (const auto known = core.find_topic(topic, false, deadline); !known) return known.error();
  Deletion deletion(core, topic, deadline);
  for (const auto& [partition, offset] : before) deletion.add(partition, offset);
  bool is_first = true;
  const result<void> done = core.retry<void>(deadline, [&]() -> result<void> {
    if (!std::exchange(is_first, false)) {
      if (const auto fresh = core.fetch_metadata(std::vector{topic}, false, deadline); !fresh) return fresh.error();
    }
    return deletion.ask_all();
  });
  return deletion.finish(done);
}

}  // namespace tidelog::core
