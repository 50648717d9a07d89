#!/usr/bin/env bash
# What `make check` does: everything a machine can judge, each part to its end, so that one run shows all there is to mend.
# Knobs: CHECK_ALL=1 lets clang-tidy look at every file instead of those changed since the commit before the last.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

readonly kBuild=build/release
readonly kFolders=(proto storage broker client cli tests bench)
jobs="$(nproc)"
failed=()

part() {
  local name="$1"
  shift
  local began=$SECONDS
  if "$@"; then
    printf 'ok    %-10s %4d s\n' "$name" $((SECONDS - began))
  else
    printf 'FAIL  %-10s %4d s\n' "$name" $((SECONDS - began))
    failed+=("$name")
  fi
}

sources() { find "${kFolders[@]}" \( -name '*.h' -o -name '*.cc' \) -type f | sort; }

check_format() { sources | xargs -r -P "$jobs" -n 20 clang-format-19 --dry-run -Werror; }

build() {
  cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; return 1; }
  cmake --build --preset release
}

# Changed .cc files, and those that stand beside a changed header. Without an earlier commit (a shallow clone): all.
tidy_files() {
  if [[ "${CHECK_ALL:-0}" != 1 ]] && git rev-parse -q --verify HEAD~ >/dev/null 2>&1; then
    { git diff --name-only --diff-filter=d HEAD~ -- && git ls-files --others --exclude-standard; } |
      grep -E '\.(h|cc)$' | sed -E 's/\.h$/.cc/' | sort -u | while IFS= read -r file; do [[ -f "$file" ]] && echo "$file"; done
  else
    sources | grep '\.cc$'
  fi
}

# Only what the release build compiles has the flags clang-tidy needs.
check_tidy() {
  local -a files
  mapfile -t files < <(tidy_files | while IFS= read -r file; do
    grep -qF "/$file\"" "$kBuild/compile_commands.json" && echo "$file"
  done)
  ((${#files[@]} > 0)) || { echo "clang-tidy: no changed file"; return 0; }
  echo "clang-tidy: ${#files[@]} files"
  printf '%s\n' "${files[@]}" | xargs -P "$jobs" -n 1 clang-tidy-19 --quiet -p "$kBuild" 2> >(grep -vE 'warnings? (generated|treated)|^Suppressed|^Use -header' >&2)
}

check_shell() {
  command -v shellcheck >/dev/null || { echo "shellcheck is not installed: scripts were parsed only"; }
  local file
  while IFS= read -r file; do
    bash -n "$file" || return 1
    ! command -v shellcheck >/dev/null || shellcheck -x "$file" || return 1
  done < <(find deploy tests bench .ci -type f \( -name '*.sh' -o -path .ci/run \) | sort)
}

mkdir -p build
part format check_format
part layers python3 tests/checks/layers.py
part scripts check_shell
part build build
part docs python3 tests/checks/docs.py "$kBuild/tests/checks/render_configuration" "$kBuild/tests/checks/render_requests"
part headers tests/checks/headers.sh "$kBuild"
part clang-tidy check_tidy

if ((${#failed[@]} > 0)); then
  echo "check: failed: ${failed[*]}"
  exit 1
fi
echo "check: everything holds"
