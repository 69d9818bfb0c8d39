"""Which part of a stored image a geometry shows, and at which scale: what decoding can leave out."""

import math
from dataclasses import replace

from pipelines.augment.geometry import View
from schemas.codec import Portion

SHRINKS = (8, 4, 2)
"""Scales 1/8, 1/4 and 1/2: libjpeg-turbo has fast code for them, and none for those between."""

MARGIN = 2
"""Rows of the decoded image below the box that interpolation may touch."""


def needed(view: View) -> Portion:
    """What must be decoded for a geometry: a pure function of it.

    The image is decoded at a smaller scale only where what is shown of it is then still at least as
    high and as wide as the output, so nothing is ever enlarged because of it.
    """
    top, _, height, width = view.box
    shrink = next(
        (scale for scale in SHRINKS if height >= scale * view.size[0] and width >= scale * view.size[1]), 1
    )
    return Portion(math.ceil(top + height) + MARGIN * shrink, shrink)


def shrunk(view: View, shrink: int) -> View:
    """The same geometry for an image that was decoded `shrink` times smaller.

    Pixel i of that image covers the pixels [i * shrink, (i + 1) * shrink) of the stored one, so
    edges simply divide.
    """
    if shrink == 1:
        return view
    top, left, height, width = (edge / shrink for edge in view.box)
    return replace(view, box=(top, left, height, width))
