#!/usr/bin/env bash
# Throughput with every acknowledgement synced, by the number of partitions that are written in turn: Tidelog beside the floor (one file,
# so only as one partition) and, where KAFKA_PEER names an executable that starts one (see bench/run.sh), Apache Kafka with
# flush.messages=1. What the figures mean: docs/benchmarks.md.
# Usage: bench/partitions.sh [NAME]      writes bench/results/NAME.md and NAME.json (partitions)
#   ROUNDS=3              rounds; in each, every peer does every number of partitions
#   RUN_SECONDS=60        of a measured run; less than 60 is a trial, for a checkpoint comes once a minute
#   WARM_SECONDS=10       of load before it, which makes the files and the journal
#   PARTITIONS="1 10 100 1000"
#   SHAPES="turns together"   turns: one batch a request, the partitions in turn. together: one request writes up to TOGETHER=100 of them
#   IN_FLIGHT=1000        batches on their way, whatever the shape; RECORD_BYTES=1024, one record a batch
#   PEERS="floor tidelog kafka", KAFKA_WARMUP=30 seconds, HOLD_BYTES=8000000000
#   KAFKA_PEER, BUILD_DIR, TIDELOG, BENCH_DATA, PORT, KAFKA_PORT, BROKER_CPU, LOAD_CPU: see bench/run.sh and bench/peers.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=bench/peers.sh
source bench/peers.sh

readonly kName="${1:-partitions}"
ROUNDS="${ROUNDS:-3}"
RUN_SECONDS="${RUN_SECONDS:-60}"
WARM_SECONDS="${WARM_SECONDS:-10}"
PARTITIONS="${PARTITIONS:-1 10 100 1000}"
SHAPES="${SHAPES:-turns together}"
IN_FLIGHT="${IN_FLIGHT:-1000}"
TOGETHER="${TOGETHER:-100}"
RECORD_BYTES="${RECORD_BYTES:-1024}"
PEERS="${PEERS:-floor tidelog kafka}"
KAFKA_WARMUP="${KAFKA_WARMUP:-30}"
HOLD_BYTES="${HOLD_BYTES:-8000000000}" # a run of a minute writes more than those of run.sh
[[ -n "${KAFKA_PEER:-}" ]] || PEERS="${PEERS//kafka/}"
[[ -z "${LOAD:-}" ]] || load="$LOAD"
raw="$data_dir/$kName.jsonl"
readonly kForever=1000000000

has() { [[ " $1 " == *" $2 "* ]]; }

# shape_of SHAPE PARTITIONS: fills the array `shape` with the arguments of the load generator.
shape_of() {
  local together=1
  [[ "$1" != together ]] || together=$(($2 < TOGETHER ? $2 : TOGETHER))
  (($2 % together == 0)) || fail "TOGETHER=$TOGETHER does not divide $2 partitions"
  ((IN_FLIGHT >= together)) || fail "IN_FLIGHT=$IN_FLIGHT batches are less than one request of $together"
  shape=(--partitions "$2" --batch-bytes 1 --record-bytes "$RECORD_BYTES" --window $((IN_FLIGHT / together)))
  # Without the flag where it says nothing, so that an older generator still measures the turns.
  ((together == 1)) || shape+=(--together "$together")
}

# measure PEER SHAPE PARTITIONS PORT PID TOPIC: warms up, then one line of JSON into the raw file.
measure() {
  local -r peer=$1 topic=(--port "$4" --topic "$6")
  local shape=() flags=() line
  shape_of "$2" "$3"
  [[ "$peer" != floor ]] || flags=(--floor)
  if ((WARM_SECONDS > 0)); then
    on_load_cpu "$load" produce "${topic[@]}" "${shape[@]}" "${flags[@]}" --requests "$kForever" --seconds "$WARM_SECONDS" >/dev/null ||
      fail "$peer answered wrongly while warming up with $3 partitions"
  fi
  release_memory
  : >"$data_dir/run-began"
  line=$(on_load_cpu "$load" produce "${topic[@]}" "${shape[@]}" "${flags[@]}" --requests "$kForever" --seconds "$RUN_SECONDS" \
    --broker-pid "$5") ||
    fail "$peer answered wrongly with $3 partitions, $2: ${line:-no figures}"
  printf '{"round":%d,"peer":"%s","mode":"fsync","case":"%s-%d","shape":"%s","partitions":%d,%s%s\n' "$round" "$peer" "$2" "$3" "$2" "$3" \
    "$(seen_on_disk "$peer")" "${line#\{}" >>"$raw"
  echo "$line" | python3 -c 'import json,sys; r=json.load(sys.stdin); print("  %-8s %-9s %5s partitions %10.0f records/s %8.1f MB/s  p99 %.0f us" % (*sys.argv[1:4], r["records_per_s"], r["mb_per_s"], r["p99_us"]))' "$peer" "$2" "$3" >&2
}

# What tells whether checkpoints and a journal were part of a run.
seen_on_disk() {
  [[ "$1" == tidelog ]] || return 0
  local checkpoint=0 journal=0
  [[ ! "$data_dir/tidelog/manifest" -nt "$data_dir/run-began" ]] || checkpoint=1
  [[ ! -d "$data_dir/tidelog/journal" ]] || journal=$(du -s --bytes "$data_dir/tidelog/journal" | cut -f1)
  printf '"checkpoint_in_run":%d,"journal_bytes":%d,' "$checkpoint" "$journal"
}

# A fresh process and folder for each run of the floor and of Tidelog.
one_run() {
  hold_memory
  start_peer "$1" fsync
  [[ "$1" == floor ]] || on_load_cpu "$load" create --port "$PORT" --topic bench --partitions "$3"
  measure "$1" "$2" "$3" "$PORT" "$broker_pid" bench
  stop_peer
}

kafka_run() {
  local -r topic="$1-$2-$round"
  hold_memory
  on_load_cpu "$load" create --port "$KAFKA_PORT" --topic "$topic" --partitions "$2" --config flush.messages=1
  measure kafka "$1" "$2" "$KAFKA_PORT" "$kafka_pid" "$topic"
  on_load_cpu "$load" delete --port "$KAFKA_PORT" --topic "$topic"
  sleep 1 # its log cleaner deletes the files 0.5 s later
}

# The JIT compiler needs load before it has done its work.
warm_kafka_up() {
  on_load_cpu "$load" create --port "$KAFKA_PORT" --topic warm --partitions 10
  on_load_cpu "$load" produce --port "$KAFKA_PORT" --topic warm --partitions 10 --batch-bytes 1 --window 256 --requests "$kForever" \
    --seconds "$KAFKA_WARMUP" >/dev/null || fail "Apache Kafka answered wrongly while warming up"
  on_load_cpu "$load" delete --port "$KAFKA_PORT" --topic warm
}

run_peer() {
  case $1 in
    # It knows one partition, and the shape makes no difference there.
    floor) [[ "$3" != 1 || "$2" != "${SHAPES%% *}" ]] || one_run "$@" ;;
    tidelog) one_run "$@" ;;
    kafka) kafka_run "$2" "$3" ;;
  esac
}

main() {
  local shape_name count peer port
  [[ -x "$floor" && -x "$load" ]] || { mkdir -p build && cmake --build "$build_dir" --target bench_programs; }
  ! has "$PEERS" tidelog || [[ -x "$tidelog" ]] || fail "$tidelog is not built (make build), or leave it out: PEERS=floor"
  mkdir -p "$data_dir" bench/results
  for port in "$PORT" "$KAFKA_PORT"; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "something listens on port $port already: it would be measured instead"
  done
  printf '{"case":"settings","run_seconds":%d,"in_flight":%d,"record_bytes":%d,"together":%d}\n' \
    "$RUN_SECONDS" "$IN_FLIGHT" "$RECORD_BYTES" "$TOGETHER" >"$raw"
  trap clean_up EXIT
  trap 'exit 143' TERM
  trap 'exit 130' INT
  if has "$PEERS" kafka; then
    echo "starting Apache Kafka and warming it up for $KAFKA_WARMUP s" >&2
    start_kafka
    warm_kafka_up
  fi
  for ((round = 1; round <= ROUNDS; round++)); do
    echo "round $round of $ROUNDS" >&2
    for shape_name in $SHAPES; do
      for count in $PARTITIONS; do
        for peer in floor tidelog kafka; do
          ! has "$PEERS" "$peer" || run_peer "$peer" "$shape_name" "$count"
        done
      done
    done
  done
  python3 bench/storage_report.py partitions "$raw" "bench/results/$kName"
}
main
