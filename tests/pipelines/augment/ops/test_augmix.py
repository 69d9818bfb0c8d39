"""AugMix: its weights, its chains, and the blend."""

import numpy as np
import pytest

from fitfeed.pipelines import (
    AugMix,
)
from fitfeed.pipelines.augment.ops.augmix import GAMMA, gamma
from tests.pipelines.augment.reference import apply, difference, rounded, run
from tests.pipelines.build_dataset import picture

N = 6000


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.5])
def test_gamma_numbers_are_gamma_distributed(alpha: float) -> None:
    ours = np.sort(gamma(alpha, np.random.default_rng(0).random((N, GAMMA))))
    theirs = np.sort(np.random.default_rng(1).gamma(alpha, size=N))
    values = np.concatenate([ours, theirs])
    gap = np.searchsorted(ours, values, "right") - np.searchsorted(theirs, values, "right")
    assert np.abs(gap).max() / N < 2.7 * np.sqrt(2 / N)


def test_augmix_weights() -> None:
    op = AugMix(num_chains=4, alpha=2.0)
    weights = op.sample(np.random.default_rng(0).random((N, op.draws)))[:, :5]
    assert weights.sum(axis=1) == pytest.approx(1)
    assert weights[:, 0].mean() == pytest.approx(0.5, abs=0.02)  # Beta(2, 2)
    assert weights[:, 0].var() == pytest.approx(1 / 20, abs=0.004)
    assert weights[:, 1:].mean(axis=0) == pytest.approx([0.125] * 4, abs=0.01)


def test_augmix_blends_its_chains() -> None:
    image = picture(3, 30, 40)
    op = AugMix(num_chains=2, chain_depth=2, factor=0.5)
    nothing = float(len(op.choices))
    names = [type(choice).__name__ for choice in op.choices]
    invert, bright = float(names.index("Solarization")), float(names.index("RandomBrightness"))
    row = [0.5, 0.2, 0.3, invert, 0, 0, 0, nothing, 0, 0, 0, nothing, 0, 0, 0, bright, 30, 0, 0]
    ours = apply([(op, row)], image)
    chains = [255.0 - image, np.clip(image + 30.0, 0, 255)]
    expected = 0.5 * image + 0.2 * chains[0] + 0.3 * chains[1]
    assert difference(ours, expected).max() <= 1
    unchanged = [0.5, 0.2, 0.3, *([nothing, 0, 0, 0] * 4)]
    assert np.array_equal(apply([(op, unchanged)], image), image)


def test_augmix_without_all_ops_changes_no_brightness() -> None:
    names = {type(choice).__name__ for choice in AugMix(all_ops=False).choices}
    assert len(names) == 7
    assert not names & {"RandomBrightness", "RandomContrast", "RandomColorDegeneration", "RandomSharpness"}
    assert rounded(np.full((2, 2), 300.0)).max() == 255
    assert run([AugMix()], picture(4, 20, 20, 1)).shape == (20, 20, 1)
