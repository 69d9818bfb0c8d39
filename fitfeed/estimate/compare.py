"""Compares the pictures of two datasets."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fitfeed.estimate.fidelity import psnr, ssim
from fitfeed.pipelines import open_dataset


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How near stored pictures are to their originals at that size: medians.

    Attributes:
        psnr: Decibels; None: equal.
        ssim: At most 1; None: the pictures are too small for it.
    """

    psnr: float | None
    ssim: float | None


def compare(stored: Path, originals: Path, parts: Sequence[str]) -> Fidelity:
    """Compares two datasets of one sample, picture by picture."""
    ours, theirs = (open_dataset(path).records(list(parts)) for path in (stored, originals))
    numbers = {key: number for number, key in enumerate(theirs.keys(np.arange(len(theirs))))}
    ratios, similarities = [], []
    for number, key in enumerate(ours.keys(np.arange(len(ours)))):
        pixels, original = ours[number]["image"], theirs[numbers[key]]["image"]
        ratios.append(psnr(original, pixels))
        similarity = ssim(original, pixels)
        if similarity is not None:
            similarities.append(similarity)
    ratio = statistics.median(ratios)
    return Fidelity(
        psnr=ratio if math.isfinite(ratio) else None,
        ssim=statistics.median(similarities) if similarities else None,
    )
