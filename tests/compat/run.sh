#!/usr/bin/env bash
# Runs Kafka clients by others against a fresh broker of ours: kcat with each codec today. More suites join as files in this folder.
# CONFORM=PROGRAM runs a conformance runner instead, as `PROGRAM run HOST:PORT --level LEVEL`; CONFORM_LEVEL is single unless said otherwise.
# The last line is: N passed, N failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly kTidelog=build/release/tidelog
readonly kLines=2000 kStartSeconds=20 kClientSeconds=60
work="$(mktemp -d)"
broker_pid=""
address=""
passed=0
failed=0
export LC_ALL=C

stop_broker() {
  if [[ -n "$broker_pid" ]]; then
    kill -TERM "$broker_pid" 2>/dev/null || true
    wait "$broker_pid" 2>/dev/null || true
  fi
  rm -rf "$work"
}

# A port nobody listens on, outside the range clients are given theirs from.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

start_broker() {
  local port deadline=$((SECONDS + kStartSeconds))
  port="$(free_port)"
  address="127.0.0.1:$port"
  "$kTidelog" serve -o "listeners=PLAINTEXT://$address" -o "log.dirs=$work/data" 2>"$work/broker.log" &
  broker_pid=$!
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    if ! kill -0 "$broker_pid" 2>/dev/null || ((SECONDS >= deadline)); then
      cat "$work/broker.log" >&2
      echo "compat: the broker does not serve" >&2
      exit 1
    fi
    sleep 0.05
  done
}

check() {
  local name="$1"
  shift
  if "$@" >"$work/check.log" 2>&1; then
    passed=$((passed + 1))
    echo "ok    $name"
  else
    failed=$((failed + 1))
    echo "FAIL  $name"
    sed 's/^/  | /' "$work/check.log"
  fi
}

kcat_round_trip() {
  local codec="$1" topic="compat-kcat-$1"
  timeout "$kClientSeconds" kcat -q -b "$address" -P -t "$topic" -z "$codec" -X acks=all <"$work/lines" || return 1
  timeout "$kClientSeconds" kcat -q -b "$address" -C -t "$topic" -o beginning -e >"$work/back" || return 1
  sort "$work/back" | cmp - <(sort "$work/lines")
}

kcat_idempotent() {
  timeout "$kClientSeconds" kcat -q -b "$address" -P -t compat-idempotent -X enable.idempotence=true <"$work/lines" || return 1
  timeout "$kClientSeconds" kcat -q -b "$address" -C -t compat-idempotent -o beginning -e >"$work/back" || return 1
  sort "$work/back" | cmp - <(sort "$work/lines")
}

kcat_keeps_keys_and_headers() {
  echo 'key:value' | timeout "$kClientSeconds" kcat -q -b "$address" -P -t compat-headers -K: -H name=tide || return 1
  timeout "$kClientSeconds" kcat -q -b "$address" -C -t compat-headers -o beginning -e -f '%k %s %h\n' | grep -qx 'key value name=tide'
}

main() {
  [[ -x "$kTidelog" ]] || { echo "compat: $kTidelog is missing (make build)" >&2; exit 2; }
  trap stop_broker EXIT
  start_broker
  if [[ -n "${CONFORM:-}" ]]; then
    "$CONFORM" run "$address" --level "${CONFORM_LEVEL:-single}"
    return
  fi
  deploy/make-log-lines.sh "$kLines" >"$work/lines"
  local codec
  for codec in none gzip snappy lz4 zstd; do check "kcat: $kLines lines, $codec" kcat_round_trip "$codec"; done
  check "kcat: idempotent producer" kcat_idempotent
  check "kcat: keys and headers" kcat_keeps_keys_and_headers
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

main
