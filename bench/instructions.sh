#!/usr/bin/env bash
# User-space instructions per request, by callgrind: the same work once and five times, so that start and stop cancel out. Writes lines that
# the next bench/run.sh takes into its tables, and keeps the profiles for callgrind_annotate.
# Usage: bench/instructions.sh      PEERS="floor tidelog", SCENARIOS="produce-1k produce-100b single fetch", INSTRUCTIONS_SCALE=1
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=bench/peers.sh
source bench/peers.sh

PEERS="${PEERS:-floor tidelog}"
SCENARIOS="${SCENARIOS:-produce-1k produce-100b single fetch}"
readonly kScale="${INSTRUCTIONS_SCALE:-1}"
FETCH_FILE_BYTES=33554432
command -v valgrind >/dev/null || fail "valgrind is not installed (deploy/packages.sh test)"

# Valgrind of Debian 12 fails on the debug information of clang 19, so it gets copies without; the names of functions stay.
without_debug_information() {
  local strip
  strip=$(command -v llvm-objcopy-19 || command -v objcopy) || fail "neither llvm-objcopy-19 nor objcopy is installed"
  "$strip" --strip-debug "$1" "$data_dir/stripped-${1##*/}"
}

# The arguments and the count of requests of one unit of work.
scenario_arguments() {
  case $1 in
    produce-1k) requests=$((200 * kScale)) arguments=(produce --record-bytes 1024 --batch-bytes 65536 --window 5) ;;
    produce-100b) requests=$((200 * kScale)) arguments=(produce --record-bytes 100 --batch-bytes 65536 --window 5) ;;
    single) requests=$((4000 * kScale)) arguments=(produce --record-bytes 1024 --batch-bytes 1 --window 256) ;;
    fetch) requests=$((40 * kScale)) arguments=(fetch --max-bytes 1048576) ;;
  esac
}

start_under_callgrind() {
  rm -rf "${data_dir:?}/$1"
  mkdir -p "$data_dir/$1"
  "$1_command" page-cache "$2"
  command[0]="$data_dir/stripped-${command[0]##*/}"
  valgrind --tool=callgrind --trace-children=no --callgrind-out-file="$3" "${command[@]}" >"$data_dir/$1.log" 2>&1 &
  broker_pid=$!
  wait_for_port "$PORT" "$broker_pid" "$1"
}

# counted PEER SCENARIO TIMES: instructions of a whole life of the process with TIMES units of work; sets `instructions` and `answered`.
counted() {
  local -r peer=$1 times=$3 profile="$data_dir/callgrind.$1.$2.$3"
  scenario_arguments "$2"
  start_under_callgrind "$peer" "$2" "$profile"
  if [[ "$peer" == floor ]]; then
    arguments+=(--floor)
  else
    on_load_cpu "$load" create --port "$PORT" --topic bench
    # The same for both lives, so it cancels out.
    [[ "$2" != fetch ]] || on_load_cpu "$load" produce --port "$PORT" --topic bench --requests 500 >/dev/null
  fi
  if [[ "$2" == fetch ]]; then arguments+=(--bytes $((requests * times * 1048576))); else arguments+=(--requests $((requests * times))); fi
  answered=$(on_load_cpu "$load" "${arguments[@]}" --port "$PORT" --topic bench | python3 -c 'import json,sys; print(json.load(sys.stdin)["requests"])')
  stop_peer
  instructions=$(awk '/^(totals|summary):/ {print $2; exit}' "$profile")
  [[ -n "$instructions" ]] || fail "no totals in $profile"
}

mkdir -p "$data_dir"
trap clean_up EXIT
: >"$data_dir/instructions.jsonl"
rm -f "$data_dir"/callgrind.*
for peer in $PEERS; do without_debug_information "${!peer}"; done
for scenario in $SCENARIOS; do
  for peer in $PEERS; do
    counted "$peer" "$scenario" 1
    once=$instructions
    answered_once=$answered
    counted "$peer" "$scenario" 5
    per_request=$(((instructions - once) / (answered - answered_once)))
    printf '{"round":1,"peer":"%s","mode":"page-cache","case":"instructions-%s","instructions_per_request":%d}\n' "$peer" "$scenario" "$per_request" |
      tee -a "$data_dir/instructions.jsonl"
  done
done
