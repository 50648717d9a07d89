#!/usr/bin/env bash
# Installs the Debian 12 packages that Tidelog is built, tested and checked with. Says what is missing and what it is for; when nothing
# is, it prints one line and needs neither root nor a network.
# Usage: deploy/packages.sh [build|test|check|faults|all]
set -euo pipefail

readonly kGroup="${1:-build}"

# group | package | what for | what it provides, to find out on other systems: a command, or a header below the include path
list_packages() {
  cat <<'LIST'
build|clang-19|the compiler|clang++-19
build|lld-19|the linker|ld.lld-19
build|llvm-19|archiver and symbolizer of the same version|llvm-ar-19
build|libclang-rt-19-dev|run-time library of the sanitizers|
build|cmake|configures the build|cmake
build|ninja-build|runs the build|ninja
build|make|the front door: make run, make test|make
build|ccache|rebuilds in seconds|ccache
build|pkg-config|finds libraries|pkg-config
build|python3|generates the message codec|python3
build|git|names the version in `tidelog version`|git
build|libboost1.81-dev|Asio and containers|boost/version.hpp
build|libprotobuf-dev|stored metadata records|google/protobuf/message.h
build|protobuf-compiler|compiles their schemas|protoc
build|libspdlog-dev|logging|spdlog/spdlog.h
build|libfmt-dev|text formatting|fmt/format.h
build|libgtest-dev|unit tests|gtest/gtest.h
build|libgmock-dev|matchers in unit tests|gmock/gmock.h
build|libbenchmark-dev|micro benchmarks|benchmark/benchmark.h
build|libisal-dev|fast CRC-32C|isa-l/crc.h
build|libzstd-dev|zstd batches|zstd.h
build|liblz4-dev|lz4 batches|lz4.h
build|libsnappy-dev|snappy batches|snappy.h
build|zlib1g-dev|gzip batches|zlib.h
build|libre2-dev|regular expressions that members subscribe by|re2/re2.h
build|librocksdb-dev|state that can be made again from a log|rocksdb/db.h
build|libcli11-dev|command line|CLI/CLI.hpp
build|nlohmann-json3-dev|JSON output|nlohmann/json.hpp
build|libjemalloc-dev|memory allocator of the broker|jemalloc/jemalloc.h
test|kcat|a Kafka client by others, to test against|kcat
test|librdkafka-dev|a Kafka client library by others, to test against|librdkafka/rdkafka.h
test|valgrind|counts instructions per request|valgrind
faults|mount|mounts disks, makes loop devices|losetup
faults|e2fsprogs|makes file systems|mkfs.ext4
check|clang-format-19|checks the layout of the code|clang-format-19
check|clang-tidy-19|checks the code for known mistakes|clang-tidy-19
LIST
}

wanted() {
  case "$kGroup" in
    all) list_packages ;;
    test | check | faults) list_packages | grep -E "^(build|$kGroup)[|]" ;;
    build) list_packages | grep '^build|' ;;
    *)
      echo "packages: no group \"$kGroup\" (build, test, check, faults, all)" >&2
      exit 2
      ;;
  esac
}

is_debian_12() {
  [[ -r /etc/os-release ]] || return 1
  # shellcheck source=/dev/null
  (. /etc/os-release && [[ "${ID:-}" == debian && "${VERSION_ID:-}" == 12 ]])
}

is_installed() {
  [[ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null || true)" == "install ok installed" ]]
}

# On systems whose packages have other names: is the thing itself there?
is_provided() {
  local thing="$1"
  case "$thing" in
    "") return 0 ;;
    *.h | *.hpp) [[ -e "/usr/include/$thing" || -e "/usr/local/include/$thing" || -e "/usr/include/$(uname -m)-linux-gnu/$thing" ]] ;;
    *) command -v "$thing" >/dev/null ;;
  esac
}

check_other_system() {
  local missing=0
  while IFS='|' read -r _ package why thing; do
    is_provided "$thing" && continue
    if ((missing == 0)); then
      echo "packages: this is not Debian 12, so nothing is installed for you. Missing, by the names they have there:" >&2
    fi
    missing=$((missing + 1))
    printf '  %-22s %-45s (%s)\n' "$package" "$why" "$thing" >&2
  done < <(wanted)
  if ((missing > 0)); then
    echo "  hint: install what provides the name in brackets, then run this again; or build in a debian:12 container" >&2
    exit 2
  fi
  echo "packages: not Debian 12, but everything for \"$kGroup\" is there"
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo --preserve-env=DEBIAN_FRONTEND,http_proxy,https_proxy "$@"
  else
    echo "packages: installing needs root, and there is no sudo" >&2
    echo "  hint: as root: $*" >&2
    exit 1
  fi
}

apt() { as_root apt-get -q -o DPkg::Lock::Timeout=120 "$@"; }

# What apt would have to remove, one line a package; asks without changing anything.
would_remove() {
  apt-get -s install --no-install-recommends "$@" 2>/dev/null | awk '$1 == "Remv" { print $2 }'
}

explain_conflict() {
  local removed
  removed="$(would_remove "$@" | paste -sd ' ')"
  if [[ -z "$removed" ]]; then
    echo "packages: apt-get could not install: $*" >&2
    echo "  hint: its message stands above; check the network and the sources in /etc/apt, then run this again" >&2
    return
  fi
  echo "packages: apt would remove packages of yours, so nothing was changed: $removed" >&2
  if [[ " $removed " == *" libboost"* ]]; then
    echo "  why:  Tidelog needs the headers of Boost 1.81; those of another Boost (libboost-dev is 1.74) own the same files" >&2
  fi
  echo "  hint: if you can do without them: apt-get remove $removed && deploy/packages.sh $kGroup" >&2
  echo "        otherwise build in a debian:12 container, which leaves them alone" >&2
}

install_missing() {
  local -a missing=()
  while IFS='|' read -r _ package why _; do
    is_installed "$package" && continue
    ((${#missing[@]} > 0)) || echo "packages: missing for \"$kGroup\":"
    missing+=("$package")
    printf '  %-22s %s\n' "$package" "$why"
  done < <(wanted)
  if ((${#missing[@]} == 0)); then
    echo "packages: everything for \"$kGroup\" is installed"
    return
  fi
  export DEBIAN_FRONTEND=noninteractive
  # A stale or failing source must not stop an install that the lists at hand allow; if they do not, the install says so.
  apt update || echo "packages: apt-get update failed, going on with the lists that are here" >&2
  if ! apt install -y --no-remove --no-install-recommends "${missing[@]}"; then
    explain_conflict "${missing[@]}"
    exit 1
  fi
}

wanted >/dev/null
if is_debian_12; then
  install_missing
else
  check_other_system
fi
