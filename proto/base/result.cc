#include "proto/base/result.h"

namespace tidelog {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::corrupt: return "corrupt";
    case Errc::too_large: return "too large";
    case Errc::out_of_range: return "out of range";
    case Errc::not_found: return "not found";
    case Errc::exists: return "exists";
    case Errc::invalid: return "invalid";
    case Errc::unsupported: return "unsupported";
    case Errc::io: return "input/output error";
    case Errc::no_space: return "no space left";
    case Errc::would_block: return "would block";
    case Errc::closed: return "closed";
    case Errc::timed_out: return "timed out";
    case Errc::refused: return "refused";
    case Errc::offline: return "offline";
    case Errc::not_leader: return "not leader";
    case Errc::busy: return "busy";
  }
  return "unknown";
}

}  // namespace tidelog
