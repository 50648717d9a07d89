#include "bench/load/admin.h"

#include "bench/common/die.h"
#include "bench/load/responses.h"

#include <chrono>
#include <string>
#include <thread>

namespace tidelog::bench {
namespace {

constexpr std::int16_t kTopicAlreadyExists = 36;
constexpr int kPolls = 30'000;
constexpr std::chrono::milliseconds kPollPause{2};

}  // namespace

void require_apis(Socket& socket) {
  const std::string missing = missing_apis(socket.call(api_versions_request(0)));
  if (!missing.empty()) die("the broker does not serve:" + missing);
}

void create_topic(Socket& socket, const TopicShape& topic) {
  const std::int16_t code = topic_error(socket.call(create_topic_request(topic, 0)));
  if (code != 0 && code != kTopicAlreadyExists) die("CreateTopics " + topic.name + " failed with error code " + std::to_string(code));
  await_leaders(socket, topic.name, topic.partitions);
}

void delete_topic(Socket& socket, std::string_view topic) {
  const std::int16_t code = topic_error(socket.call(delete_topic_request(topic, 0)));
  if (code != 0) die("DeleteTopics " + std::string(topic) + " failed with error code " + std::to_string(code));
}

void await_leaders(Socket& socket, std::string_view topic, std::int32_t partitions) {
  for (int poll = 0; poll < kPolls; ++poll) {
    if (led_partitions(socket.call(metadata_request(topic, poll))) >= partitions) return;
    std::this_thread::sleep_for(kPollPause);
  }
  die("topic " + std::string(topic) + " has no leaders");
}

}  // namespace tidelog::bench
