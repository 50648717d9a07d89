#pragma once

#include "tests/attack/caller.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::attack {

/// The first partitions of a topic, and a batch for each.
struct Written {
  std::string_view topic;
  std::string_view batch;
  std::int32_t partitions = 1;
  std::int64_t offset = 0;  ///< Where each must be stored.
  const char* what = "produce";
};
/// Stores it, or complains.
bool write_records(Caller& caller, const Written& written);

/// What is fetched: the first partitions of a topic, from one offset on.
struct Wanted {
  std::string_view topic;
  std::int32_t partitions = 1;
  std::int64_t offset = 0;
  const char* what = "fetch";
};
/// Appends the values of what is there, or complains.
bool read_records(Caller& caller, const Wanted& wanted, std::vector<std::string>& values);

}  // namespace tidelog::attack
