"""Shrinking against averages in float64, on pixels of any kind."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.converters.images.encode import encode_jpeg
from fitfeed.converters.images.resize import shrink
from fitfeed.schemas.payload import Pixels, decode_payload

Floats = npt.NDArray[np.float64]


def overlaps(old: int, new: int) -> Floats:
    """Share of each old pixel (column) in each new one (row); rows sum to 1."""
    edges = np.arange(new + 1) * (old / new)
    begins, ends = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    pixels = np.arange(old)
    shared = np.minimum(ends, pixels + 1) - np.maximum(begins, pixels)
    weights: Floats = np.clip(shared, 0, None) * (new / old)
    return weights


def area_average(pixels: Pixels, height: int, width: int) -> Floats:
    """float64 (height, width, channels)."""
    rows, columns = overlaps(pixels.shape[0], height), overlaps(pixels.shape[1], width)
    average: Floats = np.einsum("hi,ijc,wj->hwc", rows, pixels.astype(np.float64), columns, optimize=True)
    return average


@given(
    old=st.tuples(st.integers(1, 120), st.integers(1, 120)),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    channels=st.sampled_from([1, 3]),
)
@example(old=(100, 100), shares=(0.56, 0.56), channels=3)  # 25/28: new pixels begin on old borders
@example(old=(112, 75), shares=(0.875, 0.96), channels=1)
@example(old=(120, 120), shares=(0.5, 0.99), channels=3)
def test_every_pixel_is_the_average_of_what_it_covers(
    old: tuple[int, int], shares: tuple[float, float], channels: int
) -> None:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (*old, channels), np.uint8)
    height, width = (max(1, round(size * share)) for size, share in zip(old, shares, strict=True))
    got = shrink(pixels, height, width)
    assert got.shape == (height, width, channels)
    assert got.dtype == np.uint8
    assert np.abs(got - area_average(pixels, height, width)).max() <= 1.02


@pytest.mark.parametrize("shape", [(2_800, 3), (3, 2_800)])
def test_long_strips_do_not_drift(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 1), np.uint8)
    height, width = (max(2, size * 25 // 28) for size in shape)
    assert np.abs(shrink(pixels, height, width) - area_average(pixels, height, width)).max() <= 1.02


def psnr(pixels: Pixels, reference: Floats) -> float:
    return float(10 * np.log10(255**2 / np.mean((pixels - reference) ** 2)))


@pytest.mark.parametrize("side", [224, 256, 390])
def test_photographs_stay_as_good_as_rounding_allows(clothing: Path, side: int) -> None:
    for file in sorted(clothing.glob("test/*/*.jpg"))[::12]:
        pixels = np.asarray(Image.open(file))
        height, width = (round(size * side / min(pixels.shape[:2])) for size in pixels.shape[:2])
        reference = area_average(pixels, height, width)
        ours, rounded = (
            shrink(pixels, height, width),
            np.ascontiguousarray(np.rint(reference).astype(np.uint8)),
        )
        assert psnr(ours, reference) > 57.5
        assert abs(float(np.mean(ours - reference))) < 0.15
        stored = [
            psnr(decode_payload(encode_jpeg(image, 90), size=image.shape[:2], channels=3), reference)
            for image in (ours, rounded)
        ]
        assert stored[0] > stored[1] - 0.1
