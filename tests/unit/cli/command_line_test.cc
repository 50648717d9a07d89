#include "cli/command_line.h"

#include "cli/failure.h"
#include "cli/text/json.h"
#include "cli/text/table.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

std::variant<Command, ParseStop> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "tidelog");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

Command understood(const std::vector<const char*>& words) {
  const auto parsed = parse(words);
  const auto* command = std::get_if<Command>(&parsed);
  EXPECT_NE(command, nullptr) << std::get<ParseStop>(parsed).message;
  return command == nullptr ? Command{} : *command;
}

ParseStop refused(const std::vector<const char*>& words) {
  const auto parsed = parse(words);
  const auto* stop = std::get_if<ParseStop>(&parsed);
  EXPECT_NE(stop, nullptr);
  return stop == nullptr ? ParseStop{} : *stop;
}

TEST(CommandLine, UnderstandsTheFrontDoorContract) {
  const Command create =
      understood({"topic", "create", "logs", "-b", "h:1", "--partitions", "4", "--replication-factor", "1", "-c", "a=b", "-c", "c=d"});
  EXPECT_EQ(create.id, CommandId::topic_create);
  EXPECT_EQ(create.path, "topic create");
  EXPECT_EQ(create.topic.names, std::vector<std::string>{"logs"});
  EXPECT_EQ(create.topic.partitions, 4);
  EXPECT_EQ(create.topic.configs, (std::vector<std::string>{"a=b", "c=d"}));
  EXPECT_EQ(create.global.brokers, "h:1");
  EXPECT_EQ(understood({"produce", "logs", "-b", "h:1", "-z", "zstd"}).produce.codec, "zstd");
  const Command consume = understood({"consume", "logs", "-b", "h:1", "-o", "start:end", "--raw", "--group", "g"});
  EXPECT_EQ(consume.consume.offsets, "start:end");
  EXPECT_TRUE(consume.consume.is_raw);
  EXPECT_EQ(consume.consume.group, "g");
  const Command serve = understood({"serve", "-c", "f", "-o", "a=1", "-o", "b=2"});
  EXPECT_EQ(serve.serve.config_file, "f");
  EXPECT_EQ(serve.serve.overrides, (std::vector<std::string>{"a=1", "b=2"}));
  EXPECT_EQ(understood({"version"}).id, CommandId::version);
}

TEST(CommandLine, UnderstandsWhatIsSaidAboutGroups) {
  const Command list = understood({"group", "list", "--state", "Stable,Empty", "--type", "Classic"});
  EXPECT_EQ(list.id, CommandId::group_list);
  EXPECT_EQ(list.group.states, (std::vector<std::string>{"Stable", "Empty"}));
  EXPECT_EQ(list.group.types, std::vector<std::string>{"Classic"});
  EXPECT_EQ(understood({"group", "describe", "a", "b"}).group.groups, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(understood({"group", "describe", "a", "--history"}).group.shows_history);
  EXPECT_EQ(understood({"group", "lag", "a"}).group.groups, std::vector<std::string>{"a"});
  EXPECT_EQ(understood({"config", "set", "--group", "a", "consumer.session.timeout.ms=50000"}).config.group, "a");
  const Command seek = understood({"group", "seek", "g", "--to", "-10", "-t", "logs:0", "-t", "other", "--execute", "--force"});
  EXPECT_EQ(seek.id, CommandId::group_seek);
  EXPECT_EQ(seek.group.group, "g");
  EXPECT_EQ(seek.group.target, "-10");
  EXPECT_EQ(seek.group.topics, (std::vector<std::string>{"logs:0", "other"}));
  EXPECT_TRUE(seek.group.is_executed);
  EXPECT_TRUE(seek.group.is_forced);
  const Command forget = understood({"group", "delete-offsets", "g", "logs:0,1", "other", "--yes"});
  EXPECT_EQ(forget.path, "group delete-offsets");
  EXPECT_EQ(forget.group.group, "g");
  EXPECT_EQ(forget.group.topics, (std::vector<std::string>{"logs:0,1", "other"}));
  EXPECT_EQ(refused({"group", "lst"}).hint, "did you mean \"list\"?");
}

TEST(CommandLine, KnowsTheStatesAndTypesOfGroups) {
  EXPECT_EQ(understood({"group", "list", "--state", "stable,EMPTY,preparingRebalance"}).group.states.size(), 3U);
  EXPECT_EQ(understood({"group", "list", "--state", "Dead", "--state", "Assigning"}).group.states.size(), 2U);
  for (const char* state : {"bogus", "", "Stable,bogus", "Stable, Empty"}) {
    const ParseStop stop = refused({"group", "list", "--state", state});
    EXPECT_EQ(stop.exit_code, kUsage) << state;
    EXPECT_NE(stop.message.find("is none of Stable, Empty, PreparingRebalance, CompletingRebalance, Assigning"), std::string::npos)
        << stop.message;
  }
  EXPECT_EQ(refused({"group", "list", "--type", "bogus"}).message, "--type: \"bogus\" is none of classic, consumer, share, streams");
  EXPECT_EQ(refused({"group", "list", "--type", ""}).exit_code, kUsage);
  EXPECT_EQ(refused({"group", "list", "--state", ","}).exit_code, kUsage);
}

TEST(CommandLine, UnderstandsTheToolsForFindingOut) {
  const Command wire =
      understood({"debug", "wire", "f.bin", "--hex", "--responses", "--api-key", "Fetch", "--api-version", "12", "--format", "json"});
  EXPECT_EQ(wire.id, CommandId::debug_wire);
  EXPECT_EQ(wire.path, "debug wire");
  EXPECT_EQ(wire.wire.file, "f.bin");
  EXPECT_TRUE(wire.wire.is_hex);
  EXPECT_TRUE(wire.wire.is_responses);
  EXPECT_EQ(wire.wire.api, "Fetch");
  EXPECT_EQ(wire.wire.api_version, 12);
  EXPECT_EQ(understood({"debug", "wire"}).wire.file, "-");
  EXPECT_EQ(understood({"debug", "wire", "--port", "9092"}).wire.port, 9092);
  EXPECT_EQ(refused({"debug", "wire", "--port", "65536"}).exit_code, kUsage);
  const Command doctor = understood({"doctor", "-b", "h", "--timeout", "2s"});
  EXPECT_EQ(doctor.id, CommandId::doctor);
  EXPECT_EQ(doctor.global.brokers, "h");
  EXPECT_EQ(doctor.global.timeout_ms, 2'000);
}

TEST(CommandLine, UnderstandsChangesToATopic) {
  const Command grow = understood({"topic", "add-partitions", "logs", "--partitions", "6", "--dry-run"});
  EXPECT_EQ(grow.id, CommandId::topic_add_partitions);
  EXPECT_EQ(grow.topic.partitions, 6);
  EXPECT_TRUE(grow.global.is_dry_run);
  const Command trim = understood({"topic", "trim", "logs", "-p", "1,2", "--before", "-10", "--yes"});
  EXPECT_EQ(trim.id, CommandId::topic_trim);
  EXPECT_EQ(trim.topic.names, std::vector<std::string>{"logs"});
  EXPECT_EQ(trim.topic.only_partitions, (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(trim.topic.before, "-10");
  EXPECT_TRUE(trim.global.says_yes);
  EXPECT_EQ(refused({"topic", "add-partitions", "logs", "--partitions", "0"}).exit_code, kUsage);
}

TEST(CommandLine, AnOffsetMayBeginWithADash) { EXPECT_EQ(understood({"consume", "t", "-o", "-5"}).consume.offsets, "-5"); }

TEST(CommandLine, TakesKafkasSpellings) {
  const Command consume = understood({"consume", "--bootstrap-server", "h:1", "--topic", "logs", "--from-beginning"});
  EXPECT_EQ(consume.global.brokers, "h:1");
  EXPECT_EQ(consume.consume.topic, "logs");
  EXPECT_TRUE(consume.consume.from_beginning);
}

TEST(CommandLine, NamesTheCommandThatWasMeant) {
  const ParseStop stop = refused({"topic", "crate", "x", "-b", "h:1"});
  EXPECT_EQ(stop.exit_code, kUsage);
  EXPECT_EQ(stop.message, "unknown command \"crate\" of \"topic\"");
  EXPECT_EQ(stop.hint, "did you mean \"create\"?");
}

TEST(CommandLine, NamesTheOptionThatWasMeant) {
  EXPECT_EQ(refused({"topic", "create", "x", "--partitons=3"}).hint, "did you mean \"--partitions\"?");
}

TEST(CommandLine, RefusesNumbersThatAreNone) {
  for (const char* number : {"abc", "0", "-1", "4x", "99999999999"}) {
    const ParseStop stop = refused({"topic", "create", "x", "--partitions", number});
    EXPECT_EQ(stop.exit_code, kUsage) << number;
    EXPECT_NE(stop.message.find("is not a number"), std::string::npos) << stop.message;
  }
}

TEST(CommandLine, HelpIsNoError) {
  const ParseStop stop = refused({"topic", "create", "--help"});
  EXPECT_EQ(stop.exit_code, kOk);
  EXPECT_NE(stop.help.find("--replication-factor"), std::string::npos);
  EXPECT_EQ(stop.help.find("--bootstrap-server"), std::string::npos) << "aliases are hidden";
}

TEST(CommandLine, TellsMistakesInTheFormatAskedFor) {
  EXPECT_EQ(refused({"topic", "list", "--format", "json", "--nonsense"}).global.format, Format::json);
}

TEST(Failure, HasAtMostThreeLines) {
  const error why = error::from_kafka(38, "cannot create topic \"logs\"", "two\nlines\x1b[31m").set_hint("do this");
  EXPECT_EQ(to_text(why),
            "error: cannot create topic \"logs\": two lines?[31m\n  hint: do this\n  code: INVALID_REPLICATION_FACTOR (38)   docs: tidelog "
            "errors 38\n");
}

TEST(Failure, JsonHasEveryField) {
  const error why = error(errc::transport, "down").set_broker("h:1").set_topic("t", 2).set_retriable(true);
  EXPECT_EQ(
      to_json(why),
      R"({"error":{"code":"TRANSPORT","kafka_code":0,"message":"down","hint":"","broker":"h:1","topic":"t","partition":2,"retriable":true}})");
}

TEST(Failure, ExitCodesAreThoseThatScriptsKnow) {
  EXPECT_EQ(exit_code_of(error(errc::transport, "")), 3);
  EXPECT_EQ(exit_code_of(error(errc::authorization, "")), 4);
  EXPECT_EQ(exit_code_of(error(errc::timed_out, "")), 5);
  EXPECT_EQ(exit_code_of(error::from_kafka(3, "")), 6);
  EXPECT_EQ(exit_code_of(error(errc::invalid_config, "")), 2);
  EXPECT_EQ(exit_code_of(error::from_kafka(36, "")), 1);
}

TEST(Table, ShowsTheSameRowsInEveryFormat) {
  Table table({"name", "leader_epoch", "in_sync"});
  table.add({"a\"b", std::int64_t{7}, Cell(std::vector<std::int32_t>{1, 2})});
  Command command;
  command.path = "topic list";
  EXPECT_EQ(table.render(command, "topics"), "NAME  LEADER-EPOCH  IN-SYNC\na\"b              7  1,2\n");
  command.global.format = Format::tsv;
  EXPECT_EQ(table.render(command, "topics"), "a\"b\t7\t1,2\n");
  command.global.format = Format::json;
  EXPECT_EQ(table.render(command, "topics"),
            R"({"_command":"topic list","_version":1,"topics":[{"name":"a\"b","leader_epoch":7,"in_sync":[1,2]}]})"
            "\n");
}

TEST(Table, HasNumbersThatAreMissing) {
  Table table({"lag", "host"});
  table.add({Cell::no_number(), ""});
  table.add({std::int64_t{1234}, "h"});
  Command command;
  EXPECT_EQ(table.render(command, "partitions"), " LAG  HOST\n   -  -\n1234  h\n");
  command.global.format = Format::tsv;
  EXPECT_EQ(table.render(command, "partitions"), "\t\n1234\th\n");
  command.global.format = Format::jsonl;
  EXPECT_EQ(table.render(command, "partitions"), "{\"lag\":null,\"host\":\"\"}\n{\"lag\":1234,\"host\":\"h\"}\n");
}

TEST(Table, ShowsATerminalNothingToActOn) {
  Table table({"group", "state"});
  table.add({"esc\x1b[31mred\x07\nline2\tend", "Stable"});
  Command command;
  EXPECT_EQ(table.render(command, "groups"), "GROUP                   STATE\nesc?[31mred? line2 end  Stable\n");
  command.global.format = Format::tsv;
  EXPECT_EQ(table.render(command, "groups"), "esc?[31mred? line2 end\tStable\n");
  command.global.format = Format::jsonl;
  EXPECT_EQ(table.render(command, "groups"), R"({"group":"esc\u001b[31mred\u0007\nline2\tend","state":"Stable"})"
                                             "\n");
}

TEST(Base64, PadsLikeEveryoneElse) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
}

}  // namespace
}  // namespace tidelog::cli
