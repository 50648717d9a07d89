// Reads as a member of a group by our client library, until SIGTERM; then it leaves. With enable.auto.commit=false it commits what it has
// read before it reads more.
// What it is told and what it reads are lines on stdout: "assigned TOPIC:PARTITION ...", "revoked ...", "lost ...", "record PARTITION
// VALUE". Usage: group_listener TOPIC[,TOPIC...] KEY=VALUE... with client settings, bootstrap.servers and group.id among them
#include <tidelog/client.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

namespace {

volatile std::sig_atomic_t stopping = 0;

void print(const char* what, const std::vector<tidelog::topic_partition>& partitions) {
  std::string line = what;
  for (const tidelog::topic_partition& each : partitions) line += " " + each.topic() + ":" + std::to_string(each.partition());
  std::puts(line.c_str());
}

int fail(const tidelog::error& why) {
  std::fprintf(stderr, "%s\n", why.message().c_str());
  return 1;
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> all;
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    all.push_back(list.substr(from, comma - from));
    from = comma + 1;
  }
  return all;
}

int read(tidelog::consumer& from, bool commits) {
  while (stopping == 0) {
    const tidelog::result<tidelog::record_batch> batch = from.poll(std::chrono::milliseconds(50));
    if (!batch) return fail(batch.error());
    for (const tidelog::record_view& record : *batch) {
      const std::string value(record.value().text());
      std::printf("record %d %s\n", record.partition(), value.c_str());
    }
    // What was refused is committed with the next records, or read again.
    if (commits && !batch->empty()) (void)from.commit();
  }
  const tidelog::result<void> closed = from.close();
  return closed ? 0 : fail(closed.error());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::signal(SIGTERM, [](int) { stopping = 1; });
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  tidelog::config settings;
  for (int i = 2; i < argc; ++i) {
    const std::string setting = argv[i];
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) return 2;
    settings.set(setting.substr(0, equals), setting.substr(equals + 1));
  }
  tidelog::result<tidelog::client> client = tidelog::client::open(settings);
  if (!client) return fail(client.error());
  tidelog::consumer from = client->make_consumer();
  tidelog::subscription what(split(argv[1]));
  what.on_assigned([](const auto& partitions) { print("assigned", partitions); });
  what.on_revoked([](const auto& partitions) { print("revoked", partitions); });
  what.on_lost([](const auto& partitions) { print("lost", partitions); });
  const tidelog::result<void> subscribed = from.subscribe(what);
  return subscribed ? read(from, settings.get("enable.auto.commit") == "false") : fail(subscribed.error());
}
