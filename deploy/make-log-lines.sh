#!/usr/bin/env bash
# Prints COUNT log lines as a small server would write them, the same ones every time; for machines that have too few of their own.
# Usage: deploy/make-log-lines.sh COUNT
set -euo pipefail

if [[ ! "${1:-}" =~ ^[0-9]{1,9}$ ]]; then
  echo "usage: deploy/make-log-lines.sh COUNT" >&2
  exit 2
fi

# awk's own rand() differs between awks; this generator does not.
exec awk -v count="$1" '
function random(n) { state = (state * 16807) % 2147483647; return state % n }
function pick(list, n, parts) { n = split(list, parts, "|"); return parts[1 + random(n)] }
function address() { return "10." random(4) "." random(256) "." (1 + random(254)) }
function line(kind) {
  kind = random(10)
  if (kind < 3) return "nginx[812]: " address() " \"" pick("GET|GET|GET|POST") " " pick("/|/login|/api/v1/orders|/static/app.js|/search?q=k%C3%A4se") " HTTP/1.1\" " pick("200|200|200|304|404|500") " " random(90000) " " random(3000) "ms"
  if (kind < 5) return "sshd[" (1000 + random(9000)) "]: " pick("Accepted publickey for deploy|Failed password for invalid user admin|Connection closed by authenticating user root") " from " address() " port " (1024 + random(60000))
  if (kind < 6) return "kernel: [" random(999999) "." random(999999) "] " pick("eth0: link up, 1000 Mbps, full duplex|EXT4-fs (sda1): re-mounted|TCP: request_sock_TCP: Possible SYN flooding on port 443")
  if (kind < 8) return "systemd[1]: " pick("Started|Stopped|Reloaded|Starting") " " pick("backup.service|logrotate.service|cron.service|certbot.timer") "."
  if (kind < 9) return "app[" (200 + random(20)) "]: {\"level\":\"" pick("info|info|warn|error") "\",\"order\":" random(1000000) ",\"took_ms\":" random(900) ",\"user\":\"" pick("ana|bj\303\266rn|chen|dilara") "\"}"
  return "CRON[" (3000 + random(900)) "]: (root) CMD (" pick("run-parts /etc/cron.hourly|/usr/local/bin/backup --quiet|test -x /usr/sbin/anacron") ")"
}
BEGIN {
  state = 20240229
  for (i = 0; i < count; ++i) {
    second = int(i / 3)
    printf "Mar %2d %02d:%02d:%02d web%d %s\n", 1 + int(second / 86400) % 28, int(second / 3600) % 24, int(second / 60) % 60, second % 60, 1 + random(3), line()
  }
}'
