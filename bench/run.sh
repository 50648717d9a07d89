#!/usr/bin/env bash
# Measures Tidelog beside the floor server and, where KAFKA_PEER names an executable that starts one, Apache Kafka: rounds in which the
# peers take turns, so that the machine's moods meet all of them. What the figures mean: docs/benchmarks.md.
# Usage: bench/run.sh [NAME]      writes bench/results/NAME.md and NAME.json (single-node)
#   ROUNDS=5            rounds; the tables give the median and the extremes
#   PEERS="floor tidelog kafka"   who takes part; kafka only if KAFKA_PEER is set
#   SCENARIOS="produce-1k produce-100b produce-1k-16 single fetch start memory"
#   MODES="page-cache fsync"
#   SCALE=100           per cent of the work of a run (10 for a trial)
#   KAFKA_PEER=PATH     called as PATH start -p PORT -d DIR [-o key=value]..., PATH stop -d DIR, PATH restart 1 -d DIR
#   KAFKA_WARMUP=30     seconds of load before Kafka's first round
#   BUILD_DIR, BENCH_DATA, PORT, KAFKA_PORT, BROKER_CPU, LOAD_CPU, HOLD_BYTES: see bench/peers.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=bench/peers.sh
source bench/peers.sh

readonly kName="${1:-single-node}"
ROUNDS="${ROUNDS:-5}"
SCALE="${SCALE:-100}"
PEERS="${PEERS:-floor tidelog kafka}"
SCENARIOS="${SCENARIOS:-produce-1k produce-100b produce-1k-16 single fetch start memory}"
MODES="${MODES:-page-cache fsync}"
KAFKA_WARMUP="${KAFKA_WARMUP:-30}"
[[ -n "${KAFKA_PEER:-}" ]] || PEERS="${PEERS//kafka/}"
raw="$data_dir/$kName.jsonl"

has() { [[ " $1 " == *" $2 "* ]]; }

# The arguments of the load generator for a scenario and a mode: the work is what the floor does in one or two seconds, the limit of
# seconds cuts it for whoever is slower.
scenario_arguments() {
  local -r seconds=$(((SCALE * 4 + 99) / 100))
  case $1 in
    produce-1k) arguments=(produce --record-bytes 1024 --batch-bytes 65536 --window 5 --requests $((240 * SCALE)) --warmup $((2 * SCALE))) ;;
    produce-100b) arguments=(produce --record-bytes 100 --batch-bytes 65536 --window 5 --requests $((240 * SCALE)) --warmup $((2 * SCALE))) ;;
    produce-1k-16) arguments=(produce --record-bytes 1024 --batch-bytes 65536 --window 16 --requests $((120 * SCALE)) --warmup $((2 * SCALE))) ;;
    single) arguments=(produce --record-bytes 1024 --batch-bytes 1 --window 256 --requests $((12000 * SCALE)) --warmup $((50 * SCALE))) ;;
    fetch) arguments=(fetch --max-bytes 1048576 --bytes $((40000000 * SCALE))) ;;
  esac
  arguments+=(--seconds "$seconds")
}

# measure PEER MODE SCENARIO PORT PID TOPIC: one line of JSON into the raw file.
measure() {
  local -r peer=$1 mode=$2 scenario=$3
  scenario_arguments "$scenario"
  [[ "$peer" != floor ]] || arguments+=(--floor)
  local line
  line=$(on_load_cpu "$load" "${arguments[@]}" --port "$4" --broker-pid "$5" --topic "$6") ||
    fail "$peer answered wrongly in $scenario, $mode: ${line:-no figures}"
  printf '{"round":%d,"peer":"%s","mode":"%s","case":"%s",%s\n' "$round" "$peer" "$mode" "$scenario" "${line#\{}" >>"$raw"
  echo "$line" | python3 -c 'import json,sys; r=json.load(sys.stdin); print("  %-8s %-10s %-13s %10.0f req/s %8.1f MB/s  p99 %.0f us" % (*sys.argv[1:4], r["requests_per_s"], r["mb_per_s"], r["p99_us"]))' "$peer" "$mode" "$scenario" >&2
}

# Fills topic `bench` with what the fetch reads; not measured.
fill_for_fetch() {
  on_load_cpu "$load" produce --port "$1" --topic "$2" --record-bytes 1024 --batch-bytes 65536 --window 5 --requests $((160 * SCALE)) >/dev/null ||
    fail "cannot fill the topic that is to be fetched"
}

# A fresh process for each measured run of the floor and of Tidelog.
one_run() {
  local -r peer=$1 mode=$2 scenario=$3
  hold_memory
  [[ "$scenario" != fetch ]] || release_memory
  start_peer "$peer" "$mode" "$scenario"
  if [[ "$peer" == tidelog ]]; then
    on_load_cpu "$load" create --port "$PORT" --topic bench
    [[ "$scenario" != fetch ]] || fill_for_fetch "$PORT" bench
  fi
  release_memory
  measure "$peer" "$mode" "$scenario" "$PORT" "$broker_pid" bench
  stop_peer
}

kafka_run() {
  local -r mode=$1 scenario=$2 topic="$2-$round-$1"
  local config=()
  [[ "$mode" != fsync ]] || config=(--config flush.messages=1)
  hold_memory
  [[ "$scenario" != fetch ]] || release_memory
  on_load_cpu "$load" create --port "$KAFKA_PORT" --topic "$topic" "${config[@]}"
  [[ "$scenario" != fetch ]] || fill_for_fetch "$KAFKA_PORT" "$topic"
  release_memory
  measure kafka "$mode" "$scenario" "$KAFKA_PORT" "$kafka_pid" "$topic"
  on_load_cpu "$load" delete --port "$KAFKA_PORT" --topic "$topic"
  sleep 1 # its log cleaner deletes the files 0.5 s later; the next run wants that memory
}

# The JIT compiler needs load of each kind before it has done its work.
warm_kafka_up() {
  local -r until=$((SECONDS + KAFKA_WARMUP))
  local pass=0
  while ((SECONDS < until)); do
    pass=$((pass + 1))
    on_load_cpu "$load" create --port "$KAFKA_PORT" --topic "warm-$pass"
    on_load_cpu "$load" produce --port "$KAFKA_PORT" --topic "warm-$pass" --requests 8000 --seconds 4 >/dev/null
    on_load_cpu "$load" produce --port "$KAFKA_PORT" --topic "warm-$pass" --batch-bytes 1 --window 256 --requests 1000000 --seconds 5 >/dev/null
    on_load_cpu "$load" fetch --port "$KAFKA_PORT" --topic "warm-$pass" --bytes 1000000000 --seconds 2 >/dev/null
    on_load_cpu "$load" delete --port "$KAFKA_PORT" --topic "warm-$pass"
  done
}

run_peer() {
  if [[ "$1" == kafka ]]; then kafka_run "$2" "$3"; else one_run "$1" "$2" "$3"; fi
}

rounds_of_load() {
  local scenario mode peer
  for ((round = 1; round <= ROUNDS; round++)); do
    echo "round $round of $ROUNDS" >&2
    for scenario in produce-1k produce-100b produce-1k-16 single fetch; do
      has "$SCENARIOS" "$scenario" || continue
      for mode in $MODES; do
        [[ "$scenario" != fetch || "$mode" == page-cache ]] || continue # reading does not depend on the mode
        [[ "$scenario" != produce-1k-16 || "$mode" == fsync ]] || continue # a deep window is for those who wait for a disk
        for peer in floor tidelog kafka; do
          ! has "$PEERS" "$peer" || run_peer "$peer" "$mode" "$scenario"
        done
      done
    done
  done
}

# Start to first ack: an empty broker from spawn on, a topic created and one record acknowledged.
start_times() {
  local peer mode
  for ((round = 1; round <= ROUNDS; round++)); do
    for peer in floor tidelog; do
      has "$PEERS" "$peer" || continue
      for mode in $MODES; do
        rm -rf "${data_dir:?}/$peer" && mkdir -p "$data_dir/$peer"
        "${peer}_command" "$mode"
        local floor_flag=()
        [[ "$peer" != floor ]] || floor_flag=(--floor)
        on_load_cpu "$load" first-ack --port "$PORT" --broker-cpu "$BROKER_CPU" "${floor_flag[@]}" -- "${command[@]}" 2>"$data_dir/$peer.log" |
          sed "s/^{/{\"round\":$round,\"peer\":\"$peer\",\"mode\":\"$mode\",\"case\":\"start\",/" >>"$raw"
      done
    done
  done
  stop_peer
}
# Apache Kafka is stopped and started again on its formatted, empty folder; the script around it costs some 20 ms of what is measured.
kafka_start_times() {
  for ((round = 1; round <= ROUNDS; round++)); do
    "$KAFKA_PEER" term 1 -d "$kafka_dir"
    while kill -0 "$kafka_pid" 2>/dev/null; do sleep 0.1; done
    on_load_cpu "$load" first-ack --keep --port "$KAFKA_PORT" --broker-cpu "$BROKER_CPU" -- "$KAFKA_PEER" restart 1 -d "$kafka_dir" 2>>"$data_dir/kafka.log" |
      sed "s/^{/{\"round\":$round,\"peer\":\"kafka\",\"mode\":\"page-cache\",\"case\":\"start\",/" >>"$raw"
    kafka_pid=$(cat "$kafka_dir/1/pid")
  done
}

# memory_of PEER PORT PID: resident memory idle, and with 10,000 partitions in 10 topics that nobody uses.
memory_of() {
  local topic
  sleep 1
  stat_line "$1" idle "$3"
  for ((topic = 0; topic < 10; topic++)); do create_idle_topic "$1" "$2" "idle-$topic"; done
  sleep 3
  stat_line "$1" partitions-10000 "$3"
}
create_idle_topic() {
  if [[ "$1" == tidelog ]]; then
    "$tidelog" topic create "$3" -b "127.0.0.1:$2" --partitions 1000 --replication-factor 1 >/dev/null
    on_load_cpu "$load" await --port "$2" --topic "$3" --partitions 1000
  else
    on_load_cpu "$load" create --port "$2" --topic "$3" --partitions 1000
  fi
}
stat_line() {
  "$load" stat --broker-pid "$3" | sed "s/^{/{\"round\":1,\"peer\":\"$1\",\"mode\":\"fsync\",\"case\":\"memory-$2\",/" >>"$raw"
}
memory_figures() {
  if has "$PEERS" floor; then
    start_peer floor fsync
    stat_line floor idle "$broker_pid"
    stop_peer
  fi
  if has "$PEERS" tidelog; then
    start_peer tidelog fsync
    memory_of tidelog "$PORT" "$broker_pid"
    stop_peer
  fi
}

main() {
  [[ -x "$floor" && -x "$load" ]] || { mkdir -p build && cmake --build "$build_dir" --target bench_programs; }
  ! has "$PEERS" tidelog || [[ -x "$tidelog" ]] || fail "$tidelog is not built (make build), or leave it out: PEERS=floor"
  mkdir -p "$data_dir" bench/results
  : >"$raw"
  trap clean_up EXIT
  if has "$PEERS" kafka; then
    echo "starting Apache Kafka and warming it up for $KAFKA_WARMUP s" >&2
    start_kafka
    if has "$SCENARIOS" memory; then
      sleep 3
      memory_of kafka "$KAFKA_PORT" "$kafka_pid"
      stop_kafka
      start_kafka
    fi
    warm_kafka_up
  fi
  rounds_of_load
  ! has "$SCENARIOS" start || start_times
  ! has "$SCENARIOS" start || ! has "$PEERS" kafka || kafka_start_times
  ! has "$SCENARIOS" memory || memory_figures
  [[ ! -e "$data_dir/instructions.jsonl" ]] || cat "$data_dir/instructions.jsonl" >>"$raw"
  python3 bench/report.py "$raw" "bench/results/$kName"
}
main
