"""A dataset as one line, for people."""

from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.text import printable

SHOWN_SPLITS = 8


def manifest_line(address: str, manifest: Manifest) -> str:
    """Names the place, the splits, the labels and the images of a dataset, without anything that controls a terminal.

    Args:
        address: Of the dataset.
        manifest: Of the dataset.
    """
    splits, image = manifest.splits, manifest.features.image
    shown = ", ".join(f"{name} {split.examples:,}" for name, split in [*splits.items()][:SHOWN_SPLITS])
    more = f", and {len(splits) - SHOWN_SPLITS} splits more" if len(splits) > SHOWN_SPLITS else ""
    kinds = manifest.features.label_kinds.items()
    labels = ", ".join(f"{name}:{kind}" for name, kind in kinds) or "no labels"
    classes = f", {len(manifest.class_names):,} classes" if manifest.class_names else ""
    sides = " x ".join(map(str, image.shape)) if image.shape[0] else f"any size x {image.channels}"
    return printable(f"{address}: {shown}{more}; {labels}{classes}; {image.dtype} {sides}")
