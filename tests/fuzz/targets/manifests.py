"""The manifest of a dataset: all commands that read it, and training."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

from fitfeed.converters.planning.target import open_target
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, fingerprint_of
from fitfeed.schemas.storage.local import LocalPlace
from tests.fuzz.command import run_command
from tests.fuzz.datasets import GOLDEN, read_everything, with_file
from tests.fuzz.mutate_json import damaged_json
from tests.fuzz.target import Target

DATASET = "version-2-labels-tfrecord"


def whole() -> list[bytes]:
    """The manifest of a dataset with labels of every kind, and of one of 16 bits."""
    return [(GOLDEN / name / MANIFEST_NAME).read_bytes() for name in (DATASET, "version-2-16-bits-tfrecord")]


def damage(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages a manifest, mostly under the right fingerprint."""
    data = damaged_json(corpus, chance)
    return sealed(data) if chance.random() < 0.8 else data


def sealed(data: bytes) -> bytes:
    """The same manifest with its fingerprint, if it has one."""
    try:
        content = json.loads(data)
        content["fingerprint"] = fingerprint_of(Manifest.model_validate_json(json.dumps(content)))
    except (ValueError, TypeError, RecursionError):
        return data
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"


def check(data: bytes, folder: Path) -> None:
    """Inspects, verifies and reads the dataset, and opens it to append to."""
    dataset = with_file(folder, DATASET, {MANIFEST_NAME: data}, sealed=False)
    run_command("inspect", dataset, *(["--json"] if len(data) % 2 else []))
    run_command("verify", dataset)
    read_everything(dataset)
    for append in (True, False):
        try:
            open_target(LocalPlace(dataset), append=append, overwrite=not append).complete(None)
        except FitfeedError as error:
            str(error)


MANIFESTS = Target("manifests", whole, check, damage)
