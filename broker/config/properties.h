#pragma once

#include "proto/base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

struct Property {
  std::string key;
  std::string value;
  std::size_t line = 0;  ///< Where it begins, from 1.
};

struct PropertiesError {
  std::size_t line = 0;
  std::string message;
};

/// Reads the `.properties` format of Kafka's files: `key=value`, `key: value` or `key value`, comments after # or !, a backslash at the end
/// of a line continues it, \t \n \r \f \uXXXX are escapes. Text is UTF-8. A key that comes twice is an error: one of both was not meant.
Result<std::vector<Property>, PropertiesError> parse_properties(std::string_view text);

}  // namespace tidelog::broker
