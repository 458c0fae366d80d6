# shellcheck shell=bash
# What the scripts of this folder share: start a server, send the README's payment through it, judge it, stop it.

# The ports of Caddyfile.example: sidecar, callbacks, demo shop, sandbox.
ports=(9180 9181 9182 9190)

fail() {
  echo "FAIL: $*" >&2
  exit 1
}

listening() {
  (exec 3<>"/dev/tcp/localhost/$1") 2>/dev/null
}

# A server left over from elsewhere would answer instead of ours.
need_free_ports() {
  local port
  for port in "${ports[@]}"; do
    if listening "$port"; then fail "port $port is in use"; fi
  done
}

# wait_until_up PID SECONDS: every port answers; gives up at once when the server has died.
wait_until_up() {
  local port deadline=$((SECONDS + $2))
  for port in "${ports[@]}"; do
    until listening "$port"; do
      kill -0 "$1" 2>/dev/null || fail "the server ended before port $port was open"
      ((SECONDS < deadline)) || fail "port $port is not open after $2 s"
      sleep 0.2
    done
  done
}

# leaves PID: the processes at the end of the tree under PID. "go run" and "buildah run" do not pass a signal on, so the
# server itself has to get it; they end when it ends.
leaves() {
  local child children
  children=$(cat "/proc/$1/task/"*/children 2>/dev/null || true)
  if [[ -z $children ]]; then
    echo "$1"
    return
  fi
  for child in $children; do leaves "$child"; done
}

# stop PID: ask it to end, wait, then insist.
stop() {
  local deadline=$((SECONDS + 20)) signal=TERM leaf
  while kill -0 "$1" 2>/dev/null; do
    for leaf in $(leaves "$1"); do kill -s "$signal" "$leaf" 2>/dev/null || true; done
    if ((SECONDS >= deadline)); then signal=KILL; fi
    sleep 0.5
  done
  wait "$1" || true
}

# block MARKER [FILE]: the fenced block of README.md, $readme or FILE, that follows the line <!-- ci: MARKER -->, as it is printed there.
block() {
  awk -v marker="<!-- ci: $1 -->" '
    $0 == marker { wanted = 1; next }
    wanted && /^```/ { if (inside) exit; inside = 1; next }
    inside { print }
  ' "${2:-${readme:-README.md}}"
}

# block_or_fail FILE MARKER: the block, which has to be there.
block_or_fail() {
  local lines
  lines=$(block "$2" "$1")
  [[ -n $lines ]] || fail "$1 has no block after <!-- ci: $2 -->"
  echo "$lines"
}

# run_block FILE MARKER: runs the lines of that block, in this folder.
run_block() {
  local lines
  lines=$(block_or_fail "$1" "$2")
  echo "$lines"
  bash -euo pipefail -c "$lines"
}

# start FILE MARKER LOG: runs the lines of that block in the background, and sets $started to the process. The last line is a server.
start() {
  local lines
  lines=$(block_or_fail "$1" "$2")
  start_lines "$lines" "$3"
}

# start_lines LINES LOG: the same with lines at hand, which may use the caller's variables.
start_lines() {
  (eval "$1") >"$2" 2>&1 &
  # shellcheck disable=SC2034 # for the caller
  started=$!
}

# Ids and times differ from run to run.
same_ids() {
  tr -d '\r' | sed -E 's/[0-9a-f]{32}/ID/g; s/[0-9]{14,}/N/g'
}

# pay DIR: run the README's payment as a reader would, then judge it by what it left behind. Caddy's log is DIR/log.
pay() {
  local work=$1/payment id missing
  mkdir "$work"
  block payment >"$work/payment.sh"
  [[ -s $work/payment.sh ]] || fail "${readme:-README.md} has no block after <!-- ci: payment -->"
  cat "$work/payment.sh"
  echo "--- output:"
  (cd "$work" && bash -euo pipefail payment.sh) 2>&1 | tee "$work/output"
  echo "---"

  # Each line that the README promises has to come; there may be more (a few headers).
  missing=$(block payment-output | same_ids | grep -vxF -f <(same_ids <"$work/output")) || true
  [[ -z $missing ]] || fail "${readme:-README.md} promises, after ids are evened out: $missing"

  id=$(grep -oE '"transactionID" *: *"[^"]+"' "$work/output" | head -n 1 | cut -d '"' -f 4) || true
  [[ -n $id ]] || fail "pay gave no transactionID"

  curl -sS --max-time 30 -D "$work/headers" -o "$work/query.json" \
    -H 'Content-Type: application/json' -d "{\"transactionID\": \"$id\"}" http://localhost:9180/query
  jq -e '.transactionStatus | tostring == "200"' "$work/query.json" >/dev/null ||
    fail "query says: $(cat "$work/query.json")"
  grep -qix $'Galaxypay-Payment-Status: paid\r' "$work/headers" || fail "query answered: $(cat "$work/headers")"

  # The demo shop's log; it goes by the header that only galaxypay_ipn sets, after it has proven the message.
  grep -F 'IPN taken' "$1/log" | grep -F "$id" | grep -E '"payment_status": ?"paid"' >/dev/null ||
    fail "no proven IPN for $id reached the demo shop"
  echo "Transaction $id: paid, its IPN proven and delivered."
}

# The program that packaging/build.sh makes deb and rpm with. $(go env GOPATH)/bin is on the PATH.
install_nfpm() {
  local module=github.com/goreleaser/nfpm/v2 version=v2.45.0
  [[ $(go version -m "$(command -v nfpm)" 2>/dev/null) == *"$module"$'\t'"$version"* ]] || go install "$module/cmd/nfpm@$version"
}
