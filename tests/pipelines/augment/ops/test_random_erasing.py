"""The rectangle that is hidden."""

import numpy as np
import pytest

from fitfeed.pipelines.augment.ops.random_erasing import NOISE, RandomErasing
from fitfeed.schemas.errors import UsageError

WHITE = np.full((10, 20, 3), 255, np.uint8)


def erased(op: RandomErasing, *parameters: float) -> np.ndarray:
    out = np.empty_like(WHITE)
    op.filter(WHITE, (1.0, *parameters), out)
    return out


def test_a_share_of_each_side_is_hidden_at_its_place() -> None:
    out = erased(RandomErasing(fill_value=7), 0.25, 0.5, 0.2, 1.0, 0.0)
    rows, columns = np.nonzero((out == 7).all(axis=2))
    assert (rows.min(), rows.max()) == (5, 9)
    assert (columns.min(), columns.max()) == (3, 7)
    assert int((out == 7).sum()) == 3 * 5 * 5
    assert int((out == 255).sum()) == WHITE.size - 3 * 5 * 5


def test_a_color_has_three_values() -> None:
    out = erased(RandomErasing(fill_value=(1, 2, 3)), 1.0, 1.0, 0.0, 0.0, 0.0)
    assert (out == [1, 2, 3]).all()
    with pytest.raises(UsageError, match=r"three values for a gr[ae]y image"):
        RandomErasing(fill_value=(1, 2, 3)).filter(
            WHITE[..., :1], (1.0, 1.0, 1.0, 0.0, 0.0, 0.0), np.empty_like(WHITE[..., :1])
        )


def test_noise_is_half_black_and_of_its_key() -> None:
    one, same, other = (erased(RandomErasing(), 1.0, 1.0, 0.0, 0.0, key) for key in (0.3, 0.3, 0.7))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert abs((one == 0).mean() - 0.5) < 0.1
    assert (NOISE[:128] == 0).all()
    assert NOISE[-1] == 255


def test_values_of_16_bits_are_as_bright() -> None:
    deep = np.zeros((2, 2, 1), np.uint16)
    RandomErasing(fill_value=128).filter(deep, (1.0, 1.0, 1.0, 0.0, 0.0, 0.0), deep)
    assert set(deep.ravel().tolist()) == {128 * 257}


def test_what_is_drawn_is_the_square_of_the_share() -> None:
    op = RandomErasing((1, 1), (0.25, 0.25))
    drawn = op.sample(np.full((1, op.draws), 0.5))
    assert drawn[0].tolist() == [1, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert op.changes(drawn).tolist() == [True]
