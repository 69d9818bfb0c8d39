"""Resampling of masks: every output pixel is one source pixel, never a mixture of class numbers."""

import numpy as np
import numpy.typing as npt

from pipelines.augment.geometry import View
from schemas.codec import Pixels


def resample_nearest(mask: Pixels, view: View, out: Pixels | None = None) -> Pixels:
    """Fetches the output mask of a geometry: the source pixel that each output pixel's centre falls into.

    Args:
        mask: uint8 (H, W, C).
        view: Geometry of this image.
        out: uint8 (*view.size, C), where to write. None: a new array.

    Returns:
        uint8 (*view.size, C); `out` if given.
    """
    top, left, height, width = view.box
    rows = _sources(top, height, view.size[0], mask.shape[0], flipped=view.flip[0])
    columns = _sources(left, width, view.size[1], mask.shape[1], flipped=view.flip[1])
    moved = mask[rows[:, np.newaxis], columns]
    if out is None:
        return moved
    np.copyto(out, moved)
    return out


def _sources(start: float, extent: float, size: int, source: int, *, flipped: bool) -> npt.NDArray[np.int64]:
    """The source row or column that each output one shows."""
    places = np.floor(start + (np.arange(size) + 0.5) * extent / size).astype(np.int64)
    places = np.clip(places, 0, source - 1)
    return places[::-1] if flipped else places
