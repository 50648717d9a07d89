#!/usr/bin/env bash
# What `make run` does once Tidelog is built: starts one broker, sends it this machine's own log lines, reads them back, compares, and
# leaves the broker running until Ctrl-C.
# Knobs: QUICKSTART_PORT (9092), QUICKSTART_DATA (./data), QUICKSTART_ONCE=1 (stop after the comparison instead of waiting).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly kTidelog=build/release/tidelog
readonly kHost=127.0.0.1
readonly kPort="${QUICKSTART_PORT:-9092}"
readonly kBroker="$kHost:$kPort"
readonly kData="${QUICKSTART_DATA:-./data}"
readonly kWork=build/quickstart
readonly kMinLines=5000 kMaxLines=200000 kMaxBytes=$((64 << 20))
readonly kStartSeconds=20 kTransferSeconds=60 kStopSeconds=20
# A topic of its own: what an earlier run left in ./data must not blur the counts.
kTopic="quickstart-logs-$(date -u +%Y%m%d-%H%M%S)-$$"
readonly kTopic
export LC_ALL=C

broker_pid=""

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  hint: %s\n' "$line" >&2; done
  exit 1
}

port_answers() { (exec 3<>"/dev/tcp/$kHost/$kPort") 2>/dev/null; }
broker_lives() { [[ -n "$broker_pid" ]] && kill -0 "$broker_pid" 2>/dev/null; }

stop_broker() {
  broker_lives || return 0
  kill -TERM "$broker_pid" 2>/dev/null || true
  local deadline=$((SECONDS + kStopSeconds))
  while broker_lives && ((SECONDS < deadline)); do sleep 0.1; done
  if broker_lives; then
    say "The broker did not stop within $kStopSeconds s; killing it. Acknowledged records are on disk." >&2
    kill -KILL "$broker_pid" 2>/dev/null || true
  fi
  wait "$broker_pid" 2>/dev/null || true
}

on_signal() {
  trap '' INT TERM
  say ""
  say "Stopping the broker."
  stop_broker
  say "Stopped. What was written stays in $kData."
  exit 0
}

broker_failed() {
  sed 's/^/  broker: /' "$kWork/broker.log" | tail -n 20 >&2
  fail "$1" "the lines above are its log, $kWork/broker.log"
}

start_broker() {
  if port_answers; then
    fail "port $kPort on $kHost is in use: another broker, or another program, listens there" \
      "see who: ss -ltnp 'sport = :$kPort'" "use another port: make run QUICKSTART_PORT=$((kPort + 100))"
  fi
  "$kTidelog" serve -o "listeners=PLAINTEXT://$kBroker" -o "log.dirs=$kData" >"$kWork/broker.log" 2>&1 &
  broker_pid=$!
  local deadline=$((SECONDS + kStartSeconds))
  until port_answers; do
    broker_lives || broker_failed "the broker ended while starting"
    ((SECONDS < deadline)) || broker_failed "the broker did not open port $kPort within $kStartSeconds s"
    sleep 0.05
  done
}

# Real lines first. grep gives the last line of a file the line end it may lack.
print_machine_lines() {
  local file
  for file in /var/log/*.log /var/log/apt/*.log /var/log/syslog /var/log/messages; do
    if [[ -f "$file" && -r "$file" ]]; then grep -a '' "$file" || true; fi
  done
  if command -v journalctl >/dev/null; then timeout 5 journalctl -q --no-pager -n 20000 2>/dev/null || true; fi
}

gather_lines() {
  # head closes the pipe early when there are many lines; that is no failure.
  { print_machine_lines || true; } | { head -n "$kMaxLines" | head -c "$kMaxBytes" | grep -a '' || true; } >"$kWork/sent"
  local found
  found=$(wc -l <"$kWork/sent")
  if ((found < kMinLines)); then
    say "Found $found log lines on this machine; adding $((kMinLines - found)) generated ones."
    deploy/make-log-lines.sh $((kMinLines - found)) >>"$kWork/sent"
  else
    say "Found $found log lines on this machine."
  fi
}

# rate LABEL LINES BYTES START END (times as EPOCHREALTIME)
rate() {
  awk -v label="$1" -v lines="$2" -v bytes="$3" -v start="$4" -v end="$5" 'BEGIN {
    seconds = end - start; if (seconds < 0.001) seconds = 0.001
    printf "  %-9s %d records, %.1f MB in %.2f s: %.0f records/s, %.1f MB/s\n", label, lines, bytes / 1e6, seconds, lines / seconds, bytes / 1e6 / seconds }'
}

ship_lines() {
  local start end
  "$kTidelog" topic create "$kTopic" -b "$kBroker" --partitions 4 --replication-factor 1 >/dev/null ||
    fail "cannot create topic $kTopic" "the broker's log is $kWork/broker.log"
  start=$EPOCHREALTIME
  timeout "$kTransferSeconds" "$kTidelog" produce "$kTopic" -b "$kBroker" <"$kWork/sent" >/dev/null ||
    fail "tidelog produce failed (exit status $?)" "the broker's log is $kWork/broker.log"
  end=$EPOCHREALTIME
  rate written "$(wc -l <"$kWork/sent")" "$(wc -c <"$kWork/sent")" "$start" "$end"
  start=$EPOCHREALTIME
  timeout "$kTransferSeconds" "$kTidelog" consume "$kTopic" -b "$kBroker" -o start:end --raw >"$kWork/received" ||
    fail "tidelog consume failed (exit status $?)" "the broker's log is $kWork/broker.log"
  end=$EPOCHREALTIME
  rate "read back" "$(wc -l <"$kWork/received")" "$(wc -c <"$kWork/received")" "$start" "$end"
}

# Order holds within a partition, and the lines went to four, so both sides are sorted.
compare_lines() {
  sort "$kWork/sent" >"$kWork/sent.sorted"
  sort "$kWork/received" >"$kWork/received.sorted"
  if ! cmp -s "$kWork/sent.sorted" "$kWork/received.sorted"; then
    fail "what came back is not what was sent: $(wc -l <"$kWork/sent") lines out, $(wc -l <"$kWork/received") back" \
      "diff $kWork/sent.sorted $kWork/received.sorted"
  fi
  say "  compared  every line came back byte for byte"
}

suggest_next() {
  cat <<NEXT

The broker serves at $kBroker; its data is in $kData. Try, in another terminal:
  $kTidelog topic list -b $kBroker
  echo hello | $kTidelog produce greetings -b $kBroker
  $kTidelog consume greetings -b $kBroker -o start:end --raw
  kcat -b $kBroker -L                                             (any Kafka client works; kcat: apt-get install kcat)
  kcat -b $kBroker -C -t $kTopic -o beginning -e -q | head
Ctrl-C stops the broker.
NEXT
}

main() {
  [[ -x "$kTidelog" ]] || fail "$kTidelog is missing" "make build"
  mkdir -p "$kWork"
  trap stop_broker EXIT
  trap on_signal INT TERM
  gather_lines
  start_broker
  say "One broker runs at $kBroker (durability=fsync: an acknowledged record is on disk). Topic $kTopic, 4 partitions:"
  ship_lines
  compare_lines
  [[ "${QUICKSTART_ONCE:-}" != 1 ]] || return 0
  suggest_next
  local status=0
  wait "$broker_pid" || status=$?
  broker_failed "the broker ended by itself (exit status $status)"
}

main
