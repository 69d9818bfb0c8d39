"""Raw pixels are told by the numbers beside them, which must fit in every record."""

import math

from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.inspect.raw_pixels import PixelsScan, is_side

SIDES = st.integers(1, 50)


@given(st.lists(st.tuples(SIDES, SIDES), min_size=1, max_size=6), st.sampled_from([1, 2, 4, 8]))
def test_sides_that_fit_in_every_record(sizes: list[tuple[int, int]], itemsize: int) -> None:
    scan = PixelsScan()
    for height, width in sizes:
        sides = {"image/width": [width], "image/height": [height]}
        scan.add({"raw": height * width * itemsize}, sides)
    content = scan.content("raw")
    assert content is not None
    assert content.sides == ("image/height", "image/width")
    assert content.shape == (sizes[0] if len(set(sizes)) == 1 else (None, None))
    scan.add(
        {"raw": math.prod(sizes[0]) * itemsize + 1},
        {"image/width": [sizes[0][1]], "image/height": [sizes[0][0]]},
    )
    assert scan.content("raw") is None


def test_sides_that_a_record_lacks() -> None:
    scan = PixelsScan()
    scan.add({"raw": 6}, {"shape": [2, 3]})
    scan.add({"raw": 6}, {})
    assert scan.content("raw") is None
    assert scan.content("other") is None


def test_names_of_sides() -> None:
    assert all(map(is_side, ["height", "image/width", "img_height", "image.channels", "Depth", "shape"]))
    assert not any(map(is_side, ["label", "heights_of", "widths", "image"]))
