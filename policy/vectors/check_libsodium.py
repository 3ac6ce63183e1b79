#!/usr/bin/env python3
"""Recomputes every number of decisions.json with libsodium.

    check_libsodium.py            checks; exit status 1 and a list of what differs, if anything does
    check_libsodium.py --write    recomputes the file from its salts and units

Nothing of Breakglass is used: SipHash-2-4 is libsodium's crypto_shorthash, SHA-256 and the exact
integers are Python's own.
"""

import copy
import hashlib
import json
import pathlib
import sys
from decimal import Decimal

try:
    from nacl.bindings import crypto_shorthash_siphash24
except ImportError:
    sys.exit("PyNaCl (Python's binding of libsodium) is missing; install it: python3 -m pip install pynacl")

FILE = pathlib.Path(__file__).with_name("decisions.json")
PPM_ALL = 1_000_000


def ppm(percent: str) -> int:
    scaled = Decimal(percent) * 10_000
    assert scaled == int(scaled), f"{percent} has more than four decimal places"
    return int(scaled)


def threshold(share_ppm: int) -> int:
    return share_ppm * 2**64 // PPM_ALL


def enters_at_ppm(bucket: int) -> int:
    """The smallest share that contains the bucket."""
    low, high = 1, PPM_ALL
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if bucket < threshold(middle) else (middle + 1, high)
    return low


def percent(share_ppm: int) -> str:
    return f"{share_ppm // 10_000}.{share_ppm % 10_000:04}"


def fill_unit(unit: dict, key: bytes, percents: list) -> dict:
    bytes_ = bytes.fromhex(unit["unit_hex"])
    bucket = int.from_bytes(crypto_shorthash_siphash24(bytes_, key), "little")
    enters = enters_at_ppm(bucket)
    filled = {"unit_hex": unit["unit_hex"]}
    try:
        filled["unit"] = bytes_.decode()
    except UnicodeDecodeError:
        pass
    return filled | {
        "bucket": str(bucket),
        "bucket_hex": f"{bucket:016x}",
        "enters_at_ppm": enters,
        "enters_at_percent": percent(enters),
        "arms": {p: "canary" if bucket < threshold(ppm(p)) else "stable" for p in percents},
    }


def fill(document: dict) -> dict:
    filled = copy.deepcopy(document)
    filled["thresholds"] = [
        {"percent": p, "ppm": ppm(p), "threshold": str(threshold(ppm(p)))} for p in document["percents"]
    ]
    for split in filled["splits"]:
        key = hashlib.sha256(split["salt"].encode()).digest()[:16]
        split["key_hex"] = key.hex()
        split["units"] = [fill_unit(unit, key, document["percents"]) for unit in split["units"]]
    return filled


def differences(found, expected, path=""):
    if type(found) is not type(expected):
        yield f"{path}: {found!r}, libsodium says {expected!r}"
    elif isinstance(expected, dict):
        for name in sorted(found.keys() | expected.keys()):
            yield from differences(found.get(name), expected.get(name), f"{path}/{name}")
    elif isinstance(expected, list):
        if len(found) != len(expected):
            yield f"{path}: {len(found)} entries, expected {len(expected)}"
        for place, pair in enumerate(zip(found, expected)):
            yield from differences(*pair, f"{path}/{place}")
    elif found != expected:
        yield f"{path}: {found!r}, libsodium says {expected!r}"


def text(document: dict) -> str:
    """One line for each unit, so that a difference shows which."""

    def lines(entries: list, indent: str) -> str:
        return "[\n" + ",\n".join(f"{indent}  {json.dumps(entry)}" for entry in entries) + f"\n{indent}]"

    splits = ",\n".join(
        f'    {{"salt": {json.dumps(split["salt"])}, "key_hex": "{split["key_hex"]}", "units": '
        + lines(split["units"], "    ") + "}"
        for split in document["splits"]
    )
    return (
        f'{{\n  "algorithm": {json.dumps(document["algorithm"])},\n'
        f'  "percents": {json.dumps(document["percents"])},\n'
        f'  "thresholds": {lines(document["thresholds"], "  ")},\n'
        f'  "splits": [\n{splits}\n  ]\n}}\n'
    )


def main() -> int:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    filled = fill(document)
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(text(filled), encoding="utf-8")
        print(f"wrote {FILE.name}")
        return 0
    wrong = list(differences(document, filled))
    for line in wrong:
        print(line)
    units = sum(len(split["units"]) for split in document["splits"])
    decisions = units * len(document["percents"])
    print(f"{units} buckets, {decisions} decisions: {len(wrong)} differ from libsodium")
    return 1 if wrong or not units else 0


if __name__ == "__main__":
    sys.exit(main())
