"""Filters of a batch: against OpenCV, Pillow, and the hash of MurmurHash3 in whole numbers."""

from typing import Any

import cv2
import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from fitfeed.pipelines import RandomErasing, RandomGaussianBlur, RandomSharpness
from fitfeed.pipelines.augment.ops.filters import FilterAugmentation
from fitfeed.pipelines.augment.ops.random_erasing import NOISE
from fitfeed.pipelines.augment.ops.trivial_augment import SharpnessInside
from fitfeed.pipelines.device.filters import FILTERS, sharpen
from fitfeed.schemas.payload import Pixels
from tests.effort import tries
from tests.pipelines.build_dataset import picture


def pictures(n: int, height: int = 17, width: int = 12, channels: int = 3) -> Pixels:
    return np.stack([picture(i, height, width, channels) for i in range(n)])


def floats(values: Any) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


def filtered(op: FilterAugmentation, images: Pixels, parameters: Any) -> npt.NDArray[np.float32]:
    tensors = (keras.ops.convert_to_tensor(np.asarray(a, np.float32)) for a in (images, parameters))
    return np.asarray(keras.ops.convert_to_numpy(FILTERS[type(op)](op, *tensors)))


def test_every_filter_has_its_function() -> None:
    subclasses = {cls for cls in FilterAugmentation.__subclasses__() if cls.__module__.startswith("fitfeed.")}
    assert set(FILTERS) == subclasses


# ---------------------------------------------------------------- sharpness


@pytest.mark.parametrize("channels", [1, 3])
def test_sharpness_is_pillows_inside_and_black_is_outside(channels: int) -> None:
    images, amounts = pictures(3, channels=channels), np.array([[0.0], [0.4], [-0.9]])
    ours = filtered(SharpnessInside(), images, amounts)
    for image, shown, (amount,) in zip(images, ours, amounts.tolist(), strict=True):
        pil = Image.fromarray(image[..., 0] if channels == 1 else image)
        theirs = np.asarray(ImageEnhance.Sharpness(pil).enhance(1 + amount)).reshape(image.shape)
        assert np.abs(np.clip(shown, 0, 255) - theirs).max() <= 1.5  # Pillow rounds the smoothed copy, too
        assert (shown[[0, -1]] == image[[0, -1]]).all()
        assert (shown[:, [0, -1]] == image[:, [0, -1]]).all()


def test_sharpness_without_an_inside_changes_nothing() -> None:
    images = pictures(2, 2, 9)
    assert (filtered(SharpnessInside(), images, [[0.9], [-0.9]]) == images).all()


@given(st.floats(0, 2), st.integers(1, 6), st.integers(1, 6))
def test_sharpening_moves_along_the_line_from_the_smoothed_copy(
    amount: float, height: int, width: int
) -> None:
    images = pictures(1, height, width).astype(np.float64)
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    smooth = cv2.filter2D(images[0], -1, kernel, borderType=cv2.BORDER_CONSTANT)
    expected = smooth.reshape(images[0].shape) * (1 - amount) + images[0] * amount
    np.testing.assert_allclose(sharpen(images.astype(np.float32), floats([amount]))[0], expected, atol=1e-3)
    ours = filtered(RandomSharpness(1.0), images.astype(np.uint8), [[amount / 2]])[0]
    np.testing.assert_allclose(ours, expected, atol=1e-3)


# ---------------------------------------------------------------- blur


@settings(max_examples=tries(40))
@given(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 3, 5, 7]), st.floats(0.2, 4), st.floats(0.2, 4))
def test_blur_is_opencvs_with_a_kernel_for_each_image(x: int, y: int, sigma_x: float, sigma_y: float) -> None:
    images = pictures(2)
    parameters = [[1, sigma_x, sigma_y], [1, sigma_y, sigma_x]]
    ours = filtered(RandomGaussianBlur(kernel_size=(x, y)), images, parameters)
    for image, shown, (_, along_x, along_y) in zip(images, ours, parameters, strict=True):
        expected = cv2.GaussianBlur(
            image.astype(np.float64), (x, y), along_x, sigmaY=along_y, borderType=cv2.BORDER_CONSTANT
        )
        np.testing.assert_allclose(shown, expected, atol=2e-3)


def test_one_size_is_both_and_images_without_blur_stay() -> None:
    images = pictures(2)
    parameters = [[0, 1, 1], [1, 1, 2]]
    one, both = (filtered(RandomGaussianBlur(kernel_size=size), images, parameters) for size in (5, (5, 5)))
    assert (one == both).all()
    assert (one[0] == images[0]).all()
    assert not (one[1] == images[1]).all()


# ---------------------------------------------------------------- erasing


@given(*[st.integers(0, 2**24).map(lambda number: number / 2**24)] * 4)
def test_pixels_in_the_box_are_erased(share_x: float, share_y: float, x: float, y: float) -> None:
    images = pictures(2, 8, 16) // 2
    row = floats([1, share_x, share_y, x, y, 0])
    ours = filtered(RandomErasing(fill_value=(200, 201, 202)), images, [row, [0, *row[1:]]])
    top, left = (place * (side - share * side) for place, share, side in ((row[4], row[2], np.float32(8)), (row[3], row[1], np.float32(16))))  # fmt: skip
    rows = [i for i in range(8) if np.ceil(top) <= i < np.ceil(top + row[2] * np.float32(8))]
    columns = [i for i in range(16) if np.ceil(left) <= i < np.ceil(left + row[1] * np.float32(16))]
    expected = images.copy()
    expected[np.ix_([0], rows, columns)] = (200, 201, 202)
    assert (ours == expected).all()


def murmur(bits: int) -> int:
    """`fmix32` of MurmurHash3."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = (bits ^ bits >> shift) * factor % 2**32
    return bits ^ bits >> 16


@pytest.mark.parametrize("key", [0.0, 0.3, 1 - 2**-24])
def test_noise_is_a_hash_of_key_and_place(key: float) -> None:
    images = np.zeros((1, 4, 5, 3), np.uint8)
    ours = filtered(RandomErasing(), images, [[1, 1, 1, 0, 0, key]])
    seed = murmur(int(np.float32(key) * 2**24))
    expected = [NOISE[murmur(seed ^ place * 0x9E3779B9 % 2**32) >> 24] for place in range(60)]
    assert ours.ravel().tolist() == expected
