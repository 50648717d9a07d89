#include "tests/fuzz/hostile_broker.h"
#include <tidelog/client.h>

#include <cstdlib>
#include <string>

// Any bytes as what a broker answers to our own client: the first byte says what the client is used for, the second how the broker presents
// itself, the third is for the use; the rest is the script of the broker (hostile_broker.h).
// Properties: the client ends, in time; whatever it hands out can be read; every record sent is told of once.

namespace {

using namespace tidelog;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{20};
constexpr std::size_t kChoiceBytes = 3;
constexpr int kPolls = 10;

void require(bool holds) {
  if (!holds) std::abort();
}

client open_client(bool is_idempotent, bool checks_crcs) {
  config settings;
  settings.set("bootstrap.servers", "127.0.0.1:9092").set("retry.backoff.ms", "1").set("retry.backoff.max.ms", "2");
  settings.set("reconnect.backoff.ms", "1").set("reconnect.backoff.max.ms", "2").set("socket.connection.setup.timeout.ms", "20");
  settings.set("default.api.timeout.ms", "20").set("request.timeout.ms", "20").set("max.block.ms", "20").set("delivery.timeout.ms", "20");
  settings.set("linger.ms", "0").set("fetch.max.wait.ms", "1").set("receive.message.max.bytes", "100000");
  settings.set("auto.offset.reset", "earliest").set("enable.idempotence", is_idempotent ? "true" : "false");
  settings.set("check.crcs", checks_crcs ? "true" : "false");
  result<client> made = client::open(settings);
  require(made.has_value());
  return *std::move(made);
}

unsigned sum_of(bytes_view bytes) {
  unsigned sum = 0;
  for (const char byte : bytes.text()) sum += static_cast<unsigned char>(byte);
  return sum;
}

void read_records(const record_batch& records) {
  unsigned sum = 0;
  for (const record_view& record : records) {
    sum += sum_of(record.key()) + sum_of(record.value());
    for (const header_view& header : record.headers()) sum += sum_of(header.name()) + sum_of(header.value());
    require(record.topic() == "t" && record.partition() == 0);
  }
  require(sum < 0xffffffff);
}

void consume(client& from, std::uint8_t choice) {
  consumer reader = from.make_consumer();
  const offset_spec where[] = {offset_spec::at(0), offset_spec::start(), offset_spec::before_end(5), offset_spec::time(1000)};
  assignment part("t", 0, where[choice & 3U]);
  if ((choice & 4U) != 0) part.until(offset_spec::end());
  if (!reader.assign({part})) return;
  bool is_last = false;
  for (int polls = 0; polls < kPolls && !is_last && !reader.finished(); ++polls) {
    is_last = fuzz::HostileBroker::the_only().is_done();
    const result<record_batch> records = reader.poll(milliseconds(2));
    if (!records) return;
    read_records(*records);
  }
}

void produce(client& to, std::uint8_t choice) {
  const int records = 1 + choice % 5;
  int accepted = 0;
  int told = 0;
  {
    producer writer = to.make_producer();
    for (int i = 0; i < records; ++i) {
      const std::string value(10, 'v');
      const auto on_delivery = [&told](const result<delivery>&) { ++told; };
      if (writer.send(record_ref("t", value).partition(choice >= 128 ? 0 : -1), on_delivery)) ++accepted;
      if ((choice & 8U) != 0) static_cast<void>(writer.flush(kPatience).has_value());
    }
    static_cast<void>(writer.flush(2 * kPatience).has_value());
    static_cast<void>(writer.close(kPatience).has_value());
  }
  require(told == accepted);
}

void administrate(client& with, std::uint8_t choice) {
  admin tool = with.admin();
  const std::vector<std::string> names{"t", "u"};
  switch (choice % 11) {
    case 0: static_cast<void>(tool.describe_cluster().has_value()); break;
    case 1: static_cast<void>(tool.list_topics().has_value()); break;
    case 2: static_cast<void>(tool.describe_topic("t").has_value()); break;
    case 3: static_cast<void>(tool.create_topics({new_topic("t", 1, 1), new_topic("u", 2, 1)}).has_value()); break;
    case 4: static_cast<void>(tool.add_partitions(names, 3).has_value()); break;
    case 5: static_cast<void>(tool.delete_records("t", {{0, 5}, {1, -1}}).has_value()); break;
    case 6: static_cast<void>(tool.delete_topics(names).has_value()); break;
    case 7: static_cast<void>(tool.list_offsets("t", {0, 1}, offset_spec::before_end(5)).has_value()); break;
    case 8: static_cast<void>(tool.describe_configs(config_resource::topic("t")).has_value()); break;
    case 9: static_cast<void>(tool.describe_configs(config_resource::broker(1)).has_value()); break;
    default:
      static_cast<void>(tool.incremental_alter_configs(config_resource::topic("t"), {config_change::remove("x")}).has_value());
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kChoiceBytes) return 0;
  const Bytes script = std::as_bytes(std::span(data, size)).subspan(kChoiceBytes);
  fuzz::HostileBroker::the_only().follow(
      script, {.lists_versions = (data[1] & 128U) == 0, .versions_back = static_cast<std::int16_t>(data[1] & 31U)});
  client used = open_client((data[1] & 64U) == 0, (data[1] & 32U) == 0);
  switch (data[0] % 3) {
    case 0: consume(used, data[2]); break;
    case 1: produce(used, data[2]); break;
    default: administrate(used, data[2]); break;
  }
  return 0;
}
