"""Which part of a stored image a geometry shows, and at which scale: what decoding can leave out."""

import math
from collections.abc import Sequence

from fitfeed.pipelines.augment.base import PixelPass
from fitfeed.pipelines.augment.cpu.interpolation import PLAIN
from fitfeed.pipelines.augment.cpu.resample import CropResize
from fitfeed.schemas.payload import FULL, DecodeWindow

SHRINKS = (8, 4, 2)
"""Scales 1/8, 1/4 and 1/2: libjpeg-turbo has fast code for them, and none for those between."""

MARGIN = 2
"""Rows of the decoded image below the box that interpolation may touch."""


def decode_window_of(passes: Sequence[PixelPass]) -> DecodeWindow:
    """What must be decoded for the passes of an image: a pure function of them.

    Everything, unless the first pass is a plain crop: what is first done to the colours may depend on
    all pixels, and a warp may reach anywhere.

    The image is decoded at a smaller scale only where what is shown of it is then still at least as
    high and as wide as the output, so nothing is ever enlarged because of it.
    """
    view = passes[0] if passes else None
    if not isinstance(view, CropResize) or view.matrix is not None or view.sampling != PLAIN:
        return FULL
    top, _, height, width = view.box
    shrink = next(
        (scale for scale in SHRINKS if height >= scale * view.size[0] and width >= scale * view.size[1]), 1
    )
    margin = MARGIN * shrink
    return DecodeWindow(max(0, math.floor(top) - margin), math.ceil(top + height) + margin, shrink)
