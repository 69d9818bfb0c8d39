"""The plan of a device: what fuses, what a mask leaves as it is, and what it refuses."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest

from fitfeed.pipelines import (
    Augmentation,
    AutoContrast,
    CenterCrop,
    RandAugment,
    RandomBrightness,
    RandomColorDegeneration,
    RandomErasing,
    RandomFlip,
    RandomHue,
    RandomPosterization,
    RandomRotation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    Solarization,
)
from fitfeed.pipelines.augment.ops.rand_augment import SLOT
from fitfeed.pipelines.device.array import DeviceArray, tensor_of
from fitfeed.pipelines.device.plan import DevicePlan
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels
from tests.pipelines.build_dataset import picture

BRIGHT, TURN = RandomBrightness(1.0), RandomRotation(1.0)
UNSHARPENED = (RandomSharpness(1.0), [0.5])
Step = tuple[Augmentation, Sequence[float]]


@pytest.fixture(scope="module")
def images() -> Pixels:
    return np.stack([picture(i, 12, 12) for i in range(3)])


def run(steps: Sequence[Step], images: Any, rows: Any = None, **options: Any) -> Any:
    """Operations with the same parameters for all images; `rows`: the images that they are for."""
    plan = DevicePlan(keras.ops.convert_to_tensor(np.asarray(images, np.float32)), **options)
    mask = None if rows is None else DeviceArray(tensor_of(np.asarray(rows)))
    for op, row in steps:
        plan.add(op, mask, DeviceArray(tensor_of(np.tile(row, (len(images), 1)))))
    return keras.ops.convert_to_numpy(plan.finish())


def test_a_plan_without_operations_changes_nothing(images: Pixels) -> None:
    assert (run([], images) == images).all()


# ---------------------------------------------------------------- geometry


def test_moves_fuse_so_a_quarter_there_and_back_is_the_image(images: Pixels) -> None:
    """Each eighth of a turn alone would interpolate, and cut the corners off."""
    assert (run([(TURN, [0.125]), (TURN, [-0.125])], images) == images).all()
    assert (run([(TURN, [0.25])], images) == np.rot90(images, axes=(1, 2))).all()
    assert (run([(TURN, [0.125]), (TURN, [0.125])], images) == np.rot90(images, axes=(1, 2))).all()
    apart = run([(TURN, [0.125]), UNSHARPENED, (TURN, [-0.125])], images)
    assert not (apart == images).all()


def test_crops_and_flips_are_slices(images: Pixels) -> None:
    assert (run([(CenterCrop(6, 8), [])], images) == images[:, 3:9, 2:10]).all()
    assert (
        run([(CenterCrop(6, 8), []), (RandomFlip(), [1, 0])], images) == images[:, 3:9, 2:10][:, ::-1]
    ).all()


def test_ways_of_sampling_do_not_fuse(images: Pixels) -> None:
    """What the first one fills with 7, the second one shows: nothing comes back into view."""
    first = RandomTranslation(1.0, 1.0, "constant", fill_value=7)
    second = RandomTranslation(1.0, 1.0, "constant", fill_value=9)
    there_and_back = run([(first, [0.5, 0]), (second, [-0.5, 0])], images)
    assert (there_and_back[:, :6] == images[:, :6]).all()
    assert (there_and_back[:, 6:] == 9).all()
    assert (run([(first, [0.5, 0]), (first, [-0.5, 0])], images) == images).all()


def test_geometry_is_in_pixels_before_resizing(images: Pixels) -> None:
    """Of images of 12 x 12 that are shown squeezed to 12 x 6, a shear along x is half as large."""
    squeezed, shear = images[:, :, ::2], RandomShear(1.0, 1.0)
    sizes = DeviceArray(tensor_of(np.tile([12, 12], (3, 1))))
    ours, expected = run([(shear, [0.5, 0])], squeezed, sizes=sizes), run([(shear, [0.25, 0])], squeezed)
    assert np.abs(ours - expected).max() <= 1
    assert not (expected == squeezed).all()
    assert (run([(TURN, [0.5])], squeezed, sizes=sizes) == squeezed[:, ::-1, ::-1]).all()


def test_images_do_not_shrink_to_less_than_half(images: Pixels) -> None:
    assert run([(CenterCrop(6, 6), [])], images).shape == (3, 6, 6, 3)
    with pytest.raises(UsageError) as caught:
        run([(CenterCrop(5, 8), [])], images)
    assert "shrink to less than half on the device" in str(caught.value)
    assert "Received: (12, 12) for (5, 8). Pass image_size to make_pipeline" in str(caught.value)


# ---------------------------------------------------------------- colors


def test_linear_operations_are_clipped_once(images: Pixels) -> None:
    up, down = (BRIGHT, [200.0]), (BRIGHT, [-200.0])
    assert (run([up, down], images) == images).all()
    apart = np.clip(images.astype(np.float64) + 200, 0, 255) - 200
    assert (run([up, UNSHARPENED, down], images) == apart).all()
    assert (run([up, (Solarization(), [0, 256]), down], images) == apart).all()  # in a table: after each


def test_numbers_are_rounded_to_even_where_a_stretch_ends(images: Pixels) -> None:
    half = (BRIGHT, [0.5])
    expected = np.rint(np.clip(images + 0.5, 0, 255))
    assert (run([half], images) == expected).all()
    assert (run([half, half], images) == np.clip(images + 1.0, 0, 255)).all()
    assert (run([half, UNSHARPENED, half], images) == np.rint(np.clip(expected + 0.5, 0, 255))).all()


def test_what_mixes_channels_does_not_join_a_table(images: Pixels) -> None:
    gray = (RandomColorDegeneration(1.0), [1.0])
    posterized = (RandomPosterization(8), [4])
    luma = np.rint(images @ np.array([0.2989, 0.5870, 0.1140]))[..., None].repeat(3, axis=3)
    expected = luma.astype(np.uint8) >> 4 << 4
    assert np.mean(run([gray, posterized], images) == expected) > 0.99  # luma right between two numbers
    stretched: Step = (AutoContrast(), [])  # which is rounded before channels mix
    assert (run([stretched, gray], images) == run([stretched, UNSHARPENED, gray], images)).all()


def test_a_whole_turn_of_hue_changes_nothing_and_a_third_rotates_the_channels(images: Pixels) -> None:
    assert (run([(RandomHue(1.0), [1.0])], images) == images).all()
    thirds = run([(RandomHue(1.0), [1 / 3])], images)
    assert np.abs(thirds - images[..., [2, 0, 1]]).max() <= 1


def test_extremes_are_those_of_the_image_so_far(images: Pixels) -> None:
    once = run([(AutoContrast(), [])], images)
    assert once.min() == 0
    assert once.max() == 255
    assert (
        run([(BRIGHT, [9.0]), (AutoContrast(), [])], images // 2) == run([(AutoContrast(), [])], images // 2)
    ).all()


# ---------------------------------------------------------------- masks and policies


@pytest.mark.parametrize(
    "step",
    [
        (RandomFlip(), [0, 1]), (TURN, [0.25]), (BRIGHT, [50.0]), (RandomPosterization(8), [2]),
        (RandomHue(1.0), [0.4]), (RandomSharpness(1.0), [0.9]), (RandomErasing(fill_value=3), [1, 0.5, 0.5, 0.5, 0.5, 0]),
    ],
    ids=lambda step: type(step[0]).__name__,
)  # fmt: skip
def test_a_mask_leaves_the_other_images_as_they_are(images: Pixels, step: Step) -> None:
    ours, everywhere = run([step], images, rows=[False, True, False]), run([step], images)
    assert (ours[[0, 2]] == images[[0, 2]]).all()
    assert (ours[1] == everywhere[1]).all()
    assert not (ours[1] == images[1]).all()


def test_a_policy_applies_to_each_image_what_it_has_chosen(images: Pixels) -> None:
    policy = RandAugment(num_ops=1)
    names = [type(op).__name__ for op in policy.choices]
    chosen = [names.index(name) for name in ("RandomBrightness", "AutoContrast", "Equalization")]
    parameters = np.zeros((3, SLOT))
    parameters[:, 0], parameters[0, 1] = chosen, 30.0

    def chosen_by(rows: Any) -> Any:
        plan = DevicePlan(keras.ops.convert_to_tensor(images.astype(np.float32)))
        plan.add(policy, rows, DeviceArray(tensor_of(parameters)))
        return keras.ops.convert_to_numpy(plan.finish())

    ours = chosen_by(None)
    assert (ours[0] == np.clip(images[0] + 30.0, 0, 255)).all()
    assert (ours[1] == run([(AutoContrast(), [])], images[1:2])[0]).all()
    assert not (ours[2] == images[2]).all()
    masked = chosen_by(DeviceArray(tensor_of(np.array([True, False, True]))))
    assert (masked == np.where([[[[True]]], [[[False]]], [[[True]]]], ours, images)).all()


def test_three_values_for_a_gray_image_are_refused(images: Pixels) -> None:
    row = [1, 0.5, 0.5, 0.5, 0.5, 0]
    assert run([(RandomErasing(fill_value=3), row)], images[..., :1]).shape == (3, 12, 12, 1)
    with pytest.raises(UsageError, match=r"three values for a gray image\. Received: fill_value=\(1, 2, 3\)"):
        run([(RandomErasing(fill_value=(1, 2, 3)), row)], images[..., :1])
