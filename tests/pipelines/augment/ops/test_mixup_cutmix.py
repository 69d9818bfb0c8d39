"""`MixUp` and `CutMix`: what they draw, and what becomes of images and labels, beside the Keras layers."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines import CutMix, MixUp, RandomBrightness, RandomFlip, explain
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.ops.beta_quantile import beta_quantile
from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation, Mixture, split_batch, without_mixes
from fitfeed.pipelines.batches.mix import Mixer, mix_image, mix_labels
from fitfeed.pipelines.order.counter_rng import fold_in, uniform
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels
from tests.effort import tries
from tests.pipelines.build_dataset import picture

DRAWS = 40_000
HALF = 0.502
"""Rounding, and the 24 bits of float32."""


def sampled(op: BatchAugmentation, count: int = DRAWS, seed: int = 3) -> npt.NDArray[np.float64]:
    return op.sample(uniform(fold_in("augment", seed, 0, 0), np.arange(count), draws=op.draws))


def assert_same_distribution(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> None:
    """The two-sample test of Kolmogorov and Smirnov, at a level of 1%."""
    both = np.sort(np.concatenate([a, b]))
    shares = [np.searchsorted(np.sort(x), both, side="right") / len(x) for x in (a, b)]
    assert np.abs(shares[0] - shares[1]).max() < 1.63 * np.sqrt(1 / len(a) + 1 / len(b))


def mixtures_of(ops: list[BatchAugmentation], n: int, size: tuple[int, int], seed: int = 0) -> list[Mixture]:
    return Mixer(list(enumerate(ops)), seed=seed).sample(0, np.arange(n), size=size)


def whole_batch(images: Pixels, mixtures: list[Mixture]) -> Pixels:
    made = []
    for i in range(len(images)):
        out = np.full_like(images[0], 77)
        result = mix_image(images, mixtures, i, out=out)
        assert result is out or np.shares_memory(result, images)
        made.append(result)
    return np.stack(made)


# ---------------------------------------------------------------- what is drawn


@pytest.mark.parametrize("alpha", [1e-3, 0.05, 0.2, 0.5, 0.8, 1.0])
def test_the_quantile_inverts_the_distribution_function(alpha: float) -> None:
    probability = np.random.default_rng(1).random(5000)
    x = beta_quantile(np.full(5000, alpha), probability)
    held = (x > 1e-300) & (x < 1 - 1e-9)  # nearer to 0 or 1, numbers lose their digits
    a = tf.constant(alpha, tf.float64)
    back = tf.math.betainc(a, a, tf.constant(x)).numpy()
    np.testing.assert_allclose(back[held], probability[held], atol=1e-9)
    assert (np.diff(x[np.argsort(probability)]) >= 0).all()


@given(st.floats(1e-12, 1.0), st.floats(0, 1, exclude_max=True))
def test_the_quantile_is_a_symmetric_share(alpha: float, probability: float) -> None:
    low, high = beta_quantile(np.full(2, alpha), np.array([probability, np.nextafter(1 - probability, 0)]))
    assert 0 <= low <= 1
    assert low + high == pytest.approx(1, abs=1e-6)
    assert beta_quantile(np.array([alpha]), np.array([0.5]))[0] == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.1, 0.2, 0.7, 1.0])
def test_mix_up_draws_its_weight_as_numpy(alpha: float) -> None:
    assert_same_distribution(sampled(MixUp(alpha))[:, 1], np.random.default_rng(0).beta(alpha, alpha, DRAWS))
    with pytest.raises(AssertionError):
        assert_same_distribution(
            sampled(MixUp(alpha))[:, 1], np.random.default_rng(0).beta(0.9 * alpha, alpha, DRAWS)
        )


@pytest.mark.parametrize(("factor", "low", "high"), [(1.0, 0.0, 1.0), ((0.9, 0.3), 0.3, 0.9), ((1, 1), 1, 1)])
def test_cut_mix_draws_its_box_as_keras(factor: Any, low: float, high: float) -> None:
    random = np.random.default_rng(0)
    alpha = random.uniform(low, high, DRAWS) + 1e-6
    _, side, y, x = sampled(CutMix(factor)).T
    assert_same_distribution(side, np.sqrt(1 - random.beta(alpha, alpha)))
    for place in (y, x):
        assert_same_distribution(place, random.random(DRAWS))
    assert keras.layers.CutMix(factor).factor == (low, high)


@pytest.mark.slow
def test_partners_are_a_uniform_permutation() -> None:
    mixer = Mixer([(0, MixUp())], seed=1)
    counts, batches = np.zeros((4, 4)), tries(6000)
    for batch in range(batches):
        examples = np.arange(4 * batch, 4 * batch + 4)
        partner = mixer.sample(0, examples, size=(8, 8))[0].partner
        assert sorted(partner.tolist()) == [0, 1, 2, 3]
        counts[np.arange(4), partner] += 1
    deviation = (0.25 * 0.75 / batches) ** 0.5
    assert np.abs(counts / batches - 0.25).max() < 3.6 * deviation


def test_draws_depend_on_seed_epoch_and_place_and_on_the_example_alone() -> None:
    def weights(seed: int = 0, epoch: int = 0, place: int = 0, first: int = 0) -> Any:
        mixer = Mixer([(place, MixUp(1.0))], seed=seed)
        return mixer.sample(epoch, np.arange(first, 20), size=(8, 8))[0].weight

    np.testing.assert_array_equal(weights(), weights())
    np.testing.assert_array_equal(weights(first=7), weights()[7:])
    assert not np.isin(weights(), [weights(seed=1), weights(epoch=1), weights(place=1)]).any()


# ---------------------------------------------------------------- what becomes of it


@pytest.mark.parametrize("channels", [1, 3])
def test_mix_up_is_keras_layer(channels: int) -> None:
    images = np.stack([picture(i, 24, 31, channels) for i in range(9)])
    labels = np.eye(5, dtype=np.float32)[np.arange(9) % 5]
    (mixture,) = mixtures = mixtures_of([MixUp(1.0)], 9, (24, 31))
    layer = keras.layers.MixUp()
    transformation = {"mix_weight": mixture.weight.astype(np.float32), "permutation_order": mixture.partner}
    expected = keras.ops.convert_to_numpy(layer.transform_images(images, transformation))
    assert np.abs(whole_batch(images, mixtures) - expected).max() <= HALF
    expected = keras.ops.convert_to_numpy(layer.transform_labels(labels, transformation))
    np.testing.assert_allclose(mix_labels(labels, mixtures), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_cut_mix_is_keras_layer(channels: int) -> None:
    op, n, (height, width) = CutMix(), 60, (24, 31)
    images = np.stack([picture(i, height, width, channels) for i in range(n)])
    labels = np.eye(5, dtype=np.float32)[np.arange(n) % 5]
    (mixture,) = mixtures = mixtures_of([op], n, (height, width))
    parameters = op.sample(uniform(fold_in("augment", 0, 0, 0), np.arange(n), draws=op.draws))
    _, share, y, x = parameters.T.astype(np.float32)
    top, left = y * (height - share * height), x * (width - share * width)
    corners = (left, left + share * width, top, top + share * height)
    layer = keras.layers.CutMix()
    masks, weight = layer._generate_batch_mask(images.shape, corners)
    transformation = {"mix_weight": weight, "permutation_order": mixture.partner, "batch_masks": masks}
    expected = keras.ops.convert_to_numpy(layer.transform_images(images, transformation))
    np.testing.assert_array_equal(whole_batch(images, mixtures), expected)
    exact = 1 - keras.ops.convert_to_numpy(masks)[..., 0].mean(axis=(1, 2))
    weight = keras.ops.convert_to_numpy(weight).ravel()
    np.testing.assert_allclose(mixture.weight, exact, atol=1e-12)
    # Theirs is the area between the corners, which is not that of the pixels.
    assert 0.01 < np.abs(weight - exact).max() < 1 / height + 1 / width
    transformation["mix_weight"] = exact.astype(np.float32)
    theirs = keras.ops.convert_to_numpy(layer.transform_labels(labels, transformation))
    np.testing.assert_allclose(mix_labels(labels, mixtures), theirs, atol=1e-6)


@pytest.mark.parametrize(
    "ops",
    [[MixUp(1.0), CutMix()], [CutMix(), MixUp(1.0)]],
    ids=["blend-cut", "cut-blend"],
)
def test_several_are_layers_in_a_row(ops: list[BatchAugmentation]) -> None:
    images = np.stack([picture(i, 20, 26) for i in range(30)])
    mixtures = mixtures_of(ops, 30, (20, 26))
    expected = images.astype(np.float64)
    for mixture in mixtures:
        other = expected[mixture.partner]
        if mixture.boxes is None:
            weight = mixture.weight[:, None, None, None]
            expected = weight * expected + (1 - weight) * other
        else:
            expected = expected.copy()
            for i, (top, left, bottom, right) in enumerate(mixture.boxes.tolist()):
                expected[i, top:bottom, left:right] = other[i, top:bottom, left:right]
    assert np.abs(whole_batch(images, mixtures) - expected).max() <= HALF  # one of them rounds


@given(
    st.integers(1, 7), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32),
    st.sampled_from([[MixUp(1.0)], [CutMix()], [MixUp(0.2), CutMix((1, 1))], [CutMix(), MixUp(1.0)]]),
)  # fmt: skip
def test_an_image_has_the_shares_that_its_label_says(
    n: int, height: int, width: int, seed: int, ops: list[BatchAugmentation]
) -> None:
    images = np.zeros((n, height, width, n), np.uint8)  # each shows in a channel of its own
    images[np.arange(n), ..., np.arange(n)] = 255
    mixtures = mixtures_of(ops, n, (height, width), seed)
    labels = mix_labels(np.eye(n, dtype=np.float32), mixtures)
    shares = whole_batch(images, mixtures).mean(axis=(1, 2)) / 255
    exact = ops == [CutMix()]
    np.testing.assert_allclose(shares, labels, atol=1e-6 if exact else HALF / 255)
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    assert (images[np.arange(n), ..., np.arange(n)] == 255).all()  # not changed


def test_a_weight_of_one_is_the_image_itself() -> None:
    images = np.stack([picture(i, 9, 9) for i in range(4)])
    partner, nothing = np.array([1, 0, 3, 2]), np.zeros((4, 4), np.int64)
    for boxes in (None, nothing):
        mixtures = [Mixture(partner=partner, weight=np.ones(4), boxes=boxes)]
        assert np.shares_memory(mix_image(images, mixtures, 2), images)
        np.testing.assert_array_equal(whole_batch(images, mixtures), images)
        labels = np.eye(4, dtype=np.float32)
        np.testing.assert_array_equal(mix_labels(labels, mixtures), labels)
    # A factor of 0: every image is its own or its partner, as a whole.
    (mixture,) = mixtures_of([CutMix((0, 0))], 40, (9, 9))
    assert set(mixture.weight.tolist()) == {0.0, 1.0}


def test_who_loses_its_partner_stays_as_it_is() -> None:
    boxes = np.array([[0, 0, 2, 3]] * 4)
    mixture = Mixture(partner=np.array([2, 0, 3, 1]), weight=np.full(4, 0.25), boxes=boxes)
    kept = mixture.keep(np.array([0, 1, 3]))
    assert (kept.partner.tolist(), kept.weight.tolist()) == ([0, 0, 1], [1.0, 0.25, 0.25])
    images = np.stack([picture(i, 4, 4) for i in range(3)])
    np.testing.assert_array_equal(mix_image(images, [kept], 0), images[0])


# ---------------------------------------------------------------- where they stand


@pytest.mark.parametrize("after", [RandomFlip(), RandomBrightness(0.1), lambda image: image])
def test_nothing_else_comes_after_them(after: Any) -> None:
    with pytest.raises(UsageError, match=r"^MixUp mixes whole batches.* Received: augment\[3\]=.*Move MixUp"):
        split_batch([RandomFlip(), MixUp(), CutMix(), after])
    with pytest.raises(UsageError, match=r"MixUp may be in augment only once. Received: augment\[2\]="):
        split_batch([MixUp(), CutMix(), MixUp(0.1)])
    compiled = Program([CutMix()], image_size=None, seed=0).compile(
        0, np.arange(1), heights=np.array([8]), widths=np.array([8])
    )
    with pytest.raises(UsageError, match="CutMix mixes whole batches"):
        _ = compiled.passes  # they are made when first asked for


def test_a_list_for_single_images_has_none_of_them() -> None:
    flip = RandomFlip()
    assert without_mixes([flip], because="each image is alone") == [flip]
    with pytest.raises(
        UsageError,
        match=r"^CutMix mixes whole batches, and each image is alone\. Received: augment=\[\.\.\., CutMix\(\.\.\.\)\]\. Leave it out",
    ):
        without_mixes([flip, CutMix(), MixUp()], because="each image is alone")


def test_explain_says_when_they_run(capsys: pytest.CaptureFixture[str]) -> None:
    explain([RandomFlip(), MixUp(), CutMix()])
    assert (
        capsys.readouterr().out
        == "1. one resampling: RandomFlip\n2. with a partner in the batch: MixUp, CutMix\n"
    )
