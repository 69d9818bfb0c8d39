from collections.abc import Callable

import cv2
import numpy as np
import pytest

from pipelines import CenterCrop, RandomFlip, RandomResizedCrop
from pipelines.augment.program import Program
from schemas.codec import Pixels
from schemas.errors import UsageError
from tests.pipelines.augment.reference import run
from tests.pipelines.build_dataset import picture


def test_functions_see_what_stands_before_them() -> None:
    image = picture(7, 40, 60)
    seen: list[tuple[int, ...]] = []

    def look(pixels: Pixels) -> Pixels:
        seen.append(pixels.shape)
        return 255 - pixels

    result = run(
        [look, CenterCrop(30, 30), look, RandomFlip("vertical")], image, image_size=(10, 12), example=3
    )
    assert seen == [(40, 60, 3), (30, 30, 3)]
    expected = cv2.resize(image[5:35, 15:45], (12, 10), interpolation=cv2.INTER_AREA)
    assert np.array_equal(result, expected) or np.array_equal(result, expected[::-1])


def test_a_function_may_change_the_size_where_image_size_is_given() -> None:
    image = picture(8, 40, 60)
    assert run([lambda pixels: pixels[:20]], image, image_size=(20, 60)).shape == (20, 60, 3)
    with pytest.raises(UsageError, match="Pass image_size"):
        run([lambda pixels: pixels[:20]], image)


@pytest.mark.parametrize(
    "function", [lambda _: None, lambda p: p / 255, lambda p: p[..., 0], lambda p: p[..., :2]]
)
def test_a_function_must_return_an_image(function: Callable[[Pixels], Pixels]) -> None:
    with pytest.raises(UsageError, match=r"must return a uint8 array .* Received: "):
        run([function], picture(9, 10, 10))


def test_parameters_depend_on_seed_epoch_example_and_place_only() -> None:
    program = Program([RandomResizedCrop(), RandomFlip()], image_size=(8, 8), seed=5)
    sizes = np.full(40, 50)
    whole = program.draw(2, np.arange(40), heights=sizes, widths=sizes).views
    part = program.draw(2, np.array([31, 7]), heights=sizes[:2], widths=sizes[:2]).views
    assert part == [whole[31], whole[7]]
    assert program.draw(3, np.arange(40), heights=sizes, widths=sizes).views != whole
    other = Program([RandomResizedCrop(), RandomFlip()], image_size=(8, 8), seed=6)
    assert other.draw(2, np.arange(40), heights=sizes, widths=sizes).views != whole
    twice = Program([RandomFlip("horizontal"), RandomFlip("horizontal")], image_size=None, seed=5)
    flips = {view.flip for view in twice.draw(0, np.arange(40), heights=sizes, widths=sizes).views}
    assert flips == {(False, False), (False, True)}  # two flips of the same draws would cancel out
