#pragma once

#include <source_location>
#include <string_view>

namespace tidelog {

/// Prints where and what to stderr and aborts. Only for bugs of ours and for a sync that failed: bytes from a peer or a disk never
/// reach it (they are answered by `Errc::corrupt`).
[[noreturn]] void check_failed(std::string_view what, std::source_location where = std::source_location::current());

}  // namespace tidelog

/// Stays on in release builds: a broker that knows it is wrong must stop before it acknowledges anything more.
#define CHECK(condition) (static_cast<bool>(condition) ? static_cast<void>(0) : ::tidelog::check_failed(#condition))

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
