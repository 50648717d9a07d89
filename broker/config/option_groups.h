#pragma once

#include "broker/config/broker_options.h"

#include <span>
#include <string_view>

// The broker's option table by theme. Each theme is a file, options_THEME.cc.

namespace tidelog::broker {

/// What an option has that has no member to say it.
struct Bare {
  std::string_view key;
  OptionType type = OptionType::text;
  std::string_view fallback;
  Limits limits;
  std::string_view synonym = {};  ///< Of a group's key: the broker's key with the default.
};

template <class Row>
constexpr Row describe_bare(const Bare& bare, std::string_view why, std::string_view doc) {
  Row made;
  made.key = bare.key;
  made.type = bare.type;
  made.rules.limits = bare.limits;
  made.fallback = bare.fallback;
  made.no_effect = why;
  made.doc = doc;
  return made;
}

/// A key of Kafka's that nothing here reads. Its value is checked and kept, so that it can be told to whoever asks.
constexpr BrokerOption inert(const Bare& bare, std::string_view why, std::string_view doc) {
  BrokerOption made = describe_bare<BrokerOption>(bare, why, doc);
  made.set = &set_inert;
  made.get = &get_inert;
  return made;
}

// Why a key has no effect: the end of the sentence "No effect in Tidelog: ...".
inline constexpr std::string_view kNoStreams = "streams groups are not served";
inline constexpr std::string_view kNoShare = "share groups are not served";
inline constexpr std::string_view kNoTransactions = "transactions are not served yet";
inline constexpr std::string_view kOneNode = "a cluster is one broker so far";
inline constexpr std::string_view kOneListener = "all listeners have the same settings";
inline constexpr std::string_view kNoMoves = "partitions stay in the log directory they were made in";
inline constexpr std::string_view kNoCordons = "every log directory that works gets new partitions";
inline constexpr std::string_view kNoRecompression = "batches stay as the producer compressed them";
inline constexpr std::string_view kNoPeriodicFlush = "logs are synced with every acknowledgement or by checkpoints";
inline constexpr std::string_view kNoPreallocation = "segments grow as they are written";
inline constexpr std::string_view kNoJitter = "segments are closed at their age, without jitter";
inline constexpr std::string_view kNoDelay = "a deleted file goes at once, and is kept for whoever still reads it";
inline constexpr std::string_view kOwnWay = "Tidelog does this in its own way";
inline constexpr std::string_view kNoTiering = "there is no tiered storage";
inline constexpr std::string_view kNoTls = "there is no TLS yet";
inline constexpr std::string_view kNoSasl = "there is no authentication or authorization yet";
inline constexpr std::string_view kOwnThreads = "`shards` and `blocking.threads` say how many threads there are";
inline constexpr std::string_view kOwnSockets = "sockets are as the operating system makes them";
inline constexpr std::string_view kNoPlugins = "no Java classes are loaded";
inline constexpr std::string_view kNoMetrics = "there are no such metrics yet";
inline constexpr std::string_view kOneQuotaWindow = "changes of metadata are counted over quota.window, as bytes are";

std::span<const BrokerOption> served_options();
std::span<const BrokerOption> topic_default_options();
std::span<const BrokerOption> groups_options();
std::span<const BrokerOption> share_options();
std::span<const BrokerOption> transactions_options();
std::span<const BrokerOption> quorum_options();
std::span<const BrokerOption> replication_options();
std::span<const BrokerOption> upkeep_options();
std::span<const BrokerOption> tiering_options();
std::span<const BrokerOption> tls_options();
std::span<const BrokerOption> sasl_options();
std::span<const BrokerOption> process_options();

}  // namespace tidelog::broker
