#pragma once

#include "proto/base/types.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

// The recorded facts below tests/data/wire, as tests read them.
namespace tidelog::proto::test {

using Json = nlohmann::json;

/// Every line of tests/data/wire/`name`, parsed.
inline std::vector<Json> load_lines(const std::string& name) {
  const auto path = std::filesystem::path(TIDELOG_TEST_DATA) / "wire" / name;
  std::ifstream file(path);
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  return lines;
}

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

inline std::string as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

inline std::vector<std::byte> from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out.push_back(static_cast<std::byte>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  return out;
}

inline std::string to_hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::byte b : bytes) {
    out += kDigits[static_cast<std::size_t>(b) >> 4];
    out += kDigits[static_cast<std::size_t>(b) & 15];
  }
  return out;
}

inline std::vector<std::byte> from_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::byte> out;
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    pending = (pending << 6) | static_cast<std::uint32_t>(kAlphabet.find(c));
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<std::byte>(pending >> bits));
  }
  return out;
}

/// Bytes that look random and are the same in every run.
inline std::vector<std::byte> noise(std::size_t size, std::uint64_t seed) {
  std::vector<std::byte> out(size);
  for (std::byte& b : out) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    b = static_cast<std::byte>(seed >> 56);
  }
  return out;
}

/// Bytes that compress about as log lines do.
inline std::vector<std::byte> log_lines(std::size_t size, std::uint64_t seed) {
  constexpr std::string_view kWords[] = {"error ", "GET /index.html ",     "status=200 ", "user=alice ", "latency_ms=17 ",
                                         "\n",     "2026-01-01T00:00:00Z "};
  std::vector<std::byte> out;
  out.reserve(size + 32);
  while (out.size() < size) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const Bytes word = as_bytes(kWords[(seed >> 40) % std::size(kWords)]);
    out.insert(out.end(), word.begin(), word.end());
    out.push_back(static_cast<std::byte>(seed >> 56));
  }
  out.resize(size);
  return out;
}

}  // namespace tidelog::proto::test
