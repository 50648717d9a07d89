#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace tidelog::broker {

// Each enumeration here is an option's value: enumerator n is spelled `choice_names(...)[n]` in files, flags and answers.

/// When an acknowledged record is safe: after an fsync, or once the page cache has it.
enum class DurabilityMode : std::uint8_t { fsync, page_cache };
inline constexpr std::array<std::string_view, 2> kDurabilityModes{"fsync", "page-cache"};
constexpr std::span<const std::string_view> choice_names(DurabilityMode /*tag*/) { return kDurabilityModes; }

/// Whose clock stamps records: the producer's, or ours when the batch is appended.
enum class MessageTimestampType : std::uint8_t { create_time, log_append_time };
inline constexpr std::array<std::string_view, 2> kMessageTimestampTypes{"CreateTime", "LogAppendTime"};
constexpr std::span<const std::string_view> choice_names(MessageTimestampType /*tag*/) { return kMessageTimestampTypes; }

enum class CompressionType : std::uint8_t { uncompressed, zstd, lz4, snappy, gzip, producer };
inline constexpr std::array<std::string_view, 6> kCompressionTypes{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"};
constexpr std::span<const std::string_view> choice_names(CompressionType /*tag*/) { return kCompressionTypes; }

enum class LogLevel : std::uint8_t { debug, info, warn, error, off };
inline constexpr std::array<std::string_view, 5> kLogLevels{"debug", "info", "warn", "error", "off"};
constexpr std::span<const std::string_view> choice_names(LogLevel /*tag*/) { return kLogLevels; }

enum class LogFormat : std::uint8_t { text, json };
inline constexpr std::array<std::string_view, 2> kLogFormats{"text", "json"};
constexpr std::span<const std::string_view> choice_names(LogFormat /*tag*/) { return kLogFormats; }

/// What a `cleanup.policy` list may hold. An empty list keeps everything.
inline constexpr std::array<std::string_view, 2> kCleanupPolicies{"compact", "delete"};

}  // namespace tidelog::broker
