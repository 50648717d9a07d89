#include "cli/command_line.h"

#include "cli/failure.h"
#include "client/text/edit_distance.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

namespace tidelog::cli {
namespace {

/// Options without a group are hidden: spellings that pasted commands of other tools use.
constexpr const char* kHidden = "";

const std::map<std::string, Format> kFormats{
    {"table", Format::table}, {"json", Format::json}, {"jsonl", Format::jsonl}, {"tsv", Format::tsv}};

/// A number option's limits, with an error that people can read.
CLI::Validator between(std::int64_t low, std::int64_t high = 2'147'483'647) {
  return {[low, high](std::string& text) -> std::string {
            std::int64_t number = 0;
            const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
            const bool is_number = failed == std::errc{} && end == text.data() + text.size();
            return is_number && number >= low && number <= high
                       ? ""
                       : "\"" + text + "\" is not a number from " + std::to_string(low) + " to " + std::to_string(high);
          },
          ""};
}

CLI::Validator format_name() {
  return {[](std::string& text) -> std::string {
            const auto known = kFormats.find(text);
            if (known == kFormats.end()) return "\"" + text + "\" is none of table, json, jsonl, tsv";
            text = std::to_string(static_cast<int>(known->second));
            return "";
          },
          ""};
}

/// As Kafka names them; brokers take them in any case.
constexpr std::string_view kGroupStates = "Stable, Empty, PreparingRebalance, CompletingRebalance, Assigning, Reconciling, NotReady, Dead";
constexpr std::string_view kGroupTypes = "classic, consumer, share, streams";

/// One of `names`, in any case: a filter that is spelled wrong would look as if there were nothing.
CLI::Validator one_of(std::string_view names) {
  return {[names](std::string& text) -> std::string {
            const auto is_same_letter = [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); };
            for (std::string_view rest = names; !rest.empty();) {
              const std::size_t end = std::min(rest.find(", "), rest.size());
              if (std::ranges::equal(rest.substr(0, end), text, is_same_letter)) return "";
              rest.remove_prefix(std::min(end + 2, rest.size()));
            }
            return "\"" + text + "\" is none of " + std::string(names);
          },
          ""};
}

/// "1500", "1500ms", "10s" or "2m", brought to milliseconds.
CLI::Validator duration() {
  static const std::map<std::string, std::int64_t, std::less<>> kUnits{{"", 1}, {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
  return {[](std::string& text) -> std::string {
            std::int64_t number = 0;
            const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
            const auto unit = kUnits.find(std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)));
            const bool is_read = failed == std::errc{} && unit != kUnits.end();
            if (!is_read || number < 1 || number > 2'147'483'647 / unit->second)
              return "\"" + text + "\" is no time such as 1500ms, 10s or 2m";
            text = std::to_string(number * unit->second);
            return "";
          },
          ""};
}

/// The parser with everything it fills in.
class Parser {
 public:
  Parser();
  std::variant<Command, ParseStop> parse(int count, const char* const* words);

 private:
  CLI::App* add(CLI::App& parent, CommandId id, const std::string& name, const std::string& doc);
  CLI::App* add_network(CLI::App& parent, CommandId id, const std::string& name, const std::string& doc);
  void add_format(CLI::App& app);
  void add_topic_commands();
  void add_config_commands();
  void add_topic_changes(CLI::App& topic);
  void add_produce();
  void add_consume();
  void add_group_commands();
  void add_group_changes(CLI::App& group);
  void add_doctor();
  void add_debug_commands();
  void add_other_commands();
  [[nodiscard]] CLI::App& deepest();
  /// "topic create": how the command is spelled behind the program's name.
  [[nodiscard]] static std::string path_of(const CLI::App& app);
  [[nodiscard]] static std::string help_for(const CLI::App& app) {
    return "tidelog " + path_of(app) + (app.get_parent() == nullptr ? "" : " ") + "--help";
  }
  [[nodiscard]] ParseStop explain(const CLI::ParseError& why);
  [[nodiscard]] ParseStop explain_extra(const std::string& word);

  CLI::App app_{"Tidelog: a clustered log broker that speaks Kafka's protocol", "tidelog"};
  Command command_;
  bool wants_version_ = false;
  std::map<CLI::App*, CommandId> ids_;
};

CLI::App* Parser::add(CLI::App& parent, CommandId id, const std::string& name, const std::string& doc) {
  CLI::App* app = parent.add_subcommand(name, doc);
  app->set_help_flag("-h,--help", "Print this help");
  ids_[app] = id;
  return app;
}

void Parser::add_format(CLI::App& app) {
  app.add_option("--format", command_.global.format, "table, json, jsonl or tsv")
      ->transform(format_name())
      ->each([this](const std::string&) { command_.global.has_format = true; })
      ->type_name("FORMAT");
  app.add_flag("-q,--quiet", command_.global.is_quiet, "No summary and no progress");
}

CLI::App* Parser::add_network(CLI::App& parent, CommandId id, const std::string& name, const std::string& doc) {
  CLI::App* app = add(parent, id, name, doc);
  GlobalOptions& global = command_.global;
  app->add_option("-b,--brokers", global.brokers, "Where to find the cluster")
      ->envname("TIDELOG_BROKERS")
      ->capture_default_str()
      ->type_name("HOST:PORT,...");
  app->add_option("--bootstrap-server", global.brokers)->group(kHidden);
  app->add_option("-X", global.client_settings, "A client setting, under Kafka's or librdkafka's name")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app->add_option("--timeout", global.timeout_ms, "Give up after this long: 1500ms, 10s, 2m; a bare number is milliseconds")
      ->transform(duration())
      ->type_name("TIME");
  add_format(*app);
  return app;
}

void Parser::add_topic_commands() {
  CLI::App* topic = app_.add_subcommand("topic", "List, create, describe, alter and delete topics");
  topic->require_subcommand(1);
  TopicOptions& options = command_.topic;
  CLI::App* list = add_network(*topic, CommandId::topic_list, "list", "Topics with their partitions and replicas");
  list->add_flag("--internal", options.shows_internal, "Internal topics too");

  CLI::App* create = add_network(*topic, CommandId::topic_create, "create", "Create topics");
  create->add_option("name", options.names, "Names of the topics")->type_name("NAME");
  create->add_option("--topic", options.names)->group(kHidden);
  create->add_option("--partitions,-p", options.partitions, "How many partitions; by default the broker decides")
      ->check(between(1))
      ->type_name("N");
  create->add_option("--replication-factor,-r", options.replication_factor, "Replicas of each; by default the broker decides")
      ->check(between(1, 32'767))
      ->type_name("R");
  create->add_option("--config,-c", options.configs, "A topic config")->type_name("KEY=VALUE")->allow_extra_args(false);
  create->add_flag("--dry-run", command_.global.is_dry_run, "Only ask the broker whether it would");

  CLI::App* describe = add_network(*topic, CommandId::topic_describe, "describe", "Partitions of topics: leader, replicas, offsets");
  describe->add_option("name", options.names, "Names of the topics")->type_name("NAME");
  describe->add_option("--topic", options.names)->group(kHidden);

  CLI::App* alter = add_network(*topic, CommandId::topic_alter, "alter", "Change settings of topics");
  alter->add_option("name", options.names, "Names of the topics")->type_name("NAME");
  alter->add_option("--topic", options.names)->group(kHidden);
  alter->add_option("--config,-c", options.configs, "A topic config; += and -= for lists")->type_name("KEY=VALUE")->allow_extra_args(false);
  alter->add_option("-d,--delete", command_.config.removed, "Take a config back to its default")->type_name("KEY")->allow_extra_args(false);
  alter->add_flag("--dry-run", command_.global.is_dry_run, "Only ask the broker whether it would");
  add_topic_changes(*topic);

  CLI::App* remove = add_network(*topic, CommandId::topic_delete, "delete", "Delete topics and all that is in them");
  remove->add_option("name", options.names, "Names of the topics")->type_name("NAME");
  remove->add_option("--topic", options.names)->group(kHidden);
  remove->add_flag("-y,--yes", command_.global.says_yes, "Do not ask");
  remove->add_flag("--dry-run", command_.global.is_dry_run, "Only show what would be deleted");
}

void Parser::add_config_commands() {
  CLI::App* config = app_.add_subcommand("config", "Read, change and explain settings");
  config->require_subcommand(1);
  ConfigOptions& options = command_.config;
  const auto add_resource = [&options](CLI::App& app) {
    app.add_option("-t,--topic", options.topic, "Of this topic")->type_name("NAME");
    app.add_option("--broker", options.broker, "Of this broker; `all`: what every broker follows")->type_name("ID");
    app.add_option("-g,--group", options.group, "Of this group")->type_name("NAME");
  };
  CLI::App* get = add_network(*config, CommandId::config_get, "get", "Settings in force: those that somebody made, or the keys named");
  get->add_option("key", options.words, "Keys")->type_name("KEY");
  add_resource(*get);
  get->add_flag("-a,--all", options.shows_all, "Defaults too");

  CLI::App* set = add_network(*config, CommandId::config_set, "set", "Change settings while everything runs");
  set->add_option("change", options.words, "KEY=VALUE sets; KEY+=VALUE and KEY-=VALUE add to a list and take from it")->type_name("CHANGE");
  add_resource(*set);
  set->add_option("-d,--delete", options.removed, "Take a key back to its default")->type_name("KEY")->allow_extra_args(false);
  set->add_flag("--dry-run", command_.global.is_dry_run, "Only ask the broker whether it would");

  CLI::App* explain = add(*config, CommandId::config_explain, "explain", "What keys mean, and how they may change");
  explain->add_option("key", options.words, "Keys")->type_name("KEY");
  add_format(*explain);
  add(*config, CommandId::config_docs, "docs", "All options, as the Markdown of docs/configuration.md");
  add_format(*add(*config, CommandId::config_list, "list", "Broker options with their defaults"));
}

void Parser::add_topic_changes(CLI::App& topic) {
  TopicOptions& options = command_.topic;
  CLI::App* grow = add_network(topic, CommandId::topic_add_partitions, "add-partitions", "Give topics more partitions");
  grow->add_option("name", options.names, "Names of the topics")->type_name("NAME");
  grow->add_option("--topic", options.names)->group(kHidden);
  grow->add_option("--partitions,-p", options.partitions, "How many there shall be in all; keys map to other partitions then")
      ->check(between(1))
      ->type_name("N");
  grow->add_flag("--dry-run", command_.global.is_dry_run, "Only ask the broker whether it would");

  CLI::App* trim = add_network(topic, CommandId::topic_trim, "trim", "Delete the oldest records of a topic");
  trim->add_option("name", options.names, "The topic")->type_name("NAME");
  trim->add_option("--topic", options.names)->group(kHidden);
  trim->add_option("-p,--partition", options.only_partitions, "Only these partitions")
      ->delimiter(',')
      ->check(between(0))
      ->type_name("N,...")
      ->allow_extra_args(false);
  trim->add_option("--before", options.before,
                   "Up to here, exclusive: an offset, -N (keep the last N), @MS or @-2h (older than), end (all)")
      ->type_name("OFFSET|TIME");
  trim->add_flag("-y,--yes", command_.global.says_yes, "Do not ask");
  trim->add_flag("--dry-run", command_.global.is_dry_run, "Only show what would be deleted");
}

void Parser::add_produce() {
  ProduceOptions& options = command_.produce;
  CLI::App* produce = add_network(app_, CommandId::produce, "produce", "Write the lines of standard input as records, byte for byte");
  produce->add_option("topic", options.topic, "Where to write")->type_name("TOPIC");
  produce->add_option("--topic", options.topic)->group(kHidden);
  produce->add_option("-z,--compression", options.codec, "none, gzip, snappy, lz4 or zstd")->type_name("CODEC");
  produce->add_option("-p,--partition", options.partition, "The partition; by default the records are spread")
      ->check(between(0))
      ->type_name("N");
  produce->add_option("-k,--key", options.key, "The key of every record")
      ->each([&options](const std::string&) { options.has_key = true; })
      ->type_name("KEY");
  produce->add_option("-K,--key-separator", options.key_separator, "What stands between key and value in a line")->type_name("SEP");
  produce->add_option("-H,--header", options.headers, "A header of every record")->type_name("NAME=VALUE")->allow_extra_args(false);
}

void Parser::add_consume() {
  ConsumeOptions& options = command_.consume;
  CLI::App* consume =
      add_network(app_, CommandId::consume, "consume", "Write what is in a topic to standard output, a line a record, then end");
  consume->add_option("topic", options.topic, "What to read")->type_name("TOPIC");
  consume->add_option("--topic", options.topic)->group(kHidden);
  consume->add_option("-o,--offset", options.offsets, "FROM or FROM:UNTIL, each start, end, N, -N (before the end), @MS or @-2h (by time)")
      ->type_name("RANGE");
  consume->add_flag("--from-beginning", options.from_beginning)->group(kHidden);
  consume->add_option("-p,--partition", options.partitions, "Only these partitions")
      ->delimiter(',')
      ->check(between(0))
      ->type_name("N,...")
      ->allow_extra_args(false);
  consume->add_option("-n,--count", options.count, "End after this many records")->check(between(0))->type_name("COUNT");
  consume->add_flag("-F,--follow", options.follows, "Do not end: wait for more");
  consume
      ->add_option("-f,--record-format", options.record_format,
                   "%t topic %p partition %o offset %T time %k key %s value %h headers, \\n \\t")
      ->type_name("TEXT");
  consume->add_flag("--raw", options.is_raw, "Each value as it is, and a line feed");
  consume
      ->add_option("-g,--group", options.group,
                   "Read as a member of this group: what it gives us, from where it has got to, and commit what was written")
      ->type_name("GROUP");
  consume
      ->add_option("--pattern", options.pattern,
                   "With --group, in place of TOPIC: every topic whose whole name matches, such as 'logs-.*' (RE2's syntax)")
      ->type_name("REGEX");
}

void Parser::add_group_commands() {
  CLI::App* group = app_.add_subcommand("group", "List, describe, move and delete consumer groups");
  group->require_subcommand(1);
  GroupOptions& options = command_.group;
  CLI::App* list = add_network(*group, CommandId::group_list, "list", "Groups with their state, and the broker that takes care of each");
  list->add_option("--state", options.states, "Only in these states: " + std::string(kGroupStates))
      ->delimiter(',')
      ->check(one_of(kGroupStates))
      ->type_name("STATE,...")
      ->allow_extra_args(false);
  list->add_option("--type", options.types, "Only of these types: " + std::string(kGroupTypes))
      ->delimiter(',')
      ->check(one_of(kGroupTypes))
      ->type_name("TYPE,...")
      ->allow_extra_args(false);
  CLI::App* describe = add_network(*group, CommandId::group_describe, "describe", "Members of groups, and what each of them reads");
  describe->add_option("group", options.groups, "Names of the groups")->type_name("GROUP");
  describe->add_option("--group", options.groups)->group(kHidden);
  describe->add_flag("--history", options.shows_history,
                     "Instead: why they rebalanced lately. Who joined, left, timed out or was fenced, what changed, and the generation or "
                     "epoch it led to");
  CLI::App* lag = add_network(*group, CommandId::group_lag, "lag",
                              "How many records groups are behind, and how old the first of them is, by partition");
  lag->add_option("group", options.groups, "Names of the groups")->type_name("GROUP");
  lag->add_option("--group", options.groups)->group(kHidden);
  add_group_changes(*group);
}

void Parser::add_group_changes(CLI::App& group) {
  GroupOptions& options = command_.group;
  CLI::App* seek =
      add_network(group, CommandId::group_seek, "seek", "Set where a group goes on; shows what would change, without --execute");
  seek->add_option("group", options.group, "The group")->type_name("GROUP");
  seek->add_option("--group", options.group)->group(kHidden);
  seek->add_option("--to", options.target,
                   "earliest, latest, an offset, @MS or @-2h (by time), +N or -N (from where it is), group:NAME (where that one is)")
      ->type_name("WHERE");
  seek->add_option("-t,--topic", options.topics, "Only this topic, or these partitions of it; by default all that the group has committed")
      ->type_name("TOPIC[:N,...]")
      ->allow_extra_args(false);
  seek->add_flag("--execute", options.is_executed, "Do it");
  seek->add_flag("--force", options.is_forced, "Even if it has members: they are taken out, and begin there when they come back");

  CLI::App* remove = add_network(group, CommandId::group_delete, "delete", "Delete groups without members, and what they have committed");
  remove->add_option("group", options.groups, "Names of the groups")->type_name("GROUP");
  remove->add_option("--group", options.groups)->group(kHidden);
  remove->add_flag("-y,--yes", command_.global.says_yes, "Do not ask");
  remove->add_flag("--dry-run", command_.global.is_dry_run, "Only show what would be deleted");

  CLI::App* forget = add_network(group, CommandId::group_delete_offsets, "delete-offsets", "Forget what a group has committed for topics");
  forget->add_option("group", options.group, "The group")->type_name("GROUP");
  forget->add_option("topic", options.topics, "A topic, or partitions of it")->type_name("TOPIC[:N,...]");
  forget->add_flag("-y,--yes", command_.global.says_yes, "Do not ask");
  forget->add_flag("--dry-run", command_.global.is_dry_run, "Only show what would be deleted");
}

void Parser::add_doctor() {
  CLI::App* doctor = add(app_, CommandId::doctor, "doctor",
                         "Say why clients cannot connect: dials every address a cluster is reached by, and looks at its health");
  GlobalOptions& global = command_.global;
  doctor->add_option("-b,--brokers", global.brokers, "Where clients find the cluster")
      ->envname("TIDELOG_BROKERS")
      ->capture_default_str()
      ->type_name("HOST[:PORT],...");
  doctor->add_option("--bootstrap-server", global.brokers)->group(kHidden);
  doctor->add_option("--timeout", global.timeout_ms, "How long one step may take (5s): looking up a name, connecting, an answer")
      ->transform(duration())
      ->type_name("TIME");
  add_format(*doctor);
}

void Parser::add_debug_commands() {
  CLI::App* debug = app_.add_subcommand("debug", "Look behind the scenes");
  debug->require_subcommand(1);
  WireOptions& options = command_.wire;
  CLI::App* wire = add(*debug, CommandId::debug_wire, "wire",
                       "Print Kafka frames, field by field: from a capture (pcap, pcapng), or the bytes one side of a connection sent");
  wire->add_option("file", options.file, "What to read; - is standard input")->capture_default_str()->type_name("FILE");
  wire->add_flag("--hex", options.is_hex, "The bytes are written as hex digits");
  wire->add_flag("--responses", options.is_responses, "The bytes are responses; of a capture it is known which are");
  wire->add_option("--api-key", options.api, "What the responses answer, by number or name")->type_name("KEY");
  wire->add_option("--api-version", options.api_version, "In which version")->check(between(0, 32'767))->type_name("N");
  wire->add_option("--port", options.port, "Of a capture only connections of this port")->check(between(1, 65'535))->type_name("PORT");
  add_format(*wire);

  LogOptions& log = command_.log;
  CLI::App* dump = add(*debug, CommandId::debug_log_dump, "log-dump",
                       "Print what is in the files of a log: batches, indexes, checkpoints. Only reads, also beside a running broker");
  dump->add_option("path", log.path, "A file, or a directory TOPIC-PARTITION")->type_name("FILE|DIR");
  dump->add_flag("-r,--records", log.shows_records, "Of each batch its records, too");
  add_format(*dump);
  CLI::App* verify = add(*debug, CommandId::debug_log_verify, "log-verify",
                         "Check every byte of logs: ends with 0 if all is whole, with 1 if not. Only reads, also beside a running broker");
  verify->add_option("path", log.path, "A broker's log.dirs, or one TOPIC-PARTITION in it")->type_name("DIR");
  add_format(*verify);
}

void Parser::add_other_commands() {
  CLI::App* serve = add(app_, CommandId::serve, "serve", "Run a broker in the foreground");
  serve->add_option("-c,--config", command_.serve.config_file, "A properties file")->type_name("FILE");
  serve->add_option("-o,--option", command_.serve.overrides, "A broker option, over what the file says")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);

  CLI::App* errors = add(app_, CommandId::errors, "errors", "What an error code means");
  errors->add_option("code", command_.error_code, "A number or name; none lists all")->type_name("CODE");
  add_format(*errors);
  add_format(*add(app_, CommandId::version, "version", "Print the version"));
}

Parser::Parser() {
  app_.set_help_flag("-h,--help", "Print this help");
  app_.add_flag("-V,--version", wants_version_, "Print the version");
  app_.require_subcommand(1);
  // An unknown word is judged below, where the nearest known one can be named.
  app_.allow_extras(false);
  add_other_commands();
  add_topic_commands();
  add_config_commands();
  add_produce();
  add_consume();
  add_group_commands();
  add_doctor();
  add_debug_commands();
}

CLI::App& Parser::deepest() {
  CLI::App* app = &app_;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

std::string Parser::path_of(const CLI::App& app) {
  if (app.get_parent() == nullptr) return {};
  const std::string above = path_of(*app.get_parent());
  return above.empty() ? app.get_name() : above + " " + app.get_name();
}

ParseStop Parser::explain_extra(const std::string& word) {
  CLI::App& app = deepest();
  const bool is_option = word.size() > 1 && word.starts_with('-');
  std::vector<std::string> names;
  if (is_option) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  } else {
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
  }
  const std::string at = app.get_parent() == nullptr ? "" : " of \"" + path_of(app) + "\"";
  const std::string typed = word.substr(0, word.find('='));
  ParseStop stop{.exit_code = kUsage, .help = {}, .message = {}, .hint = {}, .global = command_.global};
  if (is_option)
    stop.message = "unknown option \"" + typed + "\"" + at;
  else if (names.empty())
    stop.message = "\"" + word + "\" is one word too many" + at;
  else
    stop.message = "unknown command \"" + word + "\"" + at;
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string_view near = core::closest_word(typed, views);
  stop.hint = near.empty() ? help_for(app) : "did you mean \"" + std::string(near) + "\"?";
  return stop;
}

ParseStop Parser::explain(const CLI::ParseError& why) {
  ParseStop stop{.exit_code = kUsage, .help = {}, .message = why.what(), .hint = {}, .global = command_.global};
  if (dynamic_cast<const CLI::CallForHelp*>(&why) != nullptr) {
    stop.exit_code = kOk;
    stop.message.clear();
    stop.help = app_.help();  // Goes down to the command that was named.
    return stop;
  }
  const std::vector<std::string> extra = app_.remaining(true);
  if (!extra.empty()) return explain_extra(extra.front());
  CLI::App& app = deepest();
  const bool wants_command = dynamic_cast<const CLI::RequiredError*>(&why) != nullptr && app.get_require_subcommand_min() > 0;
  if (wants_command) {
    std::string names;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
      names += (names.empty() ? "" : ", ") + sub->get_name();
    stop.message = "which command" + (app.get_parent() == nullptr ? std::string() : " of \"" + path_of(app) + "\"") + "? " + names;
  }
  std::replace(stop.message.begin(), stop.message.end(), '\n', ' ');
  stop.hint = help_for(app);
  return stop;
}

std::variant<Command, ParseStop> Parser::parse(int count, const char* const* words) {
  try {
    app_.parse(count, words);
  } catch (const CLI::ParseError& why) {
    if (wants_version_ && count == 2) {
      command_.id = CommandId::version;
      command_.path = "version";
      return command_;
    }
    return explain(why);
  }
  CLI::App& app = deepest();
  command_.id = ids_.at(&app);
  command_.path = path_of(app);
  return command_;
}

}  // namespace

std::variant<Command, ParseStop> parse_command_line(int count, const char* const* words) { return Parser().parse(count, words); }

}  // namespace tidelog::cli
