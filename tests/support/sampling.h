#pragma once

namespace tidelog {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TIDELOG_IS_SANITIZED 1
#endif
#endif

/// An exhaustive test looks at every so many-th case. The plain build looks at all; with sanitizers each takes ten times as long, and what
/// they look for does not hide in one case of ten thousand.
#ifdef TIDELOG_IS_SANITIZED
inline constexpr int kSampling = 10;
#else
inline constexpr int kSampling = 1;
#endif

}  // namespace tidelog
