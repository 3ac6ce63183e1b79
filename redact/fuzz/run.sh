#!/bin/sh
# run.sh TARGET SECONDS [OPTION…]: fuzzes one target; options are libFuzzer's.
# New inputs go to target/corpus/TARGET, what breaks a property to target/findings/TARGET.
set -eu
cd "$(dirname "$0")"
target=$1 seconds=$2
shift 2
bin=$(./build.sh)
work=${CARGO_TARGET_DIR:-target}
mkdir -p "$work/corpus/$target" "$work/findings/$target"
exec nice -n 10 "$bin/$target" -max_len=4096 -timeout=20 -max_total_time="$seconds" \
  -artifact_prefix="$work/findings/$target/" "$@" "$work/corpus/$target" "corpus/$target"
