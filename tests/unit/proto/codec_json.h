#pragma once

#include "proto/codec/interpreter.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

// Messages to and from the JSON of the recorded vectors, by the codec's tables: any message, without a line of code for it.
namespace tidelog::proto::test {

using Json = nlohmann::json;

/// Owns what the views of a message built here point to.
struct Arena {
  std::deque<std::vector<std::max_align_t>> blocks;
  std::deque<std::string> texts;

  std::byte* room(std::size_t size_bytes) {
    return reinterpret_cast<std::byte*>(blocks.emplace_back(size_bytes / sizeof(std::max_align_t) + 1).data());
  }
  std::string& keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

/// The message's fields of this version; tagged ones at their default are left out.
Json to_json(const Schema& schema, const void* message, std::int16_t version);

/// A new message of `schema`, in the arena.
std::byte* from_json(const Json& json, const Schema& schema, Arena& arena);

}  // namespace tidelog::proto::test
