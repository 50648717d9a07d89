#include "proto/error_code.h"

#include <algorithm>
#include <iterator>

namespace tidelog {
namespace {

struct Row {
  ErrorCode code;
  std::string_view name;
  bool retriable;
};

constexpr Row kRows[] = {
#include "proto/messages/error_rows.inc"
};

const Row& find(ErrorCode code) {
  const auto found = std::ranges::find(kRows, code, &Row::code);
  return found == std::end(kRows) ? kRows[0] : *found;
}

}  // namespace

std::string_view name(ErrorCode code) { return find(code).name; }
bool retriable(ErrorCode code) { return find(code).retriable; }

}  // namespace tidelog
