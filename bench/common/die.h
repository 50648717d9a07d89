#pragma once

#include <string_view>

namespace tidelog::bench {

/// A benchmark that cannot be trusted must not print a figure: says why on stderr and exits with 1.
[[noreturn]] void die(std::string_view what);

/// The same, with the meaning of errno behind it.
[[noreturn]] void die_errno(std::string_view what);

}  // namespace tidelog::bench
