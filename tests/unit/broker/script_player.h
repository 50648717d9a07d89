#pragma once

#include "proto/error_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Plays tests/scripts/FOLDER/*.txt. A script is blocks of commands, a line "----", and all that must come of them; a blank line ends a
// block. A line "==== TEXT" begins with a machine that knows nothing. With TIDELOG_WRITE_SCRIPTS set, what came of them is written into the
// scripts instead: look at the difference before you believe it.

namespace tidelog::broker {

inline std::vector<std::filesystem::path> scripts_in(const char* folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(TIDELOG_TEST_DATA) / "../scripts" / folder)) {
    if (entry.path().extension() == ".txt") found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

/// The script with what really comes of its commands in place of what it says. `Machine` has `run(command)`, which returns lines.
template <class Machine>
std::string play_script(const std::string& script) {
  auto machine = std::make_unique<Machine>();
  std::istringstream in(script);
  std::string out;
  std::vector<std::string> said;
  bool is_expected = false;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) is_expected = false;
    if (is_expected) continue;
    out += line + "\n";
    if (line == "----") {
      for (const std::string& one : said) out += one + "\n";
      said.clear();
      is_expected = true;
    } else if (line.starts_with("====")) {
      machine = std::make_unique<Machine>();
    } else if (!line.empty() && !line.starts_with('#')) {
      for (std::string& one : machine->run(line)) said.push_back(std::move(one));
    }
  }
  return out;
}

/// Plays it, and expects what it says. Returns what came of it.
template <class Machine>
std::string expect_script(const std::filesystem::path& path) {
  std::ostringstream script;
  script << std::ifstream(path).rdbuf();
  const std::string played = play_script<Machine>(script.str());
  if (std::getenv("TIDELOG_WRITE_SCRIPTS") != nullptr) std::ofstream(path) << played;
  EXPECT_EQ(played, script.str()) << path;
  return played;
}

/// What the test of a script is called.
inline std::string script_name(const testing::TestParamInfo<std::filesystem::path>& script) {
  std::string name = script.param.stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
}

/// For commands: the parts between `at`, without the empty ones.
inline std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  std::istringstream in{std::string(text)};
  for (std::string part; std::getline(in, part, at);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

/// For commands: the protocol's error of that name.
inline ErrorCode code_named(const std::string& word) {
  for (int number = -1; number < 150; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    if (name(code) == word && (number == -1 || code != ErrorCode::unknown_server_error)) return code;
  }
  throw std::invalid_argument("no such error: " + word);
}

}  // namespace tidelog::broker
