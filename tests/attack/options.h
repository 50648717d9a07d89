#pragma once

#include "tests/attack/socket.h"

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

namespace tidelog::attack {

/// `--name value` for every number the attack needs; what is not given keeps its default. `--only part`: nothing is played but families
/// whose names have that in them; `--without one,other`: not those of these names.
struct Options {
  std::map<std::string, std::uint64_t> numbers{{"port", 0},          {"pid", 0},         {"seconds", 60},          {"seed", 1},
                                               {"budget", 0},        {"request-max", 0}, {"message-max", 1 << 20}, {"frame-ms", 30000},
                                               {"write-ms", 30000},  {"slack-ms", 5000}, {"bound-ms", 5000},       {"connections", 200},
                                               {"search-ms", 30000}, {"large", 1}};
  std::string only;
  std::string without;

  Options(int count, char** words) {
    for (int i = 1; i + 1 < count; i += 2) read(words[i], words[i + 1]);
  }
  [[nodiscard]] std::uint64_t operator[](const char* name) const { return numbers.at(name); }
  [[nodiscard]] Milliseconds ms(const char* name) const { return Milliseconds(numbers.at(name)); }
  [[nodiscard]] bool is_wanted(const std::string& family) const {
    const bool is_left_out = ("," + without + ",").find("," + family + ",") != std::string::npos;
    return !is_left_out && family.find(only) != std::string::npos;
  }

 private:
  void read(const std::string& word, const std::string& value) {
    const std::string name = word.starts_with("--") ? word.substr(2) : word;
    const auto known = numbers.find(name);
    if (name == "only") {
      only = value;
    } else if (name == "without") {
      without = value;
    } else if (known == numbers.end()) {
      throw std::runtime_error("unknown option " + word);
    } else {
      known->second = std::stoull(value);
    }
  }
};

}  // namespace tidelog::attack
