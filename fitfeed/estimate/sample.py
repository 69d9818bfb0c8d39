"""Takes a sample of a source: copies of some of its files, in parts that are samples each."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from fitfeed.converters.images.memory_limit import file_bound
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.reading.sources_reader import SourcesReader
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.sources.dataset_source import is_dataset
from fitfeed.converters.sources.discover import find_examples
from fitfeed.converters.sources.image_names import IMAGE_EXTENSIONS
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.converters.sources.table import is_table
from fitfeed.converters.sources.tfds_json import is_tfds_folder
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.open_place import open_place

PARTS = 8
"""Of a sample. Their differences are what an interval is made of."""

SEED = 0
"""The same source has the same sample."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceSample:
    """A folder with copies of some files of a source.

    Attributes:
        folder: It has a folder for each part, and one for each of `singles`.
        parts: The names of the parts.
        singles: Names of folders with one file each, which tell what a shard takes besides its images.
        copied: How many files the parts have.
        unreadable: How many more were chosen, and could not be read.
        images: How many images the source has.
        source_bytes: Their size.
        read_s: Seconds that reading a file took where the source is.
        is_far: Whether that is an object store.
    """

    folder: Path
    parts: list[str]
    singles: list[str]
    copied: int
    unreadable: int
    images: int
    source_bytes: int
    read_s: float
    is_far: bool


def take_sample(
    source: str,
    folder: Path,
    *,
    count: int,
    singles: int,
    progress: Callable[[str], None] = lambda step: None,
) -> SourceSample:
    """Lists a source, and copies some of its files.

    Args:
        source: A folder of images, a table that names them, or a dataset, here or in a store.
        folder: Where to, empty.
        count: How many files, about.
        singles: How many of these are copied once more, each to a folder of its own.
        progress: Told `listing`, and `sample` for each file.

    Raises:
        NotFoundError, UsageError: If the source is not there or not what it must be, or is a dataset of plain pixels.
    """
    progress("listing")
    reading = SourceOptions.of(
        # Labels do not matter here, so a folder needs no class folders.
        labels=None if is_table(source) or is_dataset(source) or is_tfds_folder(source) else "none",
        split_lists=None,
        leave_out=None,
        links="follow",
        table_encoding=None,
        table_separator=None,
    )
    options = ConvertOptions()
    found = find_examples(source, options, reading)
    if any(root.raw is not None for root in found.roots):
        msg = f"{source} is a dataset of plain pixels (encoding raw), which have no files to measure. Give the source that it was made from."
        raise UsageError(msg)
    files = found.example_table.files
    places, part_of = stratified(files.bytes, count=count, parts=PARTS)
    chosen = files.take(places)
    copied, unreadable, read_s, kept = [0] * PARTS, 0, 0.0, list[Path]()
    with SourcesReader(found.roots).reading(chosen, most=file_bound(options.max_pixels)) as read:
        for number, file in enumerate(chosen):
            progress("sample")
            part = int(part_of[number])
            began = time.perf_counter()
            try:
                data = read(file)
            except ImageError:
                unreadable += 1
                continue
            finally:
                read_s += time.perf_counter() - began
            target = folder / part_name(part) / _file_name(number, file.path, part_name(part))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            copied[part] += 1
            kept.append(target)
    if not kept:
        msg = f"none of {len(chosen)} images of {source} can be read, so there is nothing to measure. `fitfeed convert` says why, image by image."
        raise UsageError(msg)
    names = []
    for number in range(singles):
        original = kept[number * len(kept) // singles]
        target = folder / f"single{number}" / original.name
        target.parent.mkdir()
        target.write_bytes(original.read_bytes())
        names.append(target.parent.name)
    return SourceSample(
        folder=folder,
        parts=[part_name(part) for part in range(PARTS) if copied[part]],
        singles=names,
        copied=len(kept),
        unreadable=unreadable,
        images=len(files),
        source_bytes=int(files.bytes.sum()),
        read_s=read_s / len(chosen),
        is_far=open_place(source, "SOURCE").is_far,
    )


def part_name(part: int) -> str:
    """The name of a part. One is the split whose statistics a dataset has."""
    return f"part{part}" if part else "train"


def stratified(
    sizes: Sequence[int] | npt.NDArray[np.int64], *, count: int, parts: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Chooses files so that each part has small and large ones as the source has them.

    The files are put in the order of their sizes, and cut into strata of as many files each. From each stratum, every part
    gets one by chance.

    Args:
        sizes: Of all files.
        count: How many to choose, about: a multiple of `parts`, or all if there are fewer files.
        parts: How many parts.

    Returns:
        The places of the files that were chosen, and the part of each.
    """
    drawn = np.random.default_rng(SEED)
    by_size = np.argsort(np.asarray(sizes), kind="stable")
    strata = max(1, min(count, len(by_size)) // parts)
    places, part_of = [], []
    for stratum in np.array_split(by_size, strata):
        chosen = drawn.permutation(stratum)[:parts]
        places.append(chosen)
        part_of.append(drawn.permutation(parts)[: len(chosen)])
    return np.concatenate(places), np.concatenate(part_of)


MAX_NAME = 200
"""Bytes of a file name; file systems take 255."""


def _file_name(number: int, path: str, part: str) -> str:
    """A name that makes the copy's key as long as the original's, because keys are stored. Nothing else is taken from a path.

    Args:
        number: Of the file.
        path: Of the original: anybody's.
        part: The folder of the copy.
    """
    suffix = PurePosixPath(path).suffix.lower()
    if suffix[1:] not in IMAGE_EXTENSIONS:  # it counts as a picture by its name; its content says what it is
        suffix = ".jpg"
    length = len(path.encode(errors="surrogateescape")) - len(part) - 1 - len(suffix)
    return f"{number:06}".ljust(min(length, MAX_NAME), "-") + suffix
