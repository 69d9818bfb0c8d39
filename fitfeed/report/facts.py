"""What the page counts, from manifest and indexes alone. No image is read."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pyarrow as pa

    from fitfeed.pipelines import Dataset
    from fitfeed.schemas.manifest import Manifest
    from fitfeed.schemas.manifest_parts import Split

Tables: TypeAlias = "Mapping[str, pa.Table]"
"""The index of each split as a table. All texts in it are checked when it is made, which takes 0.1 s for a million rows."""

BRIGHTNESS_BINS = 64
LEVELS = 256
"""`mean` and `deviation` of an index are in steps of 1/256 of a level of 8 bits."""

ASPECT_BINS, MAX_ASPECT = 40, 4.0
"""Of the logarithm of width / height, between 1/4 and 4. What lies outside counts in the outermost bins."""

MAX_SIZES = 400
"""Different sizes that are drawn one by one; more are joined on a grid."""

GRID = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitFacts:
    """What is counted of a split.

    Attributes:
        name: Its name.
        split: Its part of the manifest.
        brightness: int64 (64,), images by their mean luma, 0 to 256.
        mean_brightness: Of the images, 0 to 255; 0 if there are none.
        deviation_of_brightness: Standard deviation of that over the images.
        aspects: int64 (40,), images by the logarithm of width / height, from 1/4 to 4.
        sizes: Width, height, and how many images have it; on a grid if there are many.
        median_pixels: Of an image: width x height.
        formats: Image files by format.
    """

    name: str
    split: "Split"
    brightness: npt.NDArray[np.int64]
    mean_brightness: float
    deviation_of_brightness: float
    aspects: npt.NDArray[np.int64]
    sizes: list[tuple[float, float, int]]
    median_pixels: float
    formats: Counter[str]

    @property
    def class_shares(self) -> npt.NDArray[np.float64]:
        """How large a part of all labels each class is: float64 (classes,)."""
        counts = np.asarray(self.split.class_counts, np.float64)
        shares: npt.NDArray[np.float64] = counts / max(1.0, float(counts.sum()))
        return shares


def index_tables(dataset: "Dataset") -> Tables:
    """Reads the index of each split, once.

    Raises:
        DamagedDatasetError: If one is not what was stored.
    """
    return {split: dataset.index(split) for split in dataset.splits}


def split_facts(name: str, split: "Split", index: "pa.Table") -> SplitFacts:
    """Counts a split.

    Args:
        name: Its name.
        split: Its part of the manifest.
        index: Its index.
    """
    means = index["mean"].to_numpy() / LEVELS
    heights, widths = (index[side].to_numpy().astype(np.float64) for side in ("height", "width"))
    bound = np.log2(MAX_ASPECT)
    aspects = np.clip(np.log2(widths / heights), -bound, bound)
    return SplitFacts(
        name=name,
        split=split,
        brightness=np.histogram(means, BRIGHTNESS_BINS, (0, LEVELS))[0],
        mean_brightness=float(means.mean()) if len(means) else 0.0,
        deviation_of_brightness=float(means.std()) if len(means) else 0.0,
        aspects=np.histogram(aspects, ASPECT_BINS, (-bound, bound))[0],
        sizes=_sizes(widths, heights),
        median_pixels=float(np.median(widths * heights)) if len(widths) else 0.0,
        formats=_formats(index["source_format"]),
    )


def _sizes(
    widths: npt.NDArray[np.float64], heights: npt.NDArray[np.float64]
) -> list[tuple[float, float, int]]:
    if not len(widths):
        return []
    step = 1.0
    across, upwards, counts = _count_pairs(widths, heights)
    if len(counts) > MAX_SIZES:
        step = max(widths.max(), heights.max()) / GRID
        across, upwards, counts = _count_pairs(np.ceil(widths / step), np.ceil(heights / step))
    return list(zip((across * step).tolist(), (upwards * step).tolist(), counts.tolist(), strict=True))


def _count_pairs(
    widths: npt.NDArray[np.float64], heights: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The different pairs of whole numbers, and how often each is there. One number is sorted much faster than two."""
    packed, counts = np.unique(widths.astype(np.int64) << 32 | heights.astype(np.int64), return_counts=True)
    return packed >> 32, packed & 0xFFFFFFFF, counts


def _formats(column: Any) -> Counter[str]:
    counted: Counter[str] = Counter()
    for pair in column.combine_chunks().value_counts().to_pylist():
        counted[str(pair["values"])] += int(pair["counts"])
    return counted


@dataclasses.dataclass(frozen=True)
class Drift:
    """How a split differs from another one.

    Attributes:
        name: Of the split.
        other: Name of the one that it is compared with.
        missing: Classes that it does not have, and the other one has.
        classes: Half of the sum of the differences of the shares of all classes (total variation distance): 0 if they are
            equal, 1 if no class is in both. None without classes.
        brightness: Difference of the mean brightness, divided by the deviation of both (Cohen's d).
        pixels: Median number of pixels of an image, as a multiple of the other's.
    """

    name: str
    other: str
    missing: list[str]
    classes: float | None
    brightness: float
    pixels: float


def drifts(facts: Sequence[SplitFacts], class_names: Sequence[str], *, of: str) -> Iterator[Drift]:
    """Compares all splits with one.

    Args:
        facts: Of all splits.
        class_names: Of the dataset.
        of: The split that the others are compared with: the training split.
    """
    base = next(each for each in facts if each.name == of)
    for each in facts:
        if each is base or not each.split.examples or not base.split.examples:
            continue
        pairs = zip(class_names, each.split.class_counts, base.split.class_counts, strict=True)
        spread = float(np.hypot(each.deviation_of_brightness, base.deviation_of_brightness)) / 2**0.5
        yield Drift(
            name=each.name,
            other=base.name,
            missing=[name for name, count, others in pairs if others and not count],
            classes=float(np.abs(each.class_shares - base.class_shares).sum()) / 2 if class_names else None,
            brightness=(each.mean_brightness - base.mean_brightness) / spread if spread else 0.0,
            pixels=each.median_pixels / base.median_pixels,
        )


@dataclasses.dataclass(frozen=True, order=True)
class Example:
    """An example, by its split and its number there."""

    split: str
    row: int


class Outlier(NamedTuple):
    """An example at an end of what the index knows, and its value there, as text."""

    example: Example
    value: str


OUTLIERS = (
    "darkest",
    "brightest",
    "flattest",
    "widest",
    "tallest",
    "fewest pixels",
    "most pixels",
)


def outliers(tables: Tables, *, count: int) -> dict[str, list[Outlier]]:
    """The examples at the ends of what the index knows: of each kind the first few, the most extreme first.

    Args:
        tables: The index of each split.
        count: How many of each kind.

    Returns:
        Kind to examples, without kinds in which all examples are the same, as the sizes of one size. The values are mean and
        deviation of the brightness (0 to 255), or width x height.
    """
    ends = dict.fromkeys(OUTLIERS, (np.inf, -np.inf))
    found: dict[str, list[tuple[float, Example, str]]] = {kind: [] for kind in OUTLIERS}
    for split, index in tables.items():
        means, deviations = (index[name].to_numpy().astype(np.int64) for name in ("mean", "deviation"))
        heights, widths = (index[name].to_numpy().astype(np.int64) for name in ("height", "width"))
        aspects, pixels = widths / heights, widths * heights
        orders = (means, -means, deviations, -aspects, aspects, pixels, -pixels)
        for kind, order in zip(OUTLIERS, orders, strict=True):
            if len(order):
                low, high = ends[kind]
                ends[kind] = min(low, float(order.min())), max(high, float(order.max()))
            for row in _least(order, count):
                level = means[row] if order is not deviations else deviations[row]
                is_level = kind in OUTLIERS[:3]
                value = f"{level / LEVELS:.1f}" if is_level else f"{widths[row]} x {heights[row]}"
                found[kind].append((float(order[row]), Example(split, row), value))
    return {
        kind: [Outlier(example, value) for _, example, value in sorted(of)[:count]]
        for kind, of in found.items()
        if ends[kind][0] < ends[kind][1]
    }


def _least(values: npt.NDArray[Any], count: int) -> list[int]:
    """The places of the least values, the least first."""
    if len(values) > count:
        first = np.argpartition(values, count - 1)[:count]
        return [int(place) for place in first[np.argsort(values[first], kind="stable")]]
    return [int(place) for place in np.argsort(values, kind="stable")]


def samples_of_classes(tables: Tables, manifest: "Manifest", split: str, *, each: int) -> list[list[Example]]:
    """Some examples of each class of a split, chosen at random, and the same each time.

    Args:
        tables: The index of each split.
        manifest: Of the dataset.
        split: Of which.
        each: How many of each class.

    Returns:
        Of each class the examples in stored order; one list without classes.
    """
    rows, numbers, classes = _labels(tables[split], manifest)
    order = np.random.default_rng(0).permutation(len(rows))
    order = order[np.argsort(numbers[order], kind="stable")]  # by class, and at random within each
    bounds = np.searchsorted(numbers[order], np.arange(classes + 1))
    chosen = [np.sort(rows[order[first:stop][:each]]).tolist() for first, stop in pairwise(bounds.tolist())]
    return [[Example(split, row) for row in of_class] for of_class in chosen]


def _labels(
    index: "pa.Table", manifest: "Manifest"
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Rows, the number of a class of each, and how many classes there are; without classes all rows are of one."""
    found = manifest.features.classes
    if found is None:
        return np.arange(len(index)), np.zeros(len(index), np.int64), 1
    name, feature = found
    column = index[name].combine_chunks()
    if feature.kind == "class":
        return np.arange(len(index)), column.to_numpy(), len(feature.class_names)
    rows, numbers = pc.list_parent_indices(column), pc.list_flatten(column)
    return rows.to_numpy(), numbers.to_numpy(), len(feature.class_names)
