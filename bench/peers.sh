# Sourced by the scripts of bench/: how each peer is started, prepared and stopped. All peers listen on $PORT, one at a time, but for
# Apache Kafka, which stays up (a JVM has to stay warm) on $KAFKA_PORT.
# shellcheck shell=bash disable=SC2034

build_dir="${BUILD_DIR:-build/release}"
data_dir="${BENCH_DATA:-build/bench-data}"
PORT="${PORT:-29610}"              # outside the ephemeral range, or a refused connect could meet itself
KAFKA_PORT="${KAFKA_PORT:-29620}"
BROKER_CPU="${BROKER_CPU:-0}"
LOAD_CPU="${LOAD_CPU:-1}"
floor="$build_dir/bench/tidelog-floor"
load="$build_dir/bench/tidelog-load"
tidelog="${TIDELOG:-$build_dir/tidelog}"
FETCH_FILE_BYTES="${FETCH_FILE_BYTES:-1073741824}"

broker_pid=""
holder_pid=""
kafka_dir=""
kafka_pid=""

fail() {
  echo "bench: $*" >&2
  exit 1
}

on_load_cpu() { taskset -c "$LOAD_CPU" "$@"; }

# Ends one process that this script started.
end_process() {
  [[ -n "$1" ]] || return 0
  kill "$1" 2>/dev/null || return 0
  wait "$1" 2>/dev/null || true
}

# Written memory is held and let go right before a run: see bench/load/held_memory.h.
hold_memory() {
  [[ "${HOLD_BYTES:-2500000000}" != 0 ]] || return 0
  "$load" hold --bytes "${HOLD_BYTES:-2500000000}" >"$data_dir/held" &
  holder_pid=$!
  until grep -q hold "$data_dir/held"; do
    kill -0 "$holder_pid" 2>/dev/null || fail "cannot hold memory"
    sleep 0.05
  done
}
release_memory() {
  end_process "$holder_pid"
  holder_pid=""
}

wait_for_port() {
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    kill -0 "$2" 2>/dev/null || fail "$3 ended while starting: see $data_dir/$3.log"
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.05
  done
  fail "$3 did not open port $1"
}

# floor_command MODE, tidelog_command MODE: fill the array `command`.
floor_command() {
  command=("$floor" --port "$PORT" --dir "$data_dir/floor")
  case $1 in
    fsync) command+=(--fsync) ;;
    page-cache) [[ "${2:-}" != fetch ]] || command+=(--fetch-file-bytes "$FETCH_FILE_BYTES") ;;
  esac
}
tidelog_command() {
  command=("$tidelog" serve -o "listeners=PLAINTEXT://127.0.0.1:$PORT" -o "advertised.listeners=PLAINTEXT://127.0.0.1:$PORT"
    -o "log.dirs=$data_dir/tidelog" -o "durability=$1")
}

# start_peer floor|tidelog MODE [fetch]: a fresh one; its process id goes to broker_pid.
start_peer() {
  local peer=$1
  rm -rf "${data_dir:?}/$peer"
  mkdir -p "$data_dir/$peer"
  "${peer}_command" "$2" "${3:-}"
  taskset -c "$BROKER_CPU" "${command[@]}" >"$data_dir/$peer.log" 2>&1 &
  broker_pid=$!
  wait_for_port "$PORT" "$broker_pid" "$peer"
}
stop_peer() {
  end_process "$broker_pid"
  broker_pid=""
  rm -rf "${data_dir:?}/floor" "${data_dir:?}/tidelog"
}

start_kafka() {
  kafka_dir="$PWD/$data_dir/kafka"
  [[ ! -e "$kafka_dir" ]] || "$KAFKA_PEER" stop -d "$kafka_dir" >/dev/null
  taskset -c "$BROKER_CPU" "$KAFKA_PEER" start -p "$KAFKA_PORT" -d "$kafka_dir" -o log.segment.delete.delay.ms=500 \
    -o auto.create.topics.enable=false >"$data_dir/kafka.log" 2>&1 || fail "Apache Kafka did not start: see $data_dir/kafka.log"
  kafka_pid=$(cat "$kafka_dir/1/pid")
}
stop_kafka() {
  [[ -n "$kafka_dir" ]] || return 0
  "$KAFKA_PEER" stop -d "$kafka_dir" >/dev/null 2>&1 || true
  kafka_dir=""
}

clean_up() {
  release_memory
  stop_peer
  stop_kafka
}
