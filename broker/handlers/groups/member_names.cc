#include "broker/handlers/groups/member_names.h"

#include <fmt/format.h>

namespace tidelog::broker {

std::string new_member_id(const HandlerContext& context, std::string_view prefix) {
  std::array<std::uint8_t, 16> random;
  context.here.shard.env().random().fill(std::as_writable_bytes(std::span(random)));
  // Version 4, variant 1: what everybody else who reads it as a UUID expects.
  random[6] = static_cast<std::uint8_t>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<std::uint8_t>((random[8] & 0x3f) | 0x80);
  std::string id(prefix);
  if (!id.empty()) id += '-';
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
    id += fmt::format("{:02x}", random[i]);
  }
  return id;
}

}  // namespace tidelog::broker
