#!/usr/bin/env bash
# xcaddy.sh where xcaddy is installed, and where it is not but is needed. A stand-in for xcaddy writes down what it is
# asked for and delivers the binary that is there already, or a useless one. Run after xcaddy.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source .ci/lib.sh

tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
mkdir "$tmp/bin"
export ASKED="$tmp/asked" DELIVER="$tmp/good"
cp caddy "$DELIVER"
cat >"$tmp/bin/xcaddy" <<'EOF'
#!/bin/sh
printf '%s\n' "$@" >"$ASKED"
cp "$DELIVER" "$4"
EOF
chmod +x "$tmp/bin/xcaddy"

script=$PWD/xcaddy.sh
module=github.com/galaxypay-sidecar/caddy-galaxypay
(cd / && PATH="$tmp/bin:$PATH" "$script" --with example.com/more) >"$tmp/output" 2>&1 || fail "$(cat "$tmp/output")"
diff "$ASKED" - <<EOF || fail 'xcaddy was asked for something else'
build
$(go list -m -f '{{.Version}}' github.com/caddyserver/caddy/v2)
--output
$PWD/caddy
--with
$module@v0.0.0=.
--with
$module/sandbox@v0.0.0=.
--with
$module/sandbox/demoshop@v0.0.0=.
--with
example.com/more
EOF

# A build without our modules is not passed off as good.
printf '#!/bin/sh\necho http.handlers.galaxypay\n' >"$tmp/useless"
chmod +x "$tmp/useless"
if DELIVER="$tmp/useless" PATH="$tmp/bin:$PATH" "$script" >"$tmp/output" 2>&1; then fail 'a useless build passed'; fi
grep -q 'lacks the module galaxypay$' "$tmp/output" || fail "$(cat "$tmp/output")"
cp "$tmp/good" caddy

if command -v xcaddy >/dev/null; then exit; fi
if "$script" --with example.com/more >"$tmp/output" 2>&1; then fail '--with passed without xcaddy'; fi
grep -q 'needs xcaddy' "$tmp/output" || fail "$(cat "$tmp/output")"
