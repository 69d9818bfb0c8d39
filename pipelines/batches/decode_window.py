"""Finds the part of a stored image that must be decoded, and the scale that is enough."""

import math
from collections.abc import Sequence

from fitfeed.pipelines.augment.base import PixelPass
from fitfeed.pipelines.augment.cpu.interpolation import PLAIN
from fitfeed.pipelines.augment.cpu.resample import CropResize
from fitfeed.schemas.payload import FULL, DecodeWindow

SHRINKS = (8, 4, 2)
"""Scales 1/8, 1/4 and 1/2. libjpeg-turbo has fast code for these, and not for those between."""

MARGIN = 2
"""Rows of the decoded image, above and below the box, that interpolation may touch."""


def decode_window_of(passes: Sequence[PixelPass]) -> DecodeWindow:
    """Finds what must be decoded for the passes of an image; a pure function of the passes.

    Rows can be left out only if the first pass is a plain crop. A first pass on colors may depend on
    all pixels, and a warp may reach anywhere.

    The image is decoded at a smaller scale only if the shown part is then still at least as high and
    as wide as the output. So nothing is enlarged because of it.
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
