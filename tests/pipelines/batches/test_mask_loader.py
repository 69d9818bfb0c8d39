"""Masks of a batch: each is moved as its image is, and nothing but its own classes and 0 comes out."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.pipelines import CenterCrop, RandomBrightness, RandomErasing, RandomFlip, RandomRotation
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.mask_loader import MaskLoader, check_movable
from fitfeed.pipelines.batches.writer_threads import WriterThreads
from fitfeed.pipelines.order.batch_request import BatchRequest
from fitfeed.schemas.errors import DamagedExampleError, UsageError
from fitfeed.schemas.payload import Pixels

Masks = list[npt.NDArray[np.uint8]]
THREADS = WriterThreads(2)


class StoredMasks:
    """Masks in memory, in the place of `Records`; those of size 0 are damaged."""

    def __init__(self, masks: Masks) -> None:
        self.masks = masks

    def mask(self, name: str, row: int, *, payload: bytes | None = None) -> Pixels:
        assert (name, payload) == ("lesion", None)
        if not self.masks[row].size:
            msg = f"row {row}"
            raise DamagedExampleError(msg)
        return self.masks[row][..., None]


def masks(count: int, height: int = 14, width: int = 22) -> Masks:
    random = np.random.default_rng(height)
    return [random.integers(1, 5, (height, width), np.uint8) for _ in range(count)]


def load(
    stored: Masks, program: Program, size: tuple[int, int], rows: Any = None, threads: WriterThreads = THREADS
) -> tuple[Pixels, Any]:
    rows = np.arange(len(stored)) if rows is None else np.array(rows)
    records: Any = StoredMasks(stored)
    loader = MaskLoader(records, program, "lesion", batch_size=8, image_size=size, threads=threads)
    sizes = np.array([stored[row].shape if stored[row].size else (14, 22) for row in rows])
    compiled = program.compile(0, rows, heights=sizes[:, 0], widths=sizes[:, 1])
    return loader.load(BatchRequest(0, 0, rows, rows, None), compiled)


# ---------------------------------------------------------------- where masks go


def test_they_stay_as_they_are_where_images_do() -> None:
    stored = masks(5)
    batch, damaged = load(stored, Program([], image_size=None, seed=0), (14, 22), rows=[4, 0, 0])
    assert (batch.shape, batch.dtype.name, damaged) == ((3, 14, 22, 1), "uint8", {})
    assert np.array_equal(batch[..., 0], [stored[4], stored[0], stored[0]])


def seamless(side: int, shown: int) -> bool:
    """Whether no pixel that is shown lies between two of the source: those may be either."""
    return bool(((2 * np.arange(shown) + 1) * side % (2 * shown)).all())


SIDES = st.tuples(st.integers(1, 40), st.integers(1, 40)).filter(lambda sides: seamless(*sides))


@given(SIDES, SIDES)
def test_resized_they_are_pillows_nearest(heights: tuple[int, int], widths: tuple[int, int]) -> None:
    stored, size = masks(2, heights[0], widths[0]), (heights[1], widths[1])
    batch, _ = load(stored, Program([], image_size=size, seed=0), size)
    images = [Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST) for mask in stored]
    expected = [np.asarray(image) for image in images]
    assert np.array_equal(batch[..., 0], expected)


def test_they_are_flipped_and_cropped_with_their_images() -> None:
    """An image that shows its own mask, and no interpolation between: both must come out alike."""
    stored = masks(8, 20, 16)
    program = Program([RandomFlip(), CenterCrop(9, 10)], image_size=None, seed=3)
    batch, _ = load(stored, program, (9, 10))
    flips = set()
    for number, mask in enumerate(stored):
        compiled = program.compile(0, np.array([number]), heights=np.array([20]), widths=np.array([16]))
        image = program.render(np.repeat(mask[..., None], 3, axis=2), compiled, 0, size=(9, 10))
        assert np.array_equal(batch[number, ..., 0], image[..., 1])
        window = mask[5:14, 3:13]  # Keras' offset for (20 - 9) / 2
        moved = [window, window[::-1], window[:, ::-1], window[::-1, ::-1]]
        flips.add(
            next((i for i, one in enumerate(moved) if np.array_equal(one, batch[number, ..., 0])), None)
        )
    assert len(flips - {None}) > 1


def test_turned_by_a_quarter_they_are_numpys() -> None:
    stored = masks(3, 15, 15)
    batch, _ = load(stored, Program([RandomRotation((0.25, 0.25))], image_size=None, seed=0), (15, 15))
    assert np.array_equal(batch[..., 0], [np.rot90(mask) for mask in stored])


def test_outside_of_a_mask_is_class_0_whatever_fills_the_image() -> None:
    turn = RandomRotation((0.125, 0.125), fill_mode="reflect")
    batch, _ = load(masks(2, 21, 21), Program([turn], image_size=None, seed=0), (21, 21))
    corners, center = batch[:, [0, 0, -1, -1], [0, -1, 0, -1]], batch[:, 6:15, 6:15]
    assert not corners.any()
    assert center.all()


def test_colors_and_erasing_change_no_mask() -> None:
    stored = masks(4)
    augment = [RandomBrightness(0.5), RandomErasing((1, 1))]
    batch, _ = load(stored, Program(augment, image_size=None, seed=0), (14, 22))
    assert np.array_equal(batch[..., 0], stored)


# ---------------------------------------------------------------- damage


def test_a_damaged_mask_is_an_error_or_left_out() -> None:
    stored = masks(4)
    stored[2] = np.empty((0, 0), np.uint8)
    program = Program([], image_size=None, seed=0)
    with pytest.raises(DamagedExampleError, match="row 2"):
        load(stored, program, (14, 22))
    batch, damaged = load(stored, program, (14, 22), threads=WriterThreads(2, skips=True))
    assert {place: str(error) for place, error in damaged.items()} == {2: "row 2"}
    assert np.array_equal(batch[[0, 1, 3], ..., 0], [stored[0], stored[1], stored[3]])


# ---------------------------------------------------------------- what masks cannot follow


def test_lists_that_masks_can_follow_are_not_refused() -> None:
    check_movable([], "lesion")
    check_movable([RandomFlip(), RandomRotation(0.1), RandomErasing()], "lesion", augment_on="cpu")


def test_functions_and_devices_are_refused_by_name() -> None:
    with pytest.raises(UsageError) as caught:
        check_movable([RandomFlip(), np.flipud], "lesion")
    assert str(caught.value) == (
        "a function in augment changes images only, and cannot move their masks 'lesion' along. Received: "
        f"augment[1]={np.flipud!r}. Use augmentations of fitfeed, or pass labels=None."
    )
    with pytest.raises(UsageError) as caught:
        check_movable([RandomFlip()], "lesion", augment_on="device")
    assert str(caught.value) == (
        "masks follow their images on the CPU only. Received: augment_on='device' for a dataset with masks "
        "'lesion'. Use augment_on='cpu', or pass labels=None."
    )
