#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace tidelog {

/// What can go wrong in a healthy process, below the protocol. The protocol's own codes are `ErrorCode` (proto/error_code.h).
enum class Errc : std::uint8_t {
  corrupt,       ///< Bytes from a peer or a disk that are not what the format says.
  too_large,     ///< A size or count above its documented limit.
  out_of_range,  ///< An offset, position or index outside what exists.
  not_found,     ///< No such file, topic, key.
  exists,        ///< It is there already.
  invalid,       ///< An argument or option the callee cannot act on.
  unsupported,   ///< A version or codec nobody here speaks.
  io,            ///< The disk or socket failed (EIO and its kin).
  no_space,      ///< ENOSPC, EDQUOT.
  would_block,   ///< Nothing now; wait for readiness.
  closed,        ///< The other side, or we, closed it.
  timed_out,     ///< A deadline passed.
  refused,       ///< Nobody listens there, or a limit says no.
  offline,       ///< The log dir or partition stopped serving after a storage failure.
  not_leader,    ///< This replica does not lead the partition (any more).
  busy,          ///< Locked by another process.
};

/// The enumerator's name, for messages and logs.
std::string_view name(Errc code);

/// A value or the reason there is none. Handle it where you stand.
template <class T, class E = Errc>
class [[nodiscard]] Result : public std::expected<T, E> {
 public:
  using std::expected<T, E>::expected;
  /// An error converts by itself: `return Errc::corrupt;`
  constexpr Result(E error) : std::expected<T, E>(std::unexpect, error) {}  // NOLINT(google-explicit-constructor)
};

template <class E>
class [[nodiscard]] Result<void, E> : public std::expected<void, E> {
 public:
  using std::expected<void, E>::expected;
  constexpr Result(E error) : std::expected<void, E>(std::unexpect, error) {}  // NOLINT(google-explicit-constructor)
};

}  // namespace tidelog
