#!/bin/sh
# Makes of the module $1, as rustc built it, the one that is shipped, $2; what follows says which features of
# WebAssembly it may use. Leaves out the callbacks that the filter does not need (exports.json): a proxy
# makes every call that a module exports, for every request.
set -eu
built=$1 shipped=$2
shift 2
here=$(dirname -- "$0")
wasm-metadce "$@" --graph-file "$here/exports.json" "$built" -o "$shipped.new" > /dev/null
wasm-opt -Oz "$@" "$shipped.new" -o "$shipped.new"
mv "$shipped.new" "$shipped"
