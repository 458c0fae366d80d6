#!/usr/bin/env bash
# Fetches a release of the sidecar, proves its checksum, and unpacks it into a new folder. Changes nothing else.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: ./install.sh VERSION [--from FOLDER] [--to FOLDER]

Downloads the archive of VERSION (such as 1.0.0) for this machine and its
checksums.txt, compares the checksum, and unpacks the archive.

  --from FOLDER  take the archive and checksums.txt from FOLDER, download nothing
  --to FOLDER    unpack into FOLDER, which must not exist (default: ./galaxypay-sidecar)

It needs no root, and does not start the sidecar.
EOF
}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

# value OPTION VALUE: the value of an option, which must not be missing.
value() {
  [[ -n ${2-} ]] || fail "$1 needs a folder"
  printf '%s' "$2"
}

platform() {
  local os arch
  os=$(uname -s)
  arch=$(uname -m)
  case $os in
    Linux | Darwin) os=${os,,} ;;
    *) fail "there is no archive for $os by this script; on Windows, take the zip" ;;
  esac
  case $arch in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) fail "there is no archive for the processor $arch; build it: ./xcaddy.sh" ;;
  esac
  printf '%s_%s' "$os" "$arch"
}

download() {
  local url=https://github.com/galaxypay-sidecar/caddy-galaxypay/releases/download/v$version/$1
  curl --fail --silent --show-error --location --proto '=https' --output "$work/$1" "$url" ||
    fail "$url is not there. If the project has no release yet, build from a clone: ./xcaddy.sh"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# prove FILE: its checksum stands exactly once in checksums.txt, and is the file's own.
prove() {
  local want
  want=$(awk -v file="$1" '$2 == file || $2 == "*" file { print $1 }' "$work/checksums.txt")
  [[ $want =~ ^[0-9a-f]{64}$ ]] || fail "checksums.txt has no single checksum for $1"
  [[ $(sha256 "$work/$1") == "$want" ]] || fail "the checksum of $1 is wrong: do not use this file"
}

version='' from='' to=galaxypay-sidecar
while (($# > 0)); do
  case $1 in
    -h | --help) usage; exit ;;
    --from) from=$(value "$1" "${2-}"); shift 2 ;;
    --to) to=$(value "$1" "${2-}"); shift 2 ;;
    -*) fail "there is no option $1; see --help" ;;
    *) [[ -z $version ]] || fail "one version only"; version=${1#v}; shift ;;
  esac
done
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || fail "name a version, such as 1.0.0; see --help"
[[ ! -e $to ]] || fail "$to exists already; name another folder with --to"

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
archive=galaxypay-sidecar_${version}_$(platform).tar.gz
for file in checksums.txt "$archive"; do
  if [[ -z $from ]]; then
    download "$file"
  else
    cp "$from/$file" "$work/$file" || fail "$from has no $file"
  fi
done
prove "$archive"

mkdir -p "$to"
tar -xzf "$work/$archive" -C "$to"
echo "Unpacked into $to. Try it:"
echo "  cd $to && ./galaxypay-sidecar run --config Caddyfile.example"
