"""Brightness, contrast, gray and inversion: what is drawn, and what becomes of a pixel."""

import numpy as np
import pytest

from fitfeed.pipelines import (
    Augmentation,
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomGrayscale,
    RandomInvert,
)
from fitfeed.schemas.errors import UsageError
from tests.pipelines.augment.reference import apply, difference, run
from tests.pipelines.build_dataset import picture

IMAGE = picture(5, 20, 24)
WIDE = IMAGE.astype(np.float64)
GRAY = (WIDE @ np.array([0.299, 0.587, 0.114]))[..., None]
ENDS = np.array([[0.0], [0.5], [1 - 1e-12]])


@pytest.mark.parametrize(
    ("op", "drawn"),
    [
        (RandomBrightness(0.2), [-51, 0, 51]),
        (RandomBrightness((0.1, 0.3)), [25.5, 51, 76.5]),
        (RandomContrast((0.2, 0.4)), [0.8, 1.1, 1.4]),
        (RandomColorDegeneration(0.5), [-0.5, 0, 0.5]),
        (RandomColorDegeneration((0.0, 0.5)), [0, 0.25, 0.5]),
    ],
)
def test_what_is_drawn_spans_the_factor(op: Augmentation, drawn: list[float]) -> None:
    assert op.sample(ENDS)[:, 0].tolist() == pytest.approx(drawn)


@pytest.mark.parametrize("op", [RandomGrayscale(0.25), RandomInvert((0.25, 0.25))])
def test_a_share_of_the_images_is_chosen(op: Augmentation) -> None:
    chosen = op.sample(np.random.default_rng(0).random((4000, op.draws)))
    assert set(np.unique(chosen)) == {0.0, 1.0}
    assert chosen.mean() == pytest.approx(0.25, abs=0.03)


def test_what_becomes_of_a_pixel() -> None:
    assert difference(apply([(RandomBrightness(0.2), [30])], IMAGE), np.clip(WIDE + 30, 0, 255)).max() <= 0.5
    assert (
        difference(apply([(RandomColorDegeneration(0.5), [0.4])], IMAGE), 0.6 * WIDE + 0.4 * GRAY).max() <= 1
    )
    gray = apply([(RandomGrayscale(), [1])], IMAGE)
    assert (gray == gray[..., :1]).all()
    assert difference(gray, np.broadcast_to(GRAY, gray.shape)).max() <= 1
    assert np.array_equal(apply([(RandomGrayscale(), [0])], IMAGE), IMAGE)
    assert np.array_equal(apply([(RandomInvert(), [1])], IMAGE), 255 - IMAGE)


def test_contrast_keeps_the_mean_of_each_channel() -> None:
    flat = np.clip(WIDE, 100, 150).astype(np.uint8)  # so that nothing is cut off
    ours = apply([(RandomContrast((0.5, 0.5)), [1.5])], flat)
    expected = (flat - flat.mean(axis=(0, 1))) * 1.5 + flat.mean(axis=(0, 1))
    assert difference(ours, expected).max() <= 1


def test_a_jitter_has_the_parts_it_is_told() -> None:
    jitter = RandomColorJitter(brightness_factor=0.1, saturation_factor=0.2)
    assert [None if part is None else type(part).__name__ for part in jitter.parts] == [
        "RandomBrightness",
        None,
        "RandomSaturation",
        None,
    ]
    assert run([jitter], IMAGE).shape == IMAGE.shape


@pytest.mark.parametrize(
    ("op", "given"),
    [(RandomBrightness, 1.5), (RandomColorDegeneration, 1.1), (RandomGrayscale, 2), (RandomInvert, "half")],
)
def test_wrong_factors_are_named(op: type, given: object) -> None:
    with pytest.raises(UsageError, match="Received: factor="):
        op(given)
