#!/bin/sh
# thin.sh TARGET FOLDER…: makes corpus/TARGET anew of the short inputs in the folders: a few that
# reach about all the code that any of them reaches, without those that break a property.
set -eu
target=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/short" "$work/merged"
find "$@" -type f -size -400c -exec cp {} "$work/short" \; || true
cd "$(dirname "$0")"
bin=$(./build.sh)
"$bin/$target" -set_cover_merge=1 -use_counters=0 -use_cmp=0 -merge_control_file="$work/control" \
  "$work/merged" "$work/short" > /dev/null 2>&1
python3 - "$work/control" "corpus/$target" <<'END'
"""Takes the input that reaches most of what none before it did, again and again."""
import pathlib, shutil, sys

lines = pathlib.Path(sys.argv[1]).read_text().splitlines()
names = lines[2:2 + int(lines[0])]
reached = {}
for line in lines[2 + len(names):]:
    sort, place, *rest = line.split()
    if sort == "FT":
        reached[names[int(place)]] = set(rest)
every, known, chosen = set().union(*reached.values()), set(), []
while len(chosen) < 45 and known != every:
    best = max(sorted(reached), key=lambda name: len(reached[name] - known))
    chosen.append(best)
    known |= reached[best]
folder = pathlib.Path(sys.argv[2])
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
for place, name in enumerate(chosen):
    shutil.copy(name, folder / f"{place:02}")
print(f"{len(chosen)} of {len(names)} inputs, {len(known)} of {len(every)} features")
END
