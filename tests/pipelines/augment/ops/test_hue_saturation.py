"""What is drawn for hue and saturation; `test_against_keras` compares the pixels."""

import numpy as np
import pytest

from fitfeed.pipelines.augment.ops.hue_saturation import RandomHue, RandomSaturation
from fitfeed.schemas.errors import UsageError


@pytest.mark.parametrize(("factor", "multiplies"), [(0.5, 1.0), (0.0, 0.0), (0.75, 3.0), (0.2, 0.25)])
def test_saturation_is_multiplied_by_odds(factor: float, multiplies: float) -> None:
    drawn = RandomSaturation((factor, factor)).sample(np.array([[0.3]]))
    assert np.allclose(drawn, [[multiplies]], atol=1e-5)


def test_full_and_negative_saturation_stay_in_bounds() -> None:
    assert RandomSaturation((1.0, 1.0)).sample(np.array([[0.3]])).tolist() == [[10_000.0]]
    assert RandomSaturation((-1.0, -1.0)).sample(np.array([[0.3]])).tolist() == [[0.0]]


def test_hue_turns_by_half_of_the_factor_either_way() -> None:
    drawn = RandomHue((0.4, 0.4)).sample(np.array([[0.2, 0.9], [0.8, 0.1]]))
    assert drawn.tolist() == [[0.2], [-0.2]]
    assert RandomHue(1.0).sample(np.array([[0.2, 0.5]])).tolist() == [[0.25]]


@pytest.mark.parametrize("make", [lambda: RandomHue(-0.1), lambda: RandomSaturation(1.5)])
def test_factors_out_of_range_are_refused(make: object) -> None:
    with pytest.raises(UsageError, match="Received: factor"):
        make()  # type: ignore[operator]
