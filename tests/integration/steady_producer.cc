// Produces numbered records through librdkafka, idempotently with acks=all, until SIGTERM; then waits for what is under way.
// Each acknowledged record is one line on stdout: "partition offset value". Values are unique and rise within a partition.
// Usage: steady_producer BOOTSTRAP TOPIC PARTITIONS
#include <librdkafka/rdkafka.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

volatile std::sig_atomic_t stopping = 0;

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    std::fprintf(stderr, "not delivered: %s\n", rd_kafka_err2str(message->err));
    return;
  }
  std::printf("%d %lld %.*s\n", message->partition, static_cast<long long>(message->offset), static_cast<int>(message->len),
              static_cast<const char*>(message->payload));
}

void on_error(rd_kafka_t* producer, int error, const char* reason, void*) {
  if (error != RD_KAFKA_RESP_ERR__FATAL) return;  // The broker is away now and then: that is the test.
  char text[512];
  rd_kafka_fatal_error(producer, text, sizeof text);
  std::fprintf(stderr, "fatal: %s (%s)\n", text, reason);
  std::_Exit(3);
}

void set(rd_kafka_conf_t* conf, const char* key, const char* value) {
  char error[256];
  if (rd_kafka_conf_set(conf, key, value, error, sizeof error) == RD_KAFKA_CONF_OK) return;
  std::fprintf(stderr, "%s\n", error);
  std::exit(2);
}

rd_kafka_resp_err_t send(rd_kafka_t* producer, const char* topic, int partition, const std::string& value) {
  return rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                           RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_END);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int partitions = std::atoi(argv[3]);
  std::signal(SIGTERM, [](int) { stopping = 1; });
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", argv[1]);
  set(conf, "enable.idempotence", "true");
  set(conf, "linger.ms", "1");
  set(conf, "message.timeout.ms", "60000");
  set(conf, "reconnect.backoff.ms", "5");
  set(conf, "reconnect.backoff.max.ms", "20");
  set(conf, "retry.backoff.ms", "5");
  set(conf, "queue.buffering.max.messages", "2000");
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  rd_kafka_conf_set_error_cb(conf, on_error);
  rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
  char error[256];
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (producer == nullptr) {
    std::fprintf(stderr, "%s\n", error);
    return 2;
  }
  std::vector<long> next(static_cast<std::size_t>(partitions), 0);
  for (long i = 0; stopping == 0; ++i) {
    const int partition = static_cast<int>(i % partitions);
    const std::string value = "p" + std::to_string(partition) + "-" + std::to_string(next[static_cast<std::size_t>(partition)]);
    if (send(producer, argv[2], partition, value) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      --i;
      rd_kafka_poll(producer, 10);
      continue;
    }
    ++next[static_cast<std::size_t>(partition)];
    rd_kafka_poll(producer, 0);
  }
  const bool flushed = rd_kafka_flush(producer, 60000) == RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_destroy(producer);
  std::fflush(stdout);
  return flushed ? 0 : 1;
}
