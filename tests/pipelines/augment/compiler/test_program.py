import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines import (
    Augmentation,
    AugMix,
    AutoContrast,
    CenterCrop,
    RandAugment,
    RandomBrightness,
    RandomColorJitter,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomGaussianBlur,
    RandomInvert,
    RandomPerspective,
    RandomPosterization,
    RandomResizedCrop,
    RandomRotation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    TrivialAugment,
)
from fitfeed.pipelines.augment.base import PixelPass
from fitfeed.pipelines.augment.compiler.color_matrix import ColorPass
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.cpu.resample import CropResize
from fitfeed.pipelines.augment.ops.augmix import BlendPass
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import DecodedPayload, Pixels
from tests.effort import tries
from tests.pipelines.augment import reference
from tests.pipelines.augment.reference import blurred, difference, run
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
    expected = reference.resized(image[5:35, 15:45], (10, 12))
    assert min(difference(result, expected).max(), difference(result, expected[::-1]).max()) < 1.1


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
    whole = program.compile(2, np.arange(40), heights=sizes, widths=sizes).views
    part = program.compile(2, np.array([31, 7]), heights=sizes[:2], widths=sizes[:2]).views
    assert part == [whole[31], whole[7]]
    assert program.compile(3, np.arange(40), heights=sizes, widths=sizes).views != whole
    other = Program([RandomResizedCrop(), RandomFlip()], image_size=(8, 8), seed=6)
    assert other.compile(2, np.arange(40), heights=sizes, widths=sizes).views != whole
    twice = Program([RandomFlip("horizontal"), RandomFlip("horizontal")], image_size=None, seed=5)
    flips = {view.flip for view in twice.compile(0, np.arange(40), heights=sizes, widths=sizes).views}
    assert flips == {(False, False), (False, True)}  # two flips of the same draws would cancel out


# ---------------------------------------------------------------- smaller decodes


@pytest.mark.parametrize("scale", [0.5, 0.25])
@pytest.mark.parametrize(
    "augment",
    [
        [],
        [RandomResizedCrop(scale=(0.5, 1.0))],
        [RandomRotation(0.1), RandomFlip()],
        [RandomPerspective((1, 1), 0.2)],
        [RandomBrightness(0.2), RandomRotation(0.1)],
    ],
)
def test_rendering_from_a_smaller_decode_shows_the_same(augment: list[Augmentation], scale: float) -> None:
    def painted(height: int, width: int, step: float) -> Pixels:
        """A picture of waves, of which pixel i shows the place (i + 1/2) * step."""
        y, x = np.mgrid[:height, :width]
        y, x = (y + 0.5) * step, (x + 0.5) * step
        waves = [np.sin(x / 13) + np.cos(y / 17), np.cos((x + y) / 19), np.sin(x * y / 1500)]
        return np.asarray(np.rint(128 + 60 * np.stack(waves, axis=2)).clip(0, 255), np.uint8)

    image, decoded = painted(203, 149, 1), painted(math.ceil(203 * scale), math.ceil(149 * scale), 1 / scale)
    program = Program(augment, image_size=(32, 32), seed=0)
    compiled = program.compile(0, np.arange(8), heights=np.full(8, 203), widths=np.full(8, 149))
    for i in range(8):
        expected = program.render(image, compiled, i, size=(32, 32))
        ours = program.render(DecodedPayload(decoded, shrink=round(1 / scale)), compiled, i, size=(32, 32))
        off = difference(ours, expected)
        # More only at the rim, where interpolation reaches outside: by source pixels of another size,
        # of which an odd last one is left out before halving.
        assert off[4:-4, 4:-4].mean() < 3.5  # a box is rounded by up to a quarter of an output pixel
        assert off.mean() < 6


def test_views_show_what_is_needed_of_the_stored_image() -> None:
    sizes = {"heights": np.full(20, 60), "widths": np.full(20, 90)}
    crop = Program([RandomResizedCrop(scale=(0.2, 0.3))], image_size=(16, 16), seed=0)
    for view in crop.compile(0, np.arange(20), **sizes).views:
        top, left, height, width = view.box
        assert view.size == (16, 16)
        assert 0.19 < height * width / 5400 < 0.31
        assert top >= 0
        assert left + width <= 90 + 1e-6
    turned = Program([RandomRotation((0.125, 0.125))], image_size=None, seed=0)
    top, left, height, width = turned.compile(0, np.arange(20), **sizes).views[0].box
    assert (height, width) == pytest.approx((150 / 2**0.5, 150 / 2**0.5))
    assert (top, left) == pytest.approx((30 - height / 2, 45 - width / 2))
    first = Program([RandomBrightness(0.2), RandomRotation(0.1)], image_size=None, seed=0)
    assert first.compile(0, np.arange(20), **sizes).views[0] == CropResize.whole(60, 90)


# ---------------------------------------------------------------- masks


def classes(height: int, width: int) -> Pixels:
    """A mask of blobs, whose classes must not be mixed."""
    blobs = blurred(11, height, width, 1, sigma=5)
    return np.asarray(np.digitize(blobs, [100, 128, 150]) * 40, np.uint8)


@pytest.mark.parametrize(
    "augment",
    [
        [RandomFlip(), RandomRotation(0.2), RandomZoom(0.3)],
        [RandomResizedCrop(), RandomFlip()],
        [RandomShear(0.2), RandomTranslation(0.2, 0.2, "constant"), RandomCrop(50, 60)],
        [RandomPerspective((1, 1), 0.3), CenterCrop()],
        [RandAugment(num_ops=3)],
        [TrivialAugment()],
    ],
)
@pytest.mark.parametrize("image_size", [None, (40, 56)])
def test_masks_move_with_their_images(
    augment: list[Augmentation], image_size: tuple[int, int] | None
) -> None:
    """The mask, moved, against the mask as an image, moved and snapped to the nearest class."""
    mask = classes(81, 97)
    geometric = [op for op in augment if isinstance(op, GeometricAugmentation)]
    program = Program(augment, image_size=image_size, seed=4)
    size = program.output_size((81, 97))
    compiled = program.compile(0, np.arange(12), heights=np.full(12, 81), widths=np.full(12, 97))
    for i in range(12):
        moved = program.render_mask(mask, compiled, i, size=size)
        out = np.full((*size, 1), 9, np.uint8)
        assert program.render_mask(mask, compiled, i, size=size, out=out) is out
        assert np.array_equal(out, moved)
        assert moved.shape == (*size, 1)
        assert set(np.unique(moved)) <= {0, 40, 80, 120}
        if geometric:
            image = program.render(mask, compiled, i, size=size)
            snapped = np.rint(image / 40) * 40
            inside = (
                program.render_mask(np.full_like(mask, 1), compiled, i, size=size) == 1
            )  # the mask is 0 outside
            assert np.mean((snapped != moved)[inside]) < 0.12  # the edges of the blobs


def test_masks_are_exact_where_pixels_are() -> None:
    mask = classes(60, 80)
    sizes = {"heights": np.full(16, 60), "widths": np.full(16, 80)}
    program = Program([RandomCrop(30, 40), RandomFlip()], image_size=None, seed=1)
    compiled = program.compile(0, np.arange(16), **sizes)
    for i in range(16):
        ours = program.render_mask(mask, compiled, i, size=(30, 40))
        assert np.array_equal(ours, program.render(mask, compiled, i, size=(30, 40)))
    unmoved = Program([RandomInvert((1, 1)), RandomErasing((1, 1)), AugMix()], image_size=None, seed=1)
    assert np.array_equal(
        unmoved.render_mask(mask, unmoved.compile(0, np.arange(16), **sizes), 0, size=(60, 80)), mask
    )
    half = Program([], image_size=(30, 40), seed=0)
    assert np.array_equal(
        half.render_mask(mask, half.compile(0, np.arange(16), **sizes), 0, size=(30, 40)), mask[1::2, 1::2]
    )


def test_the_outside_of_a_mask_is_0() -> None:
    mask = np.full((40, 40, 1), 7, np.uint8)
    program = Program([RandomTranslation((0.5, 0.5), (0.25, 0.25), "reflect")], image_size=None, seed=0)
    compiled = program.compile(0, np.arange(1), heights=np.array([40]), widths=np.array([40]))
    expected = np.zeros_like(mask)
    expected[20:, 10:] = 7
    assert np.array_equal(program.render_mask(mask, compiled, 0, size=(40, 40)), expected)


def test_functions_do_not_move_masks() -> None:
    assert Program([RandomFlip(), RandomErasing()], image_size=None, seed=0).moves_masks
    assert not Program([RandomFlip(), np.flipud], image_size=None, seed=0).moves_masks


# ---------------------------------------------------------------- everything together

EVERYTHING: list[Augmentation] = [
    RandomFlip(),
    RandomRotation(0.1),
    RandomColorJitter(
        brightness_factor=0.2, contrast_factor=0.3, saturation_factor=(0.3, 0.6), hue_factor=0.2
    ),
    RandomPosterization((3, 8)),
    RandomSharpness(1.0),
    RandomCrop(36, 36),
    RandAugment(),
    AutoContrast(),
    RandomErasing(),
    TrivialAugment(),
    AugMix(),
]


@given(
    picks=st.lists(st.sampled_from(EVERYTHING), max_size=6), channels=st.sampled_from([1, 3]), data=st.data()
)
@settings(max_examples=tries(40))
def test_results_depend_on_seed_epoch_and_example_only(
    picks: list[Augmentation], channels: int, data: st.DataObject
) -> None:
    """Batches of any make-up; out given or not; the stored image is not written to."""
    image = picture(5, 44, 47, channels)
    image.flags.writeable = False
    image_size = data.draw(st.sampled_from([None, (32, 36)]))
    program = Program(picks, image_size=image_size, seed=2)
    size = program.output_size((44, 47))
    numbers = np.array(data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=4)))
    together = program.compile(1, np.arange(6), heights=np.full(6, 44), widths=np.full(6, 47))
    n = len(numbers)
    apart = program.compile(1, numbers, heights=np.full(n, 44), widths=np.full(n, 47))
    for place, number in enumerate(numbers.tolist()):
        out = np.full((*size, channels), 99, np.uint8)
        assert program.render(image, together, number, size=size, out=out) is out
        assert np.array_equal(program.render(image, apart, place, size=size), out)


def test_a_function_in_the_middle_may_change_the_size() -> None:
    """What comes after it is compiled anew, with the same parameters."""
    image = blurred(6, 60, 60)

    def halved(pixels: Pixels) -> Pixels:
        return np.ascontiguousarray(pixels[::2, ::2])

    augment: list[Augmentation | Callable[[Pixels], Pixels]] = [
        RandomBrightness(0.2),
        halved,
        RandomRotation(0.1),
        RandomInvert(),
    ]
    after = Program([augment[0], np.copy, *augment[2:]], image_size=None, seed=0)
    for example in range(6):
        ours = run(augment, image, image_size=(30, 30), example=example)
        bright = run(augment[:1], image, example=example)
        compiled = after.compile(0, np.array([example]), heights=np.array([30]), widths=np.array([30]))
        unbrightened = Program(augment[:1], image_size=None, seed=0).sample(0, np.array([example]))[0][0, 0]
        if (bright.astype(int) - unbrightened > 254).any() or (bright.astype(int) - unbrightened < 1).any():
            continue  # clipped: brightness cannot be undone to compare
        restored = np.rint(halved(bright) - unbrightened).astype(np.uint8)
        assert difference(after.render(restored, compiled, 0, size=(30, 30)), ours).max() <= 2


def color_passes(passes: list[PixelPass]) -> list[ColorPass]:
    """Those of an image, and of the copies that it is blended with."""
    found = [one for one in passes if isinstance(one, ColorPass)]
    for one in passes:
        if isinstance(one, BlendPass):
            found += [inner for chain in one.chains for inner in color_passes(list(chain))]
    return found


@pytest.mark.parametrize(
    ("op", "recolors"),
    [
        (RandomBrightness(0.5), True),
        (RandomColorJitter(hue_factor=0.1), True),
        (RandomColorJitter(), False),
        (RandomInvert(0.5), True),
        (RandAugment(), True),
        (TrivialAugment(), True),
        (AugMix(), True),
        (AugMix(all_ops=False), False),
        (RandomErasing(), False),
        (RandomGaussianBlur(), False),
        (RandomSharpness(0.5), False),
        (RandomPosterization(3), False),
        (AutoContrast(), False),
        (RandomFlip(), False),
        (np.copy, False),
    ],
)
def test_it_recolors_if_an_image_may_get_a_pass_over_its_colors(op: Augmentation, *, recolors: bool) -> None:
    program = Program([op], image_size=(8, 8), seed=1)
    passes = program.passes_from(0, 0, np.arange(300), np.full((300, 2), 20))
    assert program.recolors == any(map(color_passes, passes)) == recolors
