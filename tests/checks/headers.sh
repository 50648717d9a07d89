#!/usr/bin/env bash
# Compiles each header alone: a header brings what it uses. A header that passed is not compiled again until a file of ours that it
# includes, or this script, changes. Needs a configured build, whose generated messages it includes.
# Usage: tests/checks/headers.sh [BUILD_DIR]
set -euo pipefail
self="$(realpath "$0")"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build="${1:-build/release}"
cache=build/header-cache
readonly kCompiler=clang++-19
flags=(-std=c++23 -fsyntax-only -Werror -Wall -Wextra -Wno-missing-field-initializers -Wno-pragma-once-outside-header -x c++
  -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL -DBOOST_ASIO_SEPARATE_COMPILATION -DBOOST_ASIO_NO_DEPRECATED
  -DBOOST_ASIO_DISABLE_BOOST_COROUTINE -I. -Iclient/include)
# Where the generated headers are: the folders below which there is a proto/messages.
while IFS= read -r folder; do flags+=("-I${folder%/proto/messages}"); done < <(find "$build" -type d -path '*/proto/messages' 2>/dev/null)

mkdir -p "$cache"

# A pass is remembered as the files of ours that were read and the sum of their contents: while the sum holds, so does the list.
sum_of() { { echo "${flags[*]}" && cat "$self" "$@"; } 2>/dev/null | sha256sum | cut -d ' ' -f 1; }

check_one() {
  local header="$1" record sum
  local -a files=()
  record="$cache/${header//\//@}"
  if [[ -e "$record" ]]; then
    { read -r sum && mapfile -t files; } <"$record"
    [[ "$sum" != "$(sum_of "${files[@]}")" ]] || return 0
  fi
  if ! "$kCompiler" "${flags[@]}" -MMD -MF "$record.d" "$header"; then
    echo "headers: $header does not compile alone" >&2
    rm -f "$record" "$record.d"
    return 1
  fi
  mapfile -t files < <(tr -d '\\\n' <"$record.d" | tr ' ' '\n' | grep -E '\.(h|hpp|inc)$' | sort -u)
  { sum_of "${files[@]}" && printf '%s\n' "${files[@]}"; } >"$record"
  rm -f "$record.d"
}

if [[ "${2:-}" == --one ]]; then
  check_one "$3"
  exit
fi

# A precompiled header is what it includes; it is no header of ours to be used alone.
mapfile -t headers < <(find proto storage broker client cli -name '*.h' ! -name 'precompiled.h' | sort)
((${#headers[@]} > 0)) || { echo "headers: none found" >&2; exit 1; }
status=0
printf '%s\n' "${headers[@]}" | xargs -P "${HEADER_JOBS:-2}" -n 1 "$self" "$build" --one || status=1
((status == 0)) && echo "headers: ${#headers[@]} compile alone"
exit "$status"
