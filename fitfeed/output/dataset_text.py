"""What a person wants to know of a dataset, as lines."""

from typing import TYPE_CHECKING

from fitfeed.output.byte_size import human_bytes
from fitfeed.output.class_counts import class_counts_line
from fitfeed.output.histogram_bars import histogram_lines
from fitfeed.output.source_facts import mask_values, other_files
from fitfeed.output.training_lines import training_lines
from fitfeed.schemas.bit_depth import levels_of
from fitfeed.schemas.features import ClassFeature, FloatsFeature, LabelFeature, MaskFeature, MulticlassFeature
from fitfeed.schemas.text import shortened

if TYPE_CHECKING:
    from fitfeed.schemas.manifest import Manifest
    from fitfeed.schemas.manifest_parts import Extent

MAX_NAMED = 20
"""Classes of a label that are named, and the last one."""


def dataset_lines(name: str, manifest: "Manifest", *, columns: int | None = None) -> list[str]:
    """Splits, features, statistics and rejects of a dataset, and how to train on it.

    Args:
        name: The dataset's folder as the user wrote it.
        manifest: Of the dataset.
        columns: Width of the terminal, for histograms; None: without them.
    """
    image = manifest.features.image
    size = f"{image.shape[0]} x {image.shape[1]} pixels" if image.shape[0] else "of any size"
    return [
        f"{name}: {manifest.format} dataset, format version {manifest.format_version}",
        f"fingerprint {manifest.fingerprint}",
        "",
        *splits_table(manifest),
        "",
        f"image      {image.dtype}, {size}, {image.channels} channels, encoding {image.encoding}",
        *_extent_lines(manifest),
        *(
            line
            for label, feature in manifest.features.labels.items()
            for line in _label_lines(label, feature)
        ),
        f"key        {manifest.features.key.dtype}, the file's path below the source folder",
        *statistics_lines(manifest),
        *histogram_lines(manifest, columns),
        "",
        *_reject_lines(manifest),
        "",
        *training_lines(name, manifest),
    ]


def _label_lines(name: str, feature: LabelFeature) -> list[str]:
    what: str = feature.kind
    names: list[str] = []
    if isinstance(feature, ClassFeature | MulticlassFeature):
        names = list(feature.class_names)
        what = f"{len(names)} classes" + (", any number of them" if what == "multiclass" else "")
    elif isinstance(feature, FloatsFeature):
        what = f"{len(feature.names)} numbers: {shortened(', '.join(feature.names), limit=60)}"
    elif isinstance(feature, MaskFeature):
        what = f"mask of its image's size, encoding {feature.encoding}; {mask_values(feature)}"
    first = f"{name:<10} {feature.dtype}, {what}"
    return [first, f"           {numbered(names)}"] if names else [first]


def numbered(names: list[str]) -> str:
    """The numbers and names of classes: `0 cat, 1 dog`. Of many, the first ones and the last."""
    listed = [f"{number} {shortened(name, limit=40)}" for number, name in enumerate(names)]
    return ", ".join(listed if len(listed) <= MAX_NAMED else [*listed[: MAX_NAMED - 2], "...", listed[-1]])


def _extent_lines(manifest: "Manifest") -> list[str]:
    if manifest.features.image.shape[0] is not None:
        return []
    return [
        f"           {name}: height {_extent(split.height)}; width {_extent(split.width)}"
        for name, split in manifest.splits.items()
        if split.height and split.width
    ]


def _extent(extent: "Extent") -> str:
    return f"{extent.min}..{extent.max}, median {extent.median}"


def _reject_lines(manifest: "Manifest") -> list[str]:
    total = sum(manifest.rejects.values())
    listed = [f"           {count} {reason}" for reason, count in manifest.rejects.items()]
    dropped = manifest.duplicates.dropped
    copies = f", {dropped} copies left out" if dropped else ""
    ignored = f"{other_files(manifest)} other files ignored{copies}"
    return [f"rejects    {total or 'none'}, {ignored}" + ("; see rejects.jsonl" if total else ""), *listed]


def splits_table(manifest: "Manifest") -> list[str]:
    """Examples, shards and bytes per split, and examples per class."""
    lines = []
    for name, split in manifest.splits.items():
        lines.append(
            f"{name:<10} {split.examples} examples in {len(split.shards)} shards, {human_bytes(split.bytes)}"
        )
        listed = class_counts_line(dict(zip(manifest.class_names, split.class_counts, strict=True)))
        lines += [f"           {listed}"] if listed else []
    return lines


def statistics_lines(manifest: "Manifest") -> list[str]:
    """Mean and standard deviation per channel, and which pixels they describe."""
    statistics = manifest.statistics
    brightest = levels_of(manifest.features.image.depth) - 1
    mean = " ".join(f"{value:.3f}" for value in statistics.mean)
    std = " ".join(f"{value:.3f}" for value in statistics.std)
    return [
        f"mean       {mean}",
        f"std        {std}   (0..{brightest}, of the {statistics.images} {statistics.split} images as stored)",
    ]
