"""Random numbers that are hashes of what they are about."""

import numpy as np

from fitfeed.pipelines.order.counter_rng import fold_in, splitmix64, uniform, uniforms


def test_splitmix64_is_that_of_the_paper() -> None:
    """The first outputs of the generator whose state begins at 0, as its authors' C code prints them."""
    states = np.arange(3, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    before = states.copy()
    assert [hex(value) for value in splitmix64(states).tolist()] == [
        "0xe220a8397b1dcdaf",
        "0x6e789e6aa1b965f4",
        "0x6c45d188009454f",
    ]
    assert np.array_equal(states, before)


def test_a_key_depends_on_purpose_and_numbers_and_their_order() -> None:
    keys = [fold_in("order", 1, 2), fold_in("order", 2, 1), fold_in("augment", 1, 2), fold_in("order", 12)]
    assert len({int(key[0]) for key in keys}) == 4
    assert fold_in("order", -(2**80), 3).shape == (1,)
    assert np.array_equal(fold_in("order", 1, 2), keys[0])


def test_numbers_of_an_example_do_not_depend_on_the_others() -> None:
    key = fold_in("augment", 7, 0)
    together = uniform(key, np.arange(100), draws=5)
    assert together.shape == (100, 5)
    assert together.dtype == np.float64
    assert np.array_equal(uniform(key, np.array([63]), draws=5)[0], together[63])
    assert np.array_equal(uniform(key, np.array([63]), draws=3)[0], together[63, :3])


def test_they_are_uniform() -> None:
    drawn = uniform(fold_in("augment", 1), np.arange(20_000), draws=2)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    assert np.abs(np.histogram(drawn, 10, (0, 1))[0] / 4000 - 1).max() < 0.07
    assert abs(float(np.mean((drawn[:, 0] - 0.5) * (drawn[:, 1] - 0.5)))) < 0.0025
    assert (
        abs(float(np.mean((drawn[:-1, 0] - 0.5) * (drawn[1:, 0] - 0.5)))) < 0.0025
    )  # neighbors are unrelated


def test_several_keys_at_once_draw_what_each_draws() -> None:
    keys = np.concatenate([fold_in("augment", number) for number in range(3)])
    several = uniforms(keys, np.arange(9), draws=[2, 0, 4])
    for key, own in zip(keys, several, strict=True):
        assert np.array_equal(own, uniform(key[None], np.arange(9), draws=own.shape[1]))
