"""Boxes and points of a user's own follow their images."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed import pipelines
from fitfeed.pipelines import (
    CutMix,
    Dataset,
    MixUp,
    RandomBrightness,
    RandomFlip,
    RandomPerspective,
    RandomResizedCrop,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    make_pipeline,
    move_boxes,
    move_points,
)
from fitfeed.pipelines.augment.boxes import relative_transforms
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.schemas.errors import UsageError
from tests.pipelines.functions import mirror

HEIGHT, WIDTH = 120, 160
OUT = (96, 112)

AUGMENTS: list[list[Any]] = [
    [],
    [RandomFlip()],
    [RandomResizedCrop(scale=(0.5, 1)), RandomFlip("horizontal")],
    [RandomRotation(0.1, fill_mode="constant")],
    [RandomZoom(0.2), RandomShear(0.2, 0.2), RandomTranslation(0.1, 0.1), RandomBrightness(0.1)],
    [RandomPerspective(scale=0.3), RandomRotation(0.1, fill_mode="nearest"), RandomFlip()],  # two resamplings
]


def blob(x: float, y: float) -> Any:
    """A picture with a dot at a relative place."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    distance = (columns - x * WIDTH) ** 2 + (rows - y * HEIGHT) ** 2
    return np.repeat(np.rint(255 * np.exp(-distance / 18))[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("augment", AUGMENTS)
@pytest.mark.parametrize("place", [(0.5, 0.5), (0.42, 0.6), (0.61, 0.37)])
def test_a_dot_is_where_its_place_is_moved_to(augment: Sequence[Any], place: tuple[float, float]) -> None:
    program = Program(augment, image_size=OUT, seed=3)
    numbers = np.arange(16)
    compiled = program.compile(0, numbers, heights=np.full(16, HEIGHT), widths=np.full(16, WIDTH))
    transforms = relative_transforms(compiled, OUT)
    picture, seen = blob(*place), 0
    for i in range(16):
        x, y = move_points([place], transforms[i])[0] * OUT[::-1]
        if not (8 < x < OUT[1] - 8 and 8 < y < OUT[0] - 8):
            continue  # cut off, or beside its own reflection
        seen += 1
        shown = program.render(picture, compiled, i, size=OUT)[..., 0].astype(float)
        window = np.zeros_like(shown)
        cv2.circle(window, (int(x), int(y)), 8, 1.0, -1)
        shown *= window
        rows, columns = np.mgrid[0 : OUT[0], 0 : OUT[1]] + 0.5
        weight = shown.sum()
        assert weight > 500
        found = np.array([(shown * columns).sum(), (shown * rows).sum()]) / weight
        np.testing.assert_allclose(found, (x, y), atol=0.5)
    assert seen > 4


@pytest.mark.parametrize("access", ["indexed", "stream"])
def test_batches_have_transforms(flowers: Dataset, access: Any) -> None:
    """Those of the images: a box drawn before is where it is moved to."""
    options: Any = {"batch_size": 8, "image_size": (16, 20), "output": "dict", "normalize": None, "seed": 5}
    augment = [RandomResizedCrop(), RandomFlip()]
    batches = make_pipeline(flowers, "train", augment=augment, transforms=True, access=access, **options)
    assert batches.element_spec["transform"].shape == (8, 3, 3)
    plain = make_pipeline(flowers, "train", augment=augment, access=access, **options)
    assert "transform" not in plain.element_spec
    records = flowers.records("train")
    numbers = {records[i]["key"]: i for i in range(len(records))}
    for batch, other in zip(batches, plain, strict=True):
        np.testing.assert_array_equal(batch["image"], other["image"])
        numbers_here = np.array([numbers[key.decode()] for key in batch["key"].numpy()])
        program = Program(augment, image_size=(16, 20), seed=5)
        heights, widths = records.index.height[numbers_here], records.index.width[numbers_here]
        compiled = program.compile(0, numbers_here, heights=heights, widths=widths)
        np.testing.assert_allclose(
            batch["transform"], relative_transforms(compiled, (16, 20)), rtol=1e-5, atol=1e-5
        )


def test_without_augmentation_places_stay(flowers: Dataset) -> None:
    batches = make_pipeline(
        flowers, "train", batch_size=8, image_size=(30, 50), output="dict", transforms=True
    )
    for batch in batches:
        np.testing.assert_allclose(batch["transform"], np.broadcast_to(np.eye(3), (8, 3, 3)), atol=1e-6)


@given(
    st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=5),
    st.floats(-0.5, 0.5),
    st.floats(-0.5, 0.5),
    st.floats(0.5, 2),
)
def test_boxes_are_cut_off_at_the_border(
    boxes: list[tuple[float, ...]], dx: float, dy: float, scale: float
) -> None:
    corners = np.array(boxes).reshape(-1, 4)
    corners = np.concatenate(
        [np.minimum(corners[:, :2], corners[:, 2:]), np.maximum(corners[:, :2], corners[:, 2:])], axis=1
    )
    moved, visible = move_boxes(corners, np.array([[scale, 0, dx], [0, scale, dy], [0, 0, 1]]))
    whole = corners * scale + [dx, dy, dx, dy]
    np.testing.assert_allclose(moved, np.clip(whole, 0, 1), atol=1e-12)
    area = np.prod(whole[:, 2:] - whole[:, :2], axis=1)
    np.testing.assert_allclose(visible * area, np.prod(moved[:, 2:] - moved[:, :2], axis=1), atol=1e-12)
    assert ((visible >= 0) & (visible <= 1 + 1e-12)).all()


def test_a_turned_box_is_the_box_around_it() -> None:
    quarter = [[0, -1, 1], [1, 0, 0], [0, 0, 1]]
    boxes, visible = move_boxes([[0.1, 0.2, 0.4, 0.3]], quarter)
    np.testing.assert_allclose(boxes, [[0.7, 0.1, 0.8, 0.4]])
    np.testing.assert_allclose(visible, [1])


def test_what_is_behind_the_eye_is_not_seen() -> None:
    perspective = [[1, 0, 0], [0, 1, 0], [-2, 0, 1]]  # x = 0.5 is moved to infinity
    assert np.isnan(move_points([[0.7, 0.5]], perspective)).all()
    boxes, visible = move_boxes([[0.2, 0.2, 0.7, 0.7], [0.1, 0.1, 0.2, 0.2]], perspective)
    assert visible[0] == 0
    assert (boxes[0] == 0).all()
    assert visible[1] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "tuple"}, "output='tuple'"),
        ({"augment": [mirror]}, r"not known where a function .* augment\[0\]"),
        ({"augment": [RandomFlip(), MixUp()]}, r"mixed with another one .* augment\[1\]=MixUp"),
        ({"augment": [CutMix()]}, r"augment\[0\]=CutMix"),
        ({"augment_on": "device"}, "augment_on='device'"),
        ({"transforms": 1}, "transforms expects one of True, False"),
    ],
)
def test_what_has_no_transform_is_refused(flowers: Dataset, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_pipeline(
            flowers,
            "train",
            **{"batch_size": 8, "image_size": (8, 8), "output": "dict", "transforms": True, **options},
        )


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="Received"):
        move_boxes(np.zeros(shape), np.eye(3))
    with pytest.raises(UsageError, match="Received"):
        move_points(np.zeros((2, 3)), np.eye(3))


def test_they_are_public() -> None:
    assert {"move_boxes", "move_points", "MovedBoxes"} <= set(pipelines.__all__)
