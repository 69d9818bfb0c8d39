"""Conversions of all kinds, whose bytes are to be the same in every lane, and the digests of what they write."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fitfeed.beam_jobs import convert as by_beam
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.side_tables import SOURCES_NAME
from tests.golden import regenerate_16_bits, regenerate_labels
from tests.golden.golden_folders import FORMATS
from tests.photos import copy_photos
from tests.without_beam import convert

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT / "examples" / "clothing" / "train"
CLASSES = ("dress", "pants", "shoes")
PHOTOS_OF_EACH = 6


@dataclass(frozen=True)
class Conversion:
    """A source, and how it becomes a dataset.

    Attributes:
        source: Makes the source as `source` below a folder, and returns what `convert` is called with.
        options: The options of the conversion.
        max_bad: How many images it may reject.
        by_beam: Whether Beam's graph and a process of its own do it. Else one process does all, which is faster.
    """

    source: Callable[[Path], Path]
    options: ConvertOptions
    max_bad: int = 0
    by_beam: bool = False


def photos(folder: Path) -> Path:
    """Photographs of clothes: JPEG of 400 pixels and more, in three classes."""
    return copy_photos(PHOTOS, folder / "source", CLASSES, count=PHOTOS_OF_EACH)


def labels(folder: Path) -> Path:
    """Small pictures with a label of every kind, and one file that is not an image."""
    regenerate_labels.make_source(folder / "source")
    return folder / "source" / "table.csv"


def deep(folder: Path) -> Path:
    """Small pictures of 16 bits."""
    regenerate_16_bits.make_source(folder / "source")
    return folder / "source"


def _all_conversions() -> dict[str, Conversion]:
    found: dict[str, Conversion] = {}
    for format_ in FORMATS:
        options = partial(ConvertOptions, format=format_, shards=2)
        of_format = {
            "photos kept": Conversion(
                photos, options(duplicates="drop", split={"train": 0.7, "validation": 0.3})
            ),
            "photos as jpeg": Conversion(
                photos, options(size=(64, 48), stratify=True, split={"train": 0.7, "test": 0.3})
            ),
            "photos as png": Conversion(
                photos, options(encoding="png", size=(48, 64), fit="contain", channels=1), by_beam=True
            ),
            "photos as raw": Conversion(photos, options(encoding="raw", size=(48, 64))),
            "labels kept": Conversion(
                labels, options(label_columns=regenerate_labels.LABELS, split_column="set"), max_bad=1
            ),
            "labels as raw": Conversion(labels, regenerate_labels.options(format_), max_bad=1),
            "16 bits kept": Conversion(deep, options(depth=16)),
            "16 bits as raw": Conversion(deep, regenerate_16_bits.options(format_)),
        }
        found |= {f"{name}, {format_}": conversion for name, conversion in of_format.items()}
    return found


CONVERSIONS = _all_conversions()
"""By name, which says source, encoding and container."""


def convert_all(folder: Path, names: Iterable[str] = CONVERSIONS) -> dict[str, Path]:
    """Does conversions below a folder: all, or those that are named.

    Returns:
        The name of each to its dataset.
    """
    sources: dict[Callable[[Path], Path], Path] = {}
    datasets = {}
    for name in names:
        conversion = CONVERSIONS[name]
        make = conversion.source
        if make not in sources:
            (folder / make.__name__).mkdir(parents=True)
            sources[make] = make(folder / make.__name__)
        datasets[name] = folder / name
        if conversion.by_beam:
            by_beam(sources[make], folder / name, conversion.options, max_bad=conversion.max_bad, workers=1)
        else:
            convert(sources[make], folder / name, conversion.options, max_bad=conversion.max_bad)
    return datasets


def digests_of(dataset: Path) -> dict[str, str]:
    """SHA-256 of each file but `sources.arrow`, which has the times of files on this machine."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(dataset.iterdir())
        if path.name != SOURCES_NAME
    }
