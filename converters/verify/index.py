"""Checks the rows of a split's index against the manifest."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fitfeed.converters.verify.labels import Checked, check_labels, class_counts
from fitfeed.converters.verify.report import FINDINGS_PER_FILE, Finding
from fitfeed.converters.verify.rows import ShardRows
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index import MAX_DEVIATION, MAX_MEAN, Index
from fitfeed.schemas.index_columns import TextColumn
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.manifest_parts import Extent, Split
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES

BLOCK_ROWS = 1 << 20


def check_rows(rows: ShardRows, *, number: int, file: str) -> Iterator[Finding]:
    """Checks the rows of one shard, each by itself and against the one before.

    Args:
        rows: Rows of the shard; the index must be there.
        number: Position of the shard in its split.
        file: Name of the index.
    """
    for wrong, what in _row_checks(rows, number):
        for row in np.flatnonzero(wrong)[: FINDINGS_PER_FILE + 1].tolist():
            yield _about_row(file, rows.first + row, rows.key(row), what)


def _row_checks(rows: ShardRows, number: int) -> Iterator[Checked]:
    part = slice(rows.first, rows.stop)
    index, image = rows.index, rows.manifest.features.image
    if index is None:
        return
    height, width = index.height[part], index.width[part]
    yield index.shard[part] != number, f"its shard is not {number}, as the manifest says"
    yield from check_labels(rows)
    yield (height < 1) | (width < 1), "its height or width is less than 1"
    yield from _check_facts(index, part, sources=len(rows.manifest.sources))
    if image.encoding == "keep":
        resized = (height != index.source_height[part]) | (width != index.source_width[part])
        yield resized, "its size is not that of its source, and nothing was resized"
    if image.shape[0] is not None:
        wrong = (height != image.shape[0]) | (width != image.shape[1])
        yield wrong, f"its size is not {image.shape[0]} x {image.shape[1]}, the size of all images"
    if image.encoding == "raw":
        pixels = height.astype(np.int64) * width
        too_large = pixels > MAX_PAYLOAD_BYTES  # and times three might not fit into 64 bits
        yield (
            too_large | (rows.length != pixels * image.channels * image.value_bytes),
            "its length does not follow from its height and width",
        )
    yield ~rows.inside, f"its bytes are outside its shard, or none, or more than {MAX_PAYLOAD_BYTES}"
    yield ~rows.ascending, "its bytes begin before the end of the previous example"


def _check_facts(index: Index, part: slice, *, sources: int) -> Iterator[Checked]:
    """What is known of the files that the examples were made from, each by itself."""
    source = index.source[part]
    yield (source < 0) | (source >= sources), f"its source is not one of 0 to {sources - 1}"
    yield index.source_bytes[part] < 1, "its file had less than 1 byte"
    yield (
        (index.source_height[part] < 1) | (index.source_width[part] < 1),
        "its source's height or width is less than 1",
    )
    yield index.mean[part] > MAX_MEAN, f"its mean is more than {MAX_MEAN}, which is white"
    yield index.deviation[part] > MAX_DEVIATION, f"its deviation is more than {MAX_DEVIATION}"
    yield (index.orientation[part] < 1) | (index.orientation[part] > 8), "its orientation is not 1 to 8"
    yield index.source_format.wrong(part), "its source_format is none of those that the index names"
    yield index.profile.wrong(part), "its profile is none of those that the index names"


def check_split(index: Index, name: str, manifest: Manifest) -> Iterator[Finding]:
    """Checks what the manifest says of all rows of a split together.

    Args:
        index: Index of the split, with as many rows as the manifest says.
        name: Name of the split.
        manifest: Manifest of the dataset.
    """
    split, file = manifest.splits[name], manifest.splits[name].index.file
    yield from _check_class_counts(index, split, manifest)
    for side, extent in (("height", split.height), ("width", split.width)):
        found = _extent(getattr(index, side))
        if found != extent:
            detail = f"its {side}s are {_figures(found)}, the manifest says {_figures(extent)}"
            yield Finding(file=file, kind="index", detail=detail)
    pixels = sum(
        int(index.height[block].astype(np.int64) @ index.width[block].astype(np.int64))
        for block in _blocks(len(index))
    )
    counted = int(split.counts[0].sum())
    if pixels != counted:
        detail = f"its images have {pixels} pixels, the manifest's histogram counts {counted}"
        yield Finding(file=file, kind="statistics", detail=detail)


def _check_class_counts(index: Index, split: Split, manifest: Manifest) -> Iterator[Finding]:
    counts = class_counts(index, manifest)
    for number in np.flatnonzero(counts != split.class_counts).tolist():
        detail = f"class {number} has {counts[number]} rows, the manifest says {split.class_counts[number]}"
        yield Finding(file=split.index.file, kind="index", detail=detail)


def _extent(sizes: npt.NDArray[np.int32]) -> Extent | None:
    """The distribution of sizes, as `fitfeed.converters.publishing.split_index` computes it, but without sorting them all."""
    counted: dict[int, int] = {}
    for block in _blocks(len(sizes)):
        for size, times in zip(*np.unique(sizes[block], return_counts=True), strict=True):
            counted[int(size)] = counted.get(int(size), 0) + int(times)
    if not counted or min(counted) < 1:
        return None
    values = np.array(sorted(counted))
    upto = np.cumsum([counted[value] for value in values.tolist()])
    low, p5, median, p95, high = (
        int(values[np.searchsorted(upto, max(1, -(-len(sizes) * percent // 100)))])
        for percent in (0, 5, 50, 95, 100)
    )
    return Extent(min=low, p5=p5, median=median, p95=p95, max=high)


def _figures(extent: Extent | None) -> str:
    return (
        "none"
        if extent is None
        else f"{extent.min}..{extent.max}, median {extent.median}, 5% {extent.p5}, 95% {extent.p95}"
    )


def check_keys(indexes: Sequence[tuple[str, Index]]) -> Iterator[Finding]:
    """Checks that all keys, paths and text labels are text, and that no key occurs twice in the dataset.

    Two hashes of 8 bytes for each key are in memory. Keys with equal hashes are compared themselves.

    Args:
        indexes: File name and index of each split.
    """
    hashes = []
    for file, index in indexes:
        hashed = np.empty(len(index), np.int64)
        texts = [column for column in index.labels.values() if isinstance(column, TextColumn)]
        for row in range(len(index)):
            try:
                hashed[row] = hash(index.key(row))
                index.path(row)
                for column in texts:
                    column[row]
            except DamagedDatasetError as error:
                hashed[row] = -2 - row  # no two alike, so that they are no duplicates
                yield _about_row(file, row, None, str(error))
        hashes.append(hashed)
    together = np.sort(np.concatenate(hashes)) if hashes else np.empty(0, np.int64)
    suspects = np.unique(together[1:][together[1:] == together[:-1]])
    yield from _duplicates(indexes, hashes, suspects)


def _duplicates(
    indexes: Sequence[tuple[str, Index]],
    hashes: Sequence[npt.NDArray[np.int64]],
    suspects: npt.NDArray[np.int64],
) -> Iterator[Finding]:
    seen: dict[str, tuple[str, int]] = {}
    for (file, index), hashed in zip(indexes, hashes, strict=True):
        for row in np.flatnonzero(np.isin(hashed, suspects)).tolist():
            try:
                key = index.key(row)
            except DamagedDatasetError:
                continue
            if key in seen:
                first_file, first_row = seen[key]
                yield _about_row(file, row, key, f"its key is also that of row {first_row} of {first_file}")
            else:
                seen[key] = (file, row)


def _about_row(file: str, row: int, key: str | None, what: str) -> Finding:
    return Finding(file=file, kind="index", detail=what, example=row, key=key)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(first, min(first + BLOCK_ROWS, count)) for first in range(0, count, BLOCK_ROWS))
