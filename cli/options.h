#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidelog::cli {

enum class Format : std::uint8_t { table, json, jsonl, tsv };

/// What every command understands.
struct GlobalOptions {
  std::string brokers = "127.0.0.1:9092";
  std::vector<std::string> client_settings;  ///< KEY=VALUE each, -X.
  Format format = Format::table;
  bool has_format = false;
  bool is_quiet = false;
  bool says_yes = false;
  bool is_dry_run = false;
  std::int64_t timeout_ms = 0;  ///< 0: the client's own defaults.
};

struct ServeOptions {
  std::string config_file;
  std::vector<std::string> overrides;
};

struct TopicOptions {
  std::vector<std::string> names;
  std::int32_t partitions = -1;
  std::int32_t replication_factor = -1;
  std::vector<std::string> configs;  ///< KEY=VALUE each.
  bool shows_internal = false;
  std::vector<std::int32_t> only_partitions;
  std::string before;  ///< Where records are deleted up to.
};

struct ProduceOptions {
  std::string topic;
  std::string codec;
  std::int32_t partition = -1;
  std::string key;
  bool has_key = false;
  std::string key_separator;
  std::vector<std::string> headers;  ///< NAME=VALUE each.
};

struct ConsumeOptions {
  std::string topic;
  std::string offsets;
  std::vector<std::int32_t> partitions;
  std::int64_t count = -1;
  std::string record_format;
  std::string group;
  std::string pattern;  ///< In place of the topic.
  bool follows = false;
  bool is_raw = false;
  bool from_beginning = false;
};

struct ConfigOptions {
  std::string topic;
  std::string broker;  ///< An id, or "all".
  std::string group;
  std::vector<std::string> words;    ///< Keys to get or explain; KEY=VALUE, KEY+=VALUE, KEY-=VALUE to set.
  std::vector<std::string> removed;  ///< Keys to take back.
  bool shows_all = false;
};

struct WireOptions {
  std::string file = "-";
  bool is_hex = false;
  bool is_responses = false;
  std::string api;  ///< A key or a name, of what the responses answer.
  std::int32_t api_version = -1;
  std::int32_t port = 0;  ///< 0: every connection of a capture.
};

struct LogOptions {
  std::string path;
  bool shows_records = false;
};

struct GroupOptions {
  std::vector<std::string> groups;
  std::string group;                ///< Where there is only one.
  std::vector<std::string> topics;  ///< TOPIC or TOPIC:0,2 each.
  std::vector<std::string> states;
  std::vector<std::string> types;
  std::string target;  ///< Where offsets are set to.
  bool is_executed = false;
  bool is_forced = false;
  bool shows_history = false;
};

enum class CommandId : std::uint8_t {
  help,
  version,
  serve,
  topic_list,
  topic_create,
  topic_describe,
  topic_delete,
  topic_alter,
  topic_add_partitions,
  topic_trim,
  produce,
  consume,
  config_docs,
  config_list,
  config_get,
  config_set,
  config_explain,
  errors,
  debug_wire,
  debug_log_dump,
  debug_log_verify,
  doctor,
  group_list,
  group_describe,
  group_lag,
  group_seek,
  group_delete,
  group_delete_offsets,
};

/// A command line, understood.
struct Command {
  CommandId id = CommandId::help;
  std::string path;  ///< "topic create", as in `_command` of JSON output.
  GlobalOptions global;
  ServeOptions serve;
  TopicOptions topic;
  ProduceOptions produce;
  ConsumeOptions consume;
  ConfigOptions config;
  WireOptions wire;
  LogOptions log;
  GroupOptions group;
  std::string error_code;
};

}  // namespace tidelog::cli
