#!/bin/sh
# Builds the module of bench/wasm in all variants into the directory $1, and their sizes as JSON:
# `z` and `3` are opt-levels of the redactor; the last one has no SIMD.
set -eu
mkdir -p "$1"
redactor='profile.release.package.breakglass-redact.opt-level'
finder='profile.release.package.memchr.opt-level'

build() { # name, opt-level, RUSTFLAGS
  RUSTFLAGS="$3" ${CARGO:-cargo} build --quiet -p breakglass-bench-wasm --release \
    --target wasm32-wasip1 --target-dir target/bench-wasm \
    --config "$redactor=$2" --config "$finder=$2"
  cp target/bench-wasm/wasm32-wasip1/release/breakglass_bench_wasm.wasm "$out/$1.wasm"
  sizes="$sizes${sizes:+, }\"$1\": $(wc -c < "$out/$1.wasm")"
}

out=$1 sizes=
build simd-z '"z"' '-Ctarget-feature=+simd128 -Cstrip=symbols'
build simd-3 3 '-Ctarget-feature=+simd128 -Cstrip=symbols'
build nosimd-3 3 '-Cstrip=symbols'
echo "{$sizes}" > "$out/sizes.json"
