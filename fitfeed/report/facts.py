"""What the page counts, from manifest and indexes alone. No image is read."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset
    from fitfeed.schemas.manifest_parts import Split

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


def split_facts(dataset: "Dataset", name: str) -> SplitFacts:
    """Counts a split.

    Args:
        dataset: The dataset.
        name: Of the split.

    Raises:
        DamagedDatasetError: If its index is not what was stored.
    """
    index = dataset.index(name)
    means = index["mean"].to_numpy() / LEVELS
    heights, widths = (index[side].to_numpy().astype(np.float64) for side in ("height", "width"))
    bound = np.log2(MAX_ASPECT)
    aspects = np.clip(np.log2(widths / heights), -bound, bound)
    return SplitFacts(
        name=name,
        split=dataset.splits[name],
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
    pairs, counts = np.unique(np.stack([widths, heights], axis=1), axis=0, return_counts=True)
    if len(pairs) > MAX_SIZES:
        step = max(widths.max(), heights.max()) / GRID
        cells, place = np.unique(np.ceil(pairs / step), axis=0, return_inverse=True)
        pairs, counts = cells * step, np.bincount(place.reshape(-1), counts).astype(np.int64)
    return [
        (width, height, count) for (width, height), count in zip(pairs.tolist(), counts.tolist(), strict=True)
    ]


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


def outliers(dataset: "Dataset", *, count: int) -> dict[str, list[Outlier]]:
    """The examples at the ends of what the index knows: of each kind the first few, the most extreme first.

    Args:
        dataset: The dataset.
        count: How many of each kind.

    Returns:
        Kind to examples. The values are mean and deviation of the brightness (0 to 255), or width x height.
    """
    found: dict[str, list[tuple[float, Example, str]]] = {kind: [] for kind in OUTLIERS}
    for split in dataset.splits:
        index = dataset.index(split)
        means, deviations = (index[name].to_numpy().astype(np.int64) for name in ("mean", "deviation"))
        heights, widths = (index[name].to_numpy().astype(np.int64) for name in ("height", "width"))
        aspects, pixels = widths / heights, widths * heights
        orders = (means, -means, deviations, -aspects, aspects, pixels, -pixels)
        for kind, order in zip(OUTLIERS, orders, strict=True):
            for row in _least(order, count):
                level = means[row] if order is not deviations else deviations[row]
                is_level = kind in OUTLIERS[:3]
                value = f"{level / LEVELS:.1f}" if is_level else f"{widths[row]} x {heights[row]}"
                found[kind].append((float(order[row]), Example(split, row), value))
    return {
        kind: [Outlier(example, value) for _, example, value in sorted(of)[:count]]
        for kind, of in found.items()
    }


def _least(values: npt.NDArray[Any], count: int) -> list[int]:
    """The places of the least values, the least first."""
    if len(values) > count:
        first = np.argpartition(values, count - 1)[:count]
        return [int(place) for place in first[np.argsort(values[first], kind="stable")]]
    return [int(place) for place in np.argsort(values, kind="stable")]


def samples_of_classes(dataset: "Dataset", split: str, *, each: int) -> list[list[Example]]:
    """Some examples of each class of a split, chosen at random, and the same each time.

    Args:
        dataset: The dataset.
        split: Of which.
        each: How many of each class.

    Returns:
        Of each class the examples in stored order; one list without classes.
    """
    records, found = dataset.records(split), dataset.manifest.features.classes
    order = np.random.default_rng(0).permutation(len(records))
    if found is None:
        return [[Example(split, int(row)) for row in np.sort(order[:each])]]
    name, feature = found
    chosen: list[list[int]] = [[] for _ in feature.class_names]
    column, left = records.index.labels[name], sum(1 for count in dataset.splits[split].class_counts if count)
    for row in order.tolist():
        for number in np.atleast_1d(column[row]).tolist():
            if len(chosen[number]) < each:
                chosen[number].append(row)
                left -= len(chosen[number]) == min(each, dataset.splits[split].class_counts[number])
        if not left:
            break
    return [[Example(split, row) for row in sorted(rows)] for rows in chosen]
