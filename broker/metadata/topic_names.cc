#include "broker/metadata/topic_names.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

constexpr std::size_t kLongestName = 249;

bool is_legal(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string topic_name_problem(std::string_view name) {
  if (name.empty()) return "a topic needs a name";
  if (name == "." || name == "..") return "a topic cannot be called \".\" or \"..\": its name becomes part of a directory name";
  if (name.size() > kLongestName) return "a topic name has at most 249 characters, this one has " + std::to_string(name.size());
  if (!std::ranges::all_of(name, is_legal)) return "a topic name is made of letters and digits of ASCII, '.', '_' and '-' only";
  return {};
}

std::string metric_form(std::string_view name) {
  std::string form(name);
  std::ranges::replace(form, '.', '_');
  return form;
}

bool has_lookalikes(std::string_view name) { return name.find_first_of("._") != std::string_view::npos; }

bool is_reserved_topic(std::string_view name) { return name == kMetadataTopic; }

bool is_internal_topic(std::string_view name) {
  return name == kOffsetsTopic || name == "__transaction_state" || name == "__share_group_state";
}

}  // namespace tidelog::broker
