"""Conversions of all kinds, whose bytes are to be the same in every lane, and the digests of what they write."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.side_tables import SOURCES_NAME
from tests.golden import regenerate_16_bits, regenerate_labels
from tests.photos import copy_photos
from tests.without_beam import convert

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT / "examples" / "clothing" / "train"
CLASSES = ("dress", "pants", "shoes")
PHOTOS_OF_EACH = 6
FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")


@dataclass(frozen=True)
class Conversion:
    """A source, and how it becomes a dataset.

    Attributes:
        source: Makes the source as `source` below a folder, and returns what `convert` is called with.
        options: The options of the conversion.
        max_bad: How many images it may reject.
    """

    source: Callable[[Path], Path]
    options: ConvertOptions
    max_bad: int = 0


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
    found = {}
    for format_ in FORMATS:
        columns = {"label_columns": regenerate_labels.LABELS, "split_column": "set"}
        for name, source, options in (
            ("photos kept", photos, {"duplicates": "drop", "split": {"train": 0.7, "validation": 0.3}}),
            (
                "photos as jpeg",
                photos,
                {"size": (64, 48), "stratify": True, "split": {"train": 0.7, "test": 0.3}},
            ),
            ("photos as png", photos, {"encoding": "png", "size": (48, 64), "fit": "contain", "channels": 1}),
            ("photos as raw", photos, {"encoding": "raw", "size": (48, 64)}),
            ("labels kept", labels, columns),
            ("labels as raw", labels, {"encoding": "raw", "size": (3, 4), **columns}),
            ("16 bits kept", deep, {"depth": 16}),
            ("16 bits as raw", deep, {"depth": 16, "encoding": "raw", "size": (4, 3)}),
        ):
            max_bad = 1 if source is labels else 0
            settings = ConvertOptions(format=format_, shards=2, **options)
            found[f"{name}, {format_}"] = Conversion(source, settings, max_bad)
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
        convert(sources[make], folder / name, conversion.options, max_bad=conversion.max_bad)
    return datasets


def digests_of(dataset: Path) -> dict[str, str]:
    """SHA-256 of each file but `sources.arrow`, which has the times of files on this machine."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(dataset.iterdir())
        if path.name != SOURCES_NAME
    }
