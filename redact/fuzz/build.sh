#!/bin/sh
# Builds the fuzz targets with coverage counters, on stable Rust, and prints where they are.
# The flags are those of cargo-fuzz without a sanitizer: there is no unsafe code to look into.
set -eu
cd "$(dirname "$0")"
command -v c++ > /dev/null || { echo "installing the package g++ (libFuzzer is C++)" >&2; apt-get update -qq && apt-get install -y -qq g++ > /dev/null; }
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
  cargo build --quiet --release --target "$host" --bins >&2
echo "${CARGO_TARGET_DIR:-target}/$host/release"
