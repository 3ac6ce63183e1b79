#!/usr/bin/env python3
"""Checks `breakglass sign` and `breakglass verify` against securesystemslib, which implements DSSE apart from us.

usage: PYTHONPATH=.tools/securesystemslib check.py BREAKGLASS
"""

import base64
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples"
ORDER = "application/vnd.breakglass.order+json"
WARRANT = "application/vnd.breakglass.warrant+json"


def main(breakglass: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ours_is_theirs(breakglass, folder)
        theirs_is_ours(breakglass, folder)
    print("dsse: securesystemslib and breakglass agree")


def ours_is_theirs(breakglass: str, folder: pathlib.Path) -> None:
    """What we signed verifies there, and nothing else does."""
    keys = []
    envelope = EXAMPLES / "orders/warrant.json"
    for person in ["security", "platform"]:
        private = folder / person
        run(breakglass, "keygen", "--no-passphrase", "--out", private)
        signed = folder / f"{person}.dsse"
        run(breakglass, "sign", "--key", private, "-o", signed, envelope)
        envelope = signed
        line = private.with_suffix(".pub").read_bytes()
        raw = load_ssh_public_key(line).public_bytes(Encoding.Raw, PublicFormat.Raw)
        keyid = json.loads(signed.read_text())["signatures"][-1]["keyid"]
        keys.append(SSlibKey(keyid, "ed25519", "ed25519", {"public": raw.hex()}))
    document = json.loads(envelope.read_text())
    assert document["payloadType"] == WARRANT, document
    accepted = Envelope.from_dict(copy.deepcopy(document)).verify(keys, 2)
    assert len(accepted) == 2, accepted
    for changed in changes(document):
        try:
            Envelope.from_dict(copy.deepcopy(changed)).verify(keys, 2)
        except VerificationError:
            continue
        raise AssertionError(f"securesystemslib accepts {changed}")


def theirs_is_ours(breakglass: str, folder: pathlib.Path) -> None:
    """What was signed there verifies here, and nothing else does."""
    policy = json.loads((EXAMPLES / "policies/trust.json").read_text())
    warrant = json.loads((EXAMPLES / "orders/warrant.json").read_text())
    envelope = Envelope(json.dumps(warrant).encode(), WARRANT, {})
    for trusted in policy["trust"]["keys"]:
        signer = CryptoSigner.generate_ed25519()
        public = signer.public_key.to_dict()["keyval"]["public"]
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes.fromhex(public)
        trusted["key"] = "ssh-ed25519 " + base64.b64encode(blob).decode()
        if trusted["role"].endswith("_lead"):
            signature = envelope.sign(signer)
            del envelope.signatures[signature.keyid]
            signature.keyid = trusted["id"]
            envelope.signatures[signature.keyid] = signature
    file, good = folder / "policy.json", envelope.to_dict()
    file.write_text(json.dumps(policy))
    at = warrant["not_before"]
    status, said = verify(breakglass, folder, file, at, good)
    assert status == 0, said
    for changed in changes(good):
        status, said = verify(breakglass, folder, file, at, changed)
        assert status in (1, 2), f"{changed}: {said}"


def changes(document: dict):
    """The same envelope with one thing changed."""
    payload = bytearray(base64.b64decode(document["payload"]))
    payload[len(payload) // 2] ^= 1
    yield {**document, "payload": base64.b64encode(payload).decode()}
    yield {**document, "payloadType": ORDER}
    first, *rest = document["signatures"]
    signature = bytearray(base64.b64decode(first["sig"]))
    signature[5] ^= 0x40
    broken = {**first, "sig": base64.b64encode(signature).decode()}
    yield {**document, "signatures": [broken, *rest]}
    yield {**document, "signatures": rest}


def verify(breakglass: str, folder: pathlib.Path, policy: pathlib.Path, at: str, document: dict):
    file = folder / "envelope.dsse"
    file.write_text(json.dumps(document))
    command = [breakglass, "verify", "--policy", policy, "--at", at, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def run(*command) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
