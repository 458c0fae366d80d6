#!/usr/bin/env bash
# Builds ./caddy with the Galaxy Pay modules of this checkout, and proves the result.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: ./xcaddy.sh [xcaddy arguments]

Builds ./caddy: Caddy, in the version that go.mod names, with the Galaxy Pay
modules of this checkout. Uses xcaddy where it is installed, else "go build
./cmd/caddy" with the same flags.

Arguments are passed on to "xcaddy build", to add more modules for example:

  ./xcaddy.sh --with github.com/caddy-dns/cloudflare

The binary is static (set CGO_ENABLED=1 to change that); GOOS and GOARCH work
as they do everywhere in Go.
EOF
}

case ${1-} in
  -h | --help)
    usage
    exit
    ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")"

module=github.com/galaxypay-sidecar/caddy-galaxypay
caddy_version=$(go list -m -f '{{.Version}}' github.com/caddyserver/caddy/v2)
# Static, so that the binary runs in an image that holds nothing else.
export CGO_ENABLED="${CGO_ENABLED:-0}"

# The first build downloads and compiles for minutes. With -v Go prints each package, so that one sees that it moves.
echo "The first build takes about ten minutes on two cores; a later one seconds."
export GOFLAGS="${GOFLAGS:+$GOFLAGS }-v"

if command -v xcaddy >/dev/null; then
  echo "Building ./caddy with xcaddy, Caddy $caddy_version"
  # v0.0.0 makes Go take the packages from this folder without asking a module proxy for versions of them, which
  # fails for a fork or before a release. The sandbox and the demo shop are packages of the same module, but xcaddy
  # asks for each package by itself and needs the same hint.
  xcaddy build "$caddy_version" --output "$PWD/caddy" \
    --with "$module@v0.0.0=." \
    --with "$module/sandbox@v0.0.0=." \
    --with "$module/sandbox/demoshop@v0.0.0=." \
    "$@"
elif (($# > 0)); then
  echo "xcaddy.sh: '$*' needs xcaddy, and it is not on the PATH:" >&2
  echo "  go install github.com/caddyserver/xcaddy/cmd/xcaddy@latest" >&2
  exit 1
else
  echo "Building ./caddy with go build, Caddy $caddy_version (xcaddy is not on the PATH)"
  go build -o caddy -ldflags '-w -s' -trimpath -tags nobadger,nomysql,nopgx ./cmd/caddy
fi

if [[ "$(go env GOOS)/$(go env GOARCH)" != "$(go env GOHOSTOS)/$(go env GOHOSTARCH)" ]]; then
  echo "Built for $(go env GOOS)/$(go env GOARCH); not tried, as it cannot run here."
  exit
fi

# A build can succeed without a module in it, so ask the binary itself.
have=$(./caddy list-modules)
for want in galaxypay galaxypay.store.{sqlite,postgres} http.handlers.galaxypay{,_ipn,_result,_sandbox,_demo_shop}; do
  if ! grep -qxF "$want" <<<"$have"; then
    echo "xcaddy.sh: ./caddy lacks the module $want" >&2
    exit 1
  fi
done
./caddy validate --config Caddyfile.example --adapter caddyfile
echo "Built and proven: $PWD/caddy"
