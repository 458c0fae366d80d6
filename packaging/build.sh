#!/usr/bin/env bash
# Builds the archive for this machine, or for GOOS and GOARCH, into dist/. With nfpm on the PATH also deb and rpm, for Linux.
# Two builds of the same commit have the same bytes: no path, no build id, no time but the commit's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VERSION=${VERSION:-0.0.0}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
GOOS=$(go env GOOS)
GOARCH=$(go env GOARCH)
export VERSION SOURCE_DATE_EPOCH GOOS GOARCH CGO_ENABLED=0 GOFLAGS=-buildvcs=false

name=galaxypay-sidecar
binary=$name$(go env GOEXE)
STAGE=$(mktemp -d)
export STAGE
trap 'rm -r "$STAGE"' EXIT

mkdir -p dist
go build -o "$STAGE/$binary" -trimpath -ldflags '-s -w -buildid=' -tags nobadger,nomysql,nopgx ./cmd/caddy
cp Caddyfile.example README.md LICENSE "$STAGE"

chmod 0755 "$STAGE/$binary"
chmod 0644 "$STAGE"/{Caddyfile.example,README.md,LICENSE}
archive=${name}_${VERSION}_${GOOS}_${GOARCH}.tar.gz
tar --directory "$STAGE" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar \
  --create "$binary" Caddyfile.example README.md LICENSE | gzip --no-name >"dist/$archive"

if [[ $GOOS == linux ]] && command -v nfpm >/dev/null; then
  export ARCH=$GOARCH
  for packager in deb rpm; do
    nfpm package --config packaging/nfpm.yaml --packager "$packager" \
      --target "dist/${name}_${VERSION}_${GOOS}_${GOARCH}.$packager"
  done
fi

(cd dist && sha256sum "${name}_${VERSION}_"* >checksums.txt)
cat dist/checksums.txt
