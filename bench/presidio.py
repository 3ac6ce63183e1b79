"""Runs Presidio's pattern recognizers over the corpora and prints megabytes a second as JSON.

    PYTHONPATH=.tools/presidio python3 bench/presidio.py CORPUS_DIRECTORY

Sixteen recognizers work directly on each body, without the language model that Presidio usually has
beside them: what is measured is patterns, check digits and context words.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

from presidio_analyzer import predefined_recognizers as known

RECOGNIZERS = [
    known.CreditCardRecognizer(),
    known.CryptoRecognizer(),
    known.DateRecognizer(),
    known.EmailRecognizer(),
    known.IbanRecognizer(),
    known.IpRecognizer(),
    known.PhoneRecognizer(),
    known.UrlRecognizer(),
    known.UsBankRecognizer(),
    known.UsItinRecognizer(),
    known.UsPassportRecognizer(),
    known.UsSsnRecognizer(),
    known.NhsRecognizer(),
    known.InAadhaarRecognizer(),
    known.InPanRecognizer(),
    known.MedicalLicenseRecognizer(),
]
# Of four megabytes, what takes a second or two.
BYTES = 150_000
ROUNDS = 5


def redact(text):
    """What every recognizer finds in it, masked; where two overlap, the first."""
    found = []
    for recognizer in RECOGNIZERS:
        found += recognizer.analyze(text, recognizer.supported_entities, None) or []
    out, at = [], 0
    for result in sorted(found, key=lambda result: (result.start, -result.score)):
        if result.start >= at:
            out += [text[at : result.start], f"<{result.entity_type}>"]
            at = result.end
    out.append(text[at:])
    return "".join(out)


def measure(path):
    bodies, size = [], 0
    for body in path.read_bytes().split(b"\0"):
        if size >= BYTES:
            break
        bodies.append(body.decode())
        size += len(body)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for body in bodies:
            redact(body)
        times.append(time.process_time() - start)
    return size / 1e6 / sorted(times)[ROUNDS // 2]


def main():
    directory = Path(sys.argv[1])
    results = {path.name: measure(path) for path in sorted(directory.iterdir())}
    print(json.dumps({"version": version("presidio-analyzer"), "results": results}))


main()
