#!/usr/bin/env bash
# What `make run` does once Tidelog is built: starts one broker and two members of a group, sends this machine's own log lines, compares what
# the members wrote, and leaves the broker running until Ctrl-C.
# Knobs: QUICKSTART_PORT (9092), QUICKSTART_DATA (./data), QUICKSTART_ONCE=1 (stop after the comparison instead of waiting);
# QUICKSTART_TIDELOG and QUICKSTART_WORK (what to run, and where to put what is sent and received).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly kTidelog="${QUICKSTART_TIDELOG:-build/release/tidelog}"
readonly kHost=127.0.0.1
readonly kPort="${QUICKSTART_PORT:-9092}"
readonly kBroker="$kHost:$kPort"
readonly kData="${QUICKSTART_DATA:-./data}"
readonly kWork="${QUICKSTART_WORK:-build/quickstart}"
readonly kMinLines=5000 kMaxLines=200000 kMaxBytes=$((64 << 20))
readonly kStartSeconds=20 kTransferSeconds=60 kStopSeconds=20
# How long a new group waits for more members. Kafka's 3 s are for processes that start on many machines; these two start together.
readonly kGroupDelayMs=250
readonly kMembers=2 kPartitions=4
# A topic and a group of their own: what an earlier run left in ./data must not blur the counts.
kRun="$(date -u +%Y%m%d-%H%M%S)-$$"
readonly kRun
readonly kTopic="quickstart-logs-$kRun" kGroup="quickstart-readers-$kRun"
export LC_ALL=C

broker_pid=""
member_pids=()

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  hint: %s\n' "$line" >&2; done
  exit 1
}

port_answers() { (exec 3<>"/dev/tcp/$kHost/$kPort") 2>/dev/null; }
lives() { kill -0 "$1" 2>/dev/null; }
broker_lives() { [[ -n "$broker_pid" ]] && lives "$broker_pid"; }

# As Ctrl-C does: each commits what it has written, and leaves the group.
stop_members() {
  local pid deadline=$((SECONDS + kStopSeconds))
  for pid in "${member_pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  for pid in "${member_pids[@]}"; do
    while lives "$pid" && ((SECONDS < deadline)); do sleep 0.02; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  member_pids=()
}

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

stop_all() {
  stop_members
  stop_broker
}

on_signal() {
  trap '' INT TERM
  say ""
  say "Stopping the broker."
  stop_all
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
  "$kTidelog" serve -o "listeners=PLAINTEXT://$kBroker" -o "log.dirs=$kData" \
    -o "group.initial.rebalance.delay.ms=$kGroupDelayMs" >"$kWork/broker.log" 2>&1 &
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

make_topic() {
  "$kTidelog" topic create "$kTopic" -b "$kBroker" --partitions "$kPartitions" --replication-factor 1 >/dev/null ||
    fail "cannot create topic $kTopic" "the broker's log is $kWork/broker.log"
}

start_members() {
  local number
  rm -f "$kWork"/received.*
  for ((number = 1; number <= kMembers; ++number)); do
    "$kTidelog" consume "$kTopic" -b "$kBroker" --group "$kGroup" -F --from-beginning --raw -X "client.id=reader-$number" \
      >"$kWork/received.$number" 2>"$kWork/reader-$number.log" &
    member_pids+=($!)
  done
}

members_failed() {
  sed 's/^/  /' "$kWork"/reader-*.log >&2
  fail "$1" "the broker's log is $kWork/broker.log" "see: $kTidelog group describe $kGroup -b $kBroker --history"
}

# wait_for CONDITION WHAT: WHAT is what to say when the time is over.
wait_for() {
  local pid deadline=$((SECONDS + kTransferSeconds))
  until "$1"; do
    for pid in "${member_pids[@]}"; do lives "$pid" || members_failed "a member of the group ended by itself"; done
    ((SECONDS < deadline)) || members_failed "$2 within $kTransferSeconds s"
    sleep 0.02
  done
}

# The state stands in column 3, what a member has in column 9.
has_shared_out() {
  "$kTidelog" group describe "$kGroup" -b "$kBroker" --format tsv 2>/dev/null |
    awk -F '\t' -v members="$kMembers" '$3 == "Stable" && $9 != "" { ++count } END { exit count != members }'
}

has_all_lines() { (($(cat "$kWork"/received.? | wc -l) >= $(wc -l <"$kWork/sent"))); }

# The lag stands in column 6: empty where nothing is committed yet.
has_no_lag() {
  "$kTidelog" group lag "$kGroup" -b "$kBroker" --format tsv 2>/dev/null |
    awk -F '\t' -v partitions="$kPartitions" '$6 == "0" { ++count } END { exit count != partitions }'
}

indented() { sed 's/^/    /'; }

show_members() {
  say "  group     $kMembers members of group $kGroup share the partitions:"
  "$kTidelog" group describe "$kGroup" -b "$kBroker" --format tsv |
    awk -F '\t' '{ split($9, parts, ":"); printf "%s has partitions %s\n", $6, parts[2] }' | sort | indented
}

show_lag() {
  say "  lag       what each partition holds, and what the group has committed:"
  "$kTidelog" group lag "$kGroup" -b "$kBroker" --format tsv |
    awk -F '\t' '{ printf "partition %s: %d of %d records, lag %d (%s)\n", $3, $4, $5, $6, $8 }' | indented
}

ship_lines() {
  local start written read
  wait_for has_shared_out "the group did not share out the partitions"
  show_members
  start=$EPOCHREALTIME
  timeout "$kTransferSeconds" "$kTidelog" produce "$kTopic" -b "$kBroker" <"$kWork/sent" >/dev/null ||
    fail "tidelog produce failed (exit status $?)" "the broker's log is $kWork/broker.log"
  written=$EPOCHREALTIME
  wait_for has_all_lines "the group did not read all lines"
  read=$EPOCHREALTIME
  rate written "$(wc -l <"$kWork/sent")" "$(wc -c <"$kWork/sent")" "$start" "$written"
  rate "read" "$(cat "$kWork"/received.? | wc -l)" "$(cat "$kWork"/received.? | wc -c)" "$start" "$read"
  wait_for has_no_lag "the group did not commit what it read"
  show_lag
  stop_members
}

# Order holds within a partition, and the lines went to four, so both sides are sorted.
compare_lines() {
  sort "$kWork/sent" >"$kWork/sent.sorted"
  sort "$kWork"/received.? >"$kWork/received.sorted"
  if ! cmp -s "$kWork/sent.sorted" "$kWork/received.sorted"; then
    fail "what came back is not what was sent: $(wc -l <"$kWork/sent") lines out, $(wc -l <"$kWork/received.sorted") back" \
      "diff $kWork/sent.sorted $kWork/received.sorted"
  fi
  say "  compared  every line came back byte for byte"
}

suggest_next() {
  cat <<NEXT

The broker serves at $kBroker; its data is in $kData. Try, in another terminal:
  $kTidelog topic list -b $kBroker
  echo hello | $kTidelog produce greetings -b $kBroker
  $kTidelog consume greetings -b $kBroker --group greeters -F --from-beginning     (start it twice: the two share the partitions)
  $kTidelog group describe greeters -b $kBroker --history                          (who has what, and why it came so)
  $kTidelog group lag greeters $kGroup -b $kBroker
  kcat -b $kBroker -L                                             (any Kafka client works; kcat: apt-get install kcat)
  kcat -b $kBroker -C -t $kTopic -o beginning -e -q | head
What a group is, and what else it can do: docs/groups.md, docs/group-commands.md. Ctrl-C stops the broker.
NEXT
}

main() {
  [[ -x "$kTidelog" ]] || fail "$kTidelog is missing" "make build"
  mkdir -p "$kWork"
  trap stop_all EXIT
  trap on_signal INT TERM
  start_broker
  say "One broker runs at $kBroker (durability=fsync: an acknowledged record is on disk)."
  make_topic
  start_members
  gather_lines  # While the group waits for its members.
  say "Topic $kTopic, $kPartitions partitions:"
  ship_lines
  compare_lines
  [[ "${QUICKSTART_ONCE:-}" != 1 ]] || return 0
  suggest_next
  local status=0
  wait "$broker_pid" || status=$?
  broker_failed "the broker ended by itself (exit status $status)"
}

main
