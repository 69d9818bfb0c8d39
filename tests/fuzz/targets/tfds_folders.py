"""Folders prepared by TensorFlow Datasets, as SOURCE: a dataset that verifies, or a refusal of one line.

An input is a JSON object: names of files to what they have instead, each byte as a character of Latin-1.
"""

import io
import json
import random
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from unittest import mock

from fitfeed.beam_jobs import ConversionResult
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.tfds_info import INFO_NAME
from fitfeed.schemas.tfrecord import CorruptRecordError, iter_records
from tests.fuzz.kept_process import one_process_for_all
from tests.fuzz.mutate import damaged
from tests.fuzz.mutate_json import damaged_json
from tests.fuzz.regenerate_tfds_folder import FOLDER
from tests.fuzz.target import Target, expect
from tests.fuzz.targets.tfrecord import sealed
from tests.fuzz.watch_folder import touched_in
from tests.without_beam import convert

SHARD = "tfrecord"
"""Is in the names of shards, and of no other file."""

WHOLE_SHARD = "tiny_animals-train.tfrecord-00000-of-00001"
LEADING_OUT = ("../train.tfrecord-00000-of-00001", "../../etc/passwd-train.tfrecord-00000-of-00001")
"""Names that inputs of the saved corpus make, from the source: whole shards are there, which nobody may open."""


@cache
def files() -> dict[str, bytes]:
    """The files of the whole folder."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir())}


def whole() -> list[bytes]:
    """Nothing is damaged, and each file by itself."""
    return [b"{}", *(_dumped({name: content}) for name, content in files().items())]


def damage(corpus: Sequence[bytes], chance: random.Random) -> bytes:
    """Damages one file or two: JSON in what it says, records mostly under right checksums."""
    changed = _loaded(chance.choice(corpus))
    shards = [name for name in files() if SHARD in name]
    for _ in range(chance.choice((1, 1, 1, 2))):
        name = chance.choice([*files(), *shards * 3])
        content = changed.get(name, files()[name])
        if name.endswith(".json"):
            changed[name] = damaged_json([content], chance)
        elif SHARD in name:
            content = damaged([content], chance)
            changed[name] = sealed(content) if chance.random() < 0.8 else content
        else:
            changed[name] = damaged([content], chance)
    return _dumped(changed)


def _loaded(data: bytes) -> dict[str, bytes]:
    return {name: content.encode("latin-1") for name, content in json.loads(data).items()}


def _dumped(changed: dict[str, bytes]) -> bytes:
    return json.dumps({name: content.decode("latin-1") for name, content in changed.items()}).encode()


def check(data: bytes, folder: Path) -> None:
    """Converts it: all examples that can be used become a dataset in which nothing is damaged."""
    outside, dataset = folder / "outside", folder / "dataset"
    source = outside / "beside" / "prepared"
    changed = _loaded(data)
    for path in (outside, dataset):
        shutil.rmtree(path, ignore_errors=True)
    source.mkdir(parents=True)
    for name in LEADING_OUT:
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes(files()[WHOLE_SHARD])
    for name, content in {**_with_counts(changed), **changed}.items():
        (source / name).write_bytes(content)
    result = _converted(source, dataset, outside)
    if result is None:
        return
    expect(all(text.isprintable() for text in result.warnings), f"not printable: {result.warnings}")
    with one_process_for_all():
        found = verify_dataset(dataset)
    expect(found.ok, f"published, and damaged: {found}")


def _converted(source: Path, dataset: Path, outside: Path) -> ConversionResult | None:
    """Converts it, and looks that nothing around the source is opened; None if the source is refused."""
    result: ConversionResult | None = None
    refusal: FitfeedError | None = None
    with (
        mock.patch("os.fsync"),
        touched_in(outside, besides=source) as touched,
    ):  # the machine does not stop here
        try:
            result = convert(source, dataset, ConvertOptions(), max_bad=1.0)
        except FitfeedError as error:
            refusal = error
    expect(not touched, f"outside of the source: {touched}")
    if refusal is not None:
        expect(
            refusal.exit_status in (2, 3, 4, 5) and str(refusal).isprintable(),
            f"{refusal.exit_status}: {refusal}",
        )
    return result


def _with_counts(changed: dict[str, bytes]) -> dict[str, bytes]:
    """The whole folder, whose `dataset_info.json` says how many records damaged shards have. Else nothing more is read of them."""
    info = json.loads(files()[INFO_NAME])
    for split in info["splits"]:
        (name,) = (name for name in files() if f"-{split['name']}.{SHARD}" in name)
        if name in changed:
            split["shardLengths"] = [str(_count(changed[name]))]
    return {**files(), INFO_NAME: json.dumps(info).encode()}


def _count(shard: bytes) -> int:
    """Records up to damage, and the damaged one."""
    found = 0
    try:
        for _ in iter_records(io.BytesIO(shard)):
            found += 1
    except CorruptRecordError:
        return found + 1
    return found


TFDS_FOLDERS = Target("tfds_folders", whole, check, damage)
