#include "bench/common/flags.h"

#include "bench/common/die.h"

#include <charconv>

namespace tidelog::bench {

Flags::Flags(int argc, char** argv, int first) {
  for (int i = first; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--") {
      rest_.assign(argv + i + 1, argv + argc);
      return;
    }
    if (!argument.starts_with("--")) die("unexpected argument " + argument);
    const bool has_value = i + 1 < argc && !std::string(argv[i + 1]).starts_with("--");
    given_[argument.substr(2)] = has_value ? argv[++i] : "";
  }
}

std::string Flags::text(const std::string& name, const std::string& otherwise) {
  asked_.insert(name);
  const auto found = given_.find(name);
  return found == given_.end() ? otherwise : found->second;
}

std::uint64_t Flags::number(const std::string& name, std::uint64_t otherwise) {
  const std::string value = text(name, "");
  if (!has(name)) return otherwise;
  std::uint64_t parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc{} || end != value.data() + value.size()) die("--" + name + " wants a number, not '" + value + "'");
  return parsed;
}

bool Flags::has(const std::string& name) {
  asked_.insert(name);
  return given_.contains(name);
}

void Flags::finish() const {
  for (const auto& [name, value] : given_) {
    if (!asked_.contains(name)) die("unknown flag --" + name);
  }
}

}  // namespace tidelog::bench
