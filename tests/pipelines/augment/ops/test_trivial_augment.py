"""TrivialAugment: torchvision's operations, and their bins."""

import numpy as np
import numpy.typing as npt
import pytest

from fitfeed.pipelines import (
    TrivialAugment,
)
from fitfeed.schemas.payload import Pixels
from tests.pipelines.augment.reference import apply, difference
from tests.pipelines.build_dataset import picture

N = 6000


GRAY = np.array([0.299, 0.587, 0.114])


TRIVIAL = TrivialAugment(interpolation="bilinear", fill=9)


NAMES = ["identity", "shear_x", "shear_y", "translate_x", "translate_y", "rotate", "brightness", "color", "contrast", "sharpness", "posterize", "solarize", "autocontrast", "equalize"]  # fmt: skip


def trivial(
    name: str, magnitude: float, height: int = 40, width: int = 31
) -> tuple[npt.NDArray[np.float64], Pixels]:
    image = picture(2, height, width)
    return image.astype(np.float64), apply([(TRIVIAL, [NAMES.index(name), magnitude])], image)


def test_trivial_augment_samples_as_torchvision() -> None:
    parameters = TRIVIAL.sample(np.random.default_rng(0).random((4 * N, 3)))
    counts = np.bincount(parameters[:, 0].astype(int), minlength=14)
    assert len(counts) == 14
    assert counts.min() > 4 * N / 14 * 0.9
    bounds = {
        "shear_x": 0.99,
        "translate_y": 32,
        "rotate": 135,
        "contrast": 0.99,
        "posterize": 8,
        "solarize": 255,
    }
    for name, top in bounds.items():
        magnitudes = parameters[parameters[:, 0] == NAMES.index(name)][:, 1]
        low = {"posterize": 2, "solarize": 0}.get(name, -top)
        assert (magnitudes.min(), magnitudes.max()) == pytest.approx((low, top))
        assert len(np.unique(magnitudes)) == {"posterize": 7, "solarize": 31}.get(name, 61)


def test_trivial_augment_is_torchvisions_operations() -> None:
    image, ours = trivial("brightness", 0.5)
    assert difference(ours, np.clip(image * 1.5, 0, 255)).max() <= 0.75
    image, ours = trivial("color", -0.4)
    gray = (image @ GRAY)[..., None]
    assert difference(ours, gray * 0.4 + image * 0.6).max() <= 1
    image, ours = trivial("contrast", 0.7)
    assert difference(ours, np.clip(image * 1.7 - 0.7 * (image @ GRAY).mean(), 0, 255)).max() <= 1
    image, ours = trivial("solarize", 100)
    assert np.array_equal(ours, np.where(image >= 100, 255 - image, image))
    image, ours = trivial("posterize", 3)
    assert np.array_equal(ours, image.astype(int) & 0b11100000)
    image, ours = trivial("identity", 0)
    assert np.array_equal(ours, image)


@pytest.mark.parametrize("amount", [0.8, -0.8])
def test_trivial_sharpness_leaves_the_rim(amount: float) -> None:
    image, ours = trivial("sharpness", amount)
    shifted = [np.roll(image, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    smooth = (sum(shifted) + 4 * image) / 13
    expected = np.clip(image * (1 + amount) - amount * smooth, 0, 255)
    assert difference(ours, expected)[1:-1, 1:-1].max() <= 0.51
    for rim in np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]:
        assert np.array_equal(ours[rim], image[rim])


def test_trivial_geometry() -> None:
    image, ours = trivial("translate_x", 5.7)
    assert np.array_equal(ours[:, 5:], image[:, :-5])
    assert (ours[:, :5] == 9).all()
    image, ours = trivial("translate_y", -7)
    assert np.array_equal(ours[:-7], image[7:])
    image, ours = trivial("rotate", 90, 30, 30)
    assert difference(ours, np.rot90(image)).max() <= 0.5
    image, ours = trivial("shear_x", 0.5)
    y = 21  # a row moves by half its distance from the top edge: here 10.75 pixels
    expected = image[y, 4:-11] * 0.25 + image[y, 3:-12] * 0.75
    assert (
        difference(ours[y, 14:-1], expected).max() <= 0.6
        or difference(ours[y, 15:], expected[:16]).max() <= 0.6
    )
