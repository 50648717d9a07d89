#pragma once

#include "proto/codec/api_table.h"
#include "tests/unit/proto/codec_json.h"
#include "tests/unit/proto/record_vectors.h"
#include "tests/unit/proto/stored_schemas.h"

#include <string>
#include <vector>

namespace tidelog::proto::test {

/// One recorded encoding of a message that is served, stored or embedded.
struct Vector {
  const Schema* schema = nullptr;
  std::string where;  ///< `ProduceRequest v9 full`, for failures.
  std::string variant;
  std::string kind;
  std::int16_t key = -1;
  std::int16_t version = 0;
  std::vector<std::byte> header;
  std::vector<std::byte> body;
  Json header_json;
  Json json;
};

inline Vector to_vector(const Json& line, const Schema& schema) {
  const auto version = line.at("version").get<std::int16_t>();
  const auto variant = line.at("variant").get<std::string>();
  return {.schema = &schema,
          .where = line.at("name").get<std::string>() + " v" + std::to_string(version) + " " + variant,
          .variant = variant,
          .kind = line.at("kind").get<std::string>(),
          .key = line.value("key", std::int16_t{-1}),
          .version = version,
          .header = from_hex(line.value("header", std::string())),
          .body = from_hex(line.at("body").get<std::string>()),
          .header_json = line.value("headerJson", Json()),
          .json = line.at("json")};
}

inline std::string vector_file(const ApiInfo& api) {
  const std::string number = std::to_string(1000 + api.key);
  return number.substr(1) + "-" + std::string(api.name) + ".jsonl";
}

inline std::vector<Vector> load_vectors() {
  std::vector<Vector> out;
  for (const ApiInfo& api : served_apis()) {
    for (const Json& line : load_lines(vector_file(api))) {
      out.push_back(to_vector(line, line.at("kind") == "request" ? *api.request : *api.response));
    }
  }
  for (const char* file : {"producer-snapshot.jsonl", "consumer-protocol.jsonl", "records-group-coordinator.jsonl"}) {
    for (const Json& line : load_lines(file)) {
      if (const Schema* schema = stored_schema(line.at("name").get<std::string>())) out.push_back(to_vector(line, *schema));
    }
  }
  return out;
}

/// Every vector of every message that is spoken here.
inline const std::vector<Vector>& all_vectors() {
  static const std::vector<Vector> vectors = load_vectors();
  return vectors;
}

}  // namespace tidelog::proto::test
