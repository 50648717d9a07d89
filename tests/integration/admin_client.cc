// What operators ask through librdkafka's admin interface, one request a run; prints what the broker said of each item.
// Usage: admin_client BOOTSTRAP create-partitions TOPIC COUNT
//        admin_client BOOTSTRAP delete-records TOPIC PARTITION OFFSET
#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kTimeoutMs = 30'000;

rd_kafka_t* open_client(const char* bootstrap) {
  char error[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, error, sizeof error);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (client == nullptr) std::exit((std::fprintf(stderr, "%s\n", error), 2));
  return client;
}

/// The answer, which must have come.
rd_kafka_event_t* await(rd_kafka_queue_t* queue) {
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kTimeoutMs);
  if (event == nullptr) std::exit((std::fprintf(stderr, "no answer\n"), 3));
  if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    std::fprintf(stderr, "%s: %s\n", rd_kafka_err2name(rd_kafka_event_error(event)), rd_kafka_event_error_string(event));
    std::exit(4);
  }
  return event;
}

void create_partitions(rd_kafka_t* client, rd_kafka_queue_t* queue, const char* topic, const char* count) {
  char error[512];
  rd_kafka_NewPartitions_t* wanted = rd_kafka_NewPartitions_new(topic, static_cast<std::size_t>(std::atoi(count)), error, sizeof error);
  rd_kafka_CreatePartitions(client, &wanted, 1, nullptr, queue);
  rd_kafka_event_t* event = await(queue);
  std::size_t results = 0;
  const rd_kafka_topic_result_t** each = rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &results);
  for (std::size_t i = 0; i < results; ++i) {
    std::printf("%s %s\n", rd_kafka_topic_result_name(each[i]), rd_kafka_err2name(rd_kafka_topic_result_error(each[i])));
  }
  rd_kafka_event_destroy(event);
  rd_kafka_NewPartitions_destroy(wanted);
}

void delete_records(rd_kafka_t* client, rd_kafka_queue_t* queue, const char* topic, const char* partition, const char* offset) {
  rd_kafka_topic_partition_list_t* before = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(before, topic, std::atoi(partition))->offset = std::atoll(offset);
  rd_kafka_DeleteRecords_t* wanted = rd_kafka_DeleteRecords_new(before);
  rd_kafka_DeleteRecords(client, &wanted, 1, nullptr, queue);
  rd_kafka_event_t* event = await(queue);
  const rd_kafka_topic_partition_list_t* results = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
  for (int i = 0; i < results->cnt; ++i) {
    std::printf("%d %s %lld\n", results->elems[i].partition, rd_kafka_err2name(results->elems[i].err),
                static_cast<long long>(results->elems[i].offset));
  }
  rd_kafka_event_destroy(event);
  rd_kafka_DeleteRecords_destroy(wanted);
  rd_kafka_topic_partition_list_destroy(before);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  rd_kafka_t* client = open_client(argv[1]);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  if (std::strcmp(argv[2], "create-partitions") == 0) {
    create_partitions(client, queue, argv[3], argv[4]);
  } else if (std::strcmp(argv[2], "delete-records") == 0 && argc == 6) {
    delete_records(client, queue, argv[3], argv[4], argv[5]);
  } else {
    return 2;
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(client);
  return 0;
}
