"""What every augmentation inherits: names of arguments are checked, one draw is one parameter, sizes stay."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Integers
from fitfeed.pipelines.augment.base import REFUSED, Augmentation, PlanBuilder
from fitfeed.schemas.errors import UsageError


@dataclass(frozen=True)
class Tilt(Augmentation):
    """An augmentation as a file of `augment/ops` defines it."""

    angle: float
    axis: str = "both"
    draws = 2

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        plan.append(self, rows, [])


class Nothing(Augmentation):
    """One without arguments."""

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        pass


def test_an_augmentation_is_a_value_of_its_arguments() -> None:
    assert Tilt(3, "x") == Tilt(angle=3, axis="x") != Tilt(3)
    assert hash(Tilt(3)) == hash(Tilt(3.0))
    assert dataclasses.replace(Tilt(3), axis="y") == Tilt(3, "y")
    assert isinstance(Nothing(), Nothing)


def test_it_must_say_what_it_does_to_images() -> None:
    incomplete: Any = type("Incomplete", (Augmentation,), {})
    with pytest.raises(TypeError, match=r"abstract method '?add_to"):
        incomplete()


def test_unknown_arguments_are_named_with_those_that_there_are() -> None:
    make: Any = Tilt
    with pytest.raises(UsageError) as caught:
        make(3, angel=4)
    assert (
        str(caught.value) == "Tilt has no argument angel: its arguments are: angle, axis. Received: angel=4."
    )
    make = Nothing
    with pytest.raises(UsageError) as caught:
        make(size="large")
    assert (
        str(caught.value) == "Nothing has no argument size: its arguments are: none. Received: size='large'."
    )


@pytest.mark.parametrize("name", REFUSED)
def test_arguments_of_keras_layers_are_refused_with_the_reason(name: str) -> None:
    make: Any = Tilt
    with pytest.raises(UsageError) as caught:
        make(3, **{name: None})
    assert str(caught.value) == f"Tilt has no argument {name}: {REFUSED[name]}. Received: {name}=None."


def test_an_argument_of_its_own_is_not_refused() -> None:
    @dataclass(frozen=True)
    class Seeded(Nothing):
        seed: int = 0

    assert Seeded(seed=4).seed == 4


def test_by_default_one_draw_is_one_parameter_and_sizes_stay() -> None:
    uniforms = np.random.default_rng(0).random((5, 2))
    assert np.array_equal(Tilt(3).sample(uniforms), uniforms)
    assert Tilt(3).output_size((20, 30), image_size=(8, 8)) == (20, 30)
    assert (Nothing.draws, Tilt.draws) == (0, 2)
    assert not Nothing.only_8_bit
