#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tidelog::bench {

/// `--name value` and bare `--name` arguments of a benchmark program; what follows a lone `--` is kept as it is.
/// Strict: an argument that nobody asked for is an error, or a misspelt flag would silently measure the default.
class Flags {
 public:
  Flags(int argc, char** argv, int first);

  std::string text(const std::string& name, const std::string& otherwise);
  std::uint64_t number(const std::string& name, std::uint64_t otherwise);
  bool has(const std::string& name);
  [[nodiscard]] const std::vector<std::string>& rest() const { return rest_; }

  /// Call once every flag was asked for: dies on those that were not.
  void finish() const;

 private:
  std::map<std::string, std::string> given_;
  std::set<std::string> asked_;
  std::vector<std::string> rest_;
};

}  // namespace tidelog::bench
