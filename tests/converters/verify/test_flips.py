"""One flipped bit, anywhere in a dataset, is found, and located."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fitfeed.converters.verify import Finding, verify_dataset
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, read_manifest


@contextmanager
def flipped(path: Path, position: int, bit: int) -> Iterator[None]:
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[position] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        yield
    finally:
        path.write_bytes(content)


def hit(manifest: Manifest, indexes: dict[str, Index], file: str, position: int) -> int | None:
    """The row whose image a byte belongs to."""
    for name, split in manifest.splits.items():
        index = indexes[name]
        for number, shard in enumerate(split.shards):
            if shard.file == file:
                begin, end = index.offset, index.offset + index.length
                rows = (index.shard == number) & (begin <= position) & (position < end)
                return next(iter(rows.nonzero()[0].tolist()), None)
    return None


def is_located(findings: tuple[Finding, ...], row: int | None, position: int, length: int) -> bool:
    return row is None or any(
        finding.kind == "payload"
        and finding.example == row
        and finding.key
        and finding.offset is not None
        and finding.offset <= position < finding.offset + length
        for finding in findings
    )


def check_flips(dataset: Path, count: int, seed: int) -> None:
    chance = random.Random(seed)
    manifest = read_manifest(dataset)
    indexes = {name: Index(copy_of(dataset / split.index.file)) for name, split in manifest.splits.items()}
    files = [MANIFEST_NAME, *(entry.file for entry in manifest.files())]
    sizes = {file: (dataset / file).stat().st_size for file in files}
    missed = []
    for number in range(count):
        # Half of them fall on any byte, half on any file, or else small files would seldom be hit.
        weights = list(sizes.values()) if number % 2 else None
        file = chance.choices(files, weights)[0]
        position, bit = chance.randrange(sizes[file]), chance.randrange(8)
        with flipped(dataset / file, position, bit):
            findings = verify_dataset(dataset).findings
        row = hit(manifest, indexes, file, position)
        length = 0 if row is None else int(indexes[split_of(manifest, file)].length[row])
        if {finding.file for finding in findings} != {file} or not is_located(
            findings, row, position, length
        ):
            missed.append((file, position, bit, findings))
    assert missed == []
    assert verify_dataset(dataset).ok


def split_of(manifest: Manifest, file: str) -> str:
    return next(
        name for name, split in manifest.splits.items() if file in {shard.file for shard in split.shards}
    )


def copy_of(path: Path) -> Path:
    """A mapped file must not change under its reader."""
    copy = path.with_name(path.name + ".copy")
    copy.write_bytes(path.read_bytes())
    return copy


@pytest.mark.slow
def test_a_thousand_bits(dataset: Path) -> None:
    check_flips(dataset, 250, seed=2)  # in each of four layouts
