"""PSNR and SSIM against those of TensorFlow."""

import math

import numpy as np
import pytest

from fitfeed.converters.images.encode import encode_jpeg
from fitfeed.estimate.fidelity import psnr, ssim
from fitfeed.schemas.payload import decode_payload
from tests.pipelines.build_dataset import picture


@pytest.mark.parametrize("quality", [10, 50, 95])
@pytest.mark.parametrize(("height", "width", "channels"), [(40, 57, 3), (11, 64, 1), (96, 96, 3)])
def test_both_are_those_of_tensorflow(quality: int, height: int, width: int, channels: int) -> None:
    import tensorflow as tf

    original = np.ascontiguousarray(picture(quality, height, width)[:, :, :channels])
    stored = decode_payload(encode_jpeg(original, quality), size=(height, width), channels=channels)
    assert psnr(original, stored) == pytest.approx(float(tf.image.psnr(original, stored, 255)), rel=1e-4)
    assert ssim(original, stored) == pytest.approx(float(tf.image.ssim(original, stored, 255)), abs=1e-4)


def test_equal_pictures() -> None:
    original = picture(0, 32, 32)
    assert psnr(original, original) == math.inf
    assert ssim(original, original) == pytest.approx(1.0)


def test_a_picture_smaller_than_the_window_has_no_ssim() -> None:
    original = picture(0, 10, 40)
    assert ssim(original, original) is None
