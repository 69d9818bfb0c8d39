"""Both executors against unfused float64, operation by operation and composed."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines import (
    Augmentation,
    AutoContrast,
    CenterCrop,
    Equalization,
    RandAugment,
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPerspective,
    RandomPosterization,
    RandomResizedCrop,
    RandomRotation,
    RandomSaturation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    Solarization,
    TrivialAugment,
    from_image_data_generator,
)
from fitfeed.pipelines.augment.ops.rand_augment import SLOT
from fitfeed.pipelines.device.program import DeviceProgram
from tests.effort import tries
from tests.opencv import IS_EXACT, grid_error
from tests.pipelines.augment import reference
from tests.pipelines.augment.reference import apply, difference
from tests.pipelines.build_dataset import picture
from tests.pipelines.device import executors
from tests.pipelines.device.executors import on_cpu, on_device

SIZE = (24, 19)
HALF = 0.505
"""Rounding to whole numbers, and the 24 bits of float32."""

CPU = 1.0
"""Rounding, and the fixed-point arithmetic of OpenCV."""


def pictures(n: int, size: tuple[int, int] = SIZE, channels: int = 3) -> Any:
    return np.stack([picture(i, *size, channels) for i in range(n)])


def parameters(op: Augmentation, n: int, seed: int = 0) -> Any:
    return op.sample(np.random.default_rng(seed).random((n, op.draws)))


# ---------------------------------------------------------------- operation by operation

MOVES: dict[str, tuple[Any, Any]] = {
    "rotation": (
        lambda fill: RandomRotation(0.5, fill, fill_value=200),
        lambda places, turns: reference.rotated(places, turns, SIZE),
    ),
    "zoom": (
        lambda fill: RandomZoom((-0.4, 0.6), (-0.4, 0.6), fill_mode=fill, fill_value=200),
        lambda places, height, width: reference.zoomed(places, height, width, SIZE),
    ),
    "shear": (
        lambda fill: RandomShear(0.5, 0.5, fill_mode=fill, fill_value=200),
        lambda places, x, y: reference.sheared(places, x, y),
    ),
    "translation": (
        lambda fill: RandomTranslation(1.0, 1.0, fill, fill_value=200),
        lambda places, down, right: reference.translated(places, down, right, SIZE),
    ),
    "flip": (
        lambda _: RandomFlip(),
        lambda places, vertical, horizontal: reference.mirrored(places, vertical > 0, horizontal > 0, SIZE),
    ),
}


@pytest.mark.parametrize("fill_mode", ["reflect", "nearest", "constant", "wrap"])
@pytest.mark.parametrize("name", MOVES)
def test_geometry(name: str, fill_mode: Any) -> None:
    make, move = MOVES[name]
    op, images = make(fill_mode), pictures(8)
    drawn = parameters(op, 8)
    ours, cpu = on_device([(op, drawn)], images), on_cpu([(op, drawn)], images)
    for i, row in enumerate(drawn.tolist()):
        places = move(reference.grid(*SIZE), *row)
        expected = reference.fetch(images[i], places, fill_mode, 200.0)
        assert difference(ours[i], expected).max() <= HALF
        most = CPU + grid_error(images[i], outside=fill_mode in ("constant", "wrap"))
        assert difference(cpu[i], expected).max() <= most


@pytest.mark.slow
@given(
    steps=st.lists(st.sampled_from(sorted(MOVES)), min_size=2, max_size=5),
    fill_mode=st.sampled_from(["reflect", "nearest", "constant", "wrap"]),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=tries(40))
def test_geometry_composed(steps: list[str], fill_mode: Any, channels: int, seed: int) -> None:
    """One interpolation, at the place that all moves lead to, the last one first."""
    ops = [MOVES[name][0](fill_mode) for name in steps]
    drawn = [parameters(op, 3, seed + number) for number, op in enumerate(ops)]
    images = pictures(3, channels=channels)
    ours = on_device(list(zip(ops, drawn, strict=True)), images)
    for i in range(3):
        places = reference.grid(*SIZE)
        for name, own in reversed(list(zip(steps, drawn, strict=True))):
            places = MOVES[name][1](places, *own[i].tolist())
        expected = reference.fetch(images[i], places, fill_mode, 200.0 if set(steps) != {"flip"} else 0.0)
        off = difference(ours[i], expected)
        # Coordinates of a few hundred pixels are exact to 2**-16 in float32.
        assert off.max() <= HALF + 0.02


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_perspective(interpolation: Any) -> None:
    images = pictures(6, (40, 31))
    op = RandomPerspective((1, 1), scale=0.4, interpolation=interpolation, fill_value=50)
    drawn = parameters(op, 6)
    ours = on_device([(op, drawn)], images)
    for i, row in enumerate(drawn):
        start = np.array([[0.0, 0], [30, 0], [0, 39], [30, 39]])
        x, y = mapped(start * (1 + row.reshape(4, 2)), start)
        if interpolation == "nearest":
            x, y = np.floor(x + 0.5), np.floor(y + 0.5)
        off = difference(ours[i], reference.fetch(images[i], (x, y), "constant", 50.0))
        # A place right between two pixels is either one's.
        assert np.quantile(off, 1.0 if interpolation == "bilinear" else 0.998) <= HALF + 0.02


def mapped(source: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> reference.Places:
    """Where the map of four points to four others takes each output pixel: eight equations, solved."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    a, b, c, d, e, f, g, h = np.linalg.solve(np.array(rows), np.array(values))
    x, y = reference.grid(40, 31)
    depth = g * x + h * y + 1
    return (a * x + b * y + c) / depth, (d * x + e * y + f) / depth


COLORS: dict[str, tuple[Augmentation, Any]] = {
    "brightness": (RandomBrightness(0.3), reference.brightened),
    "contrast": (RandomContrast((0.5, 0.5)), reference.contrasted),
    "degeneration": (RandomColorDegeneration(0.7), reference.degenerated),
    "grayscale": (RandomGrayscale(), reference.degenerated),
    "inversion": (RandomInvert(), executors.inverted),
}
UNFUSED: dict[str, tuple[Augmentation, Any]] = {
    **COLORS,
    "hue": (RandomHue(1.0), lambda image, hue_shift: executors.through_hsv(image, hue_shift, 1)),
    "saturation": (
        RandomSaturation((0, 0.8)),
        lambda image, saturation_scale: executors.through_hsv(image, 0, saturation_scale),
    ),
    "posterization": (RandomPosterization((1, 8)), executors.posterized),
    "solarization": (Solarization(0.3, 1.0), executors.solarized),
    "auto contrast": (AutoContrast(), executors.stretched),
    "equalization": (Equalization(), executors.equalized),
    "sharpness": (RandomSharpness((0, 1)), executors.sharpened),
    "blur": (RandomGaussianBlur(kernel_size=5), executors.blurred),
    "erasing": (RandomErasing(fill_value=99), executors.erased),
}
RECOLORED = {*COLORS, "hue", "saturation"}
COLORED = {"degeneration", "grayscale", "hue", "saturation"}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", UNFUSED)
def test_one_operation(name: str, channels: int) -> None:
    op, function = UNFUSED[name]
    images = (pictures(8, channels=channels) * 0.7 + 20).astype(np.uint8)  # not all of 0 to 255 is there
    drawn = parameters(op, 8)
    ours, cpu = on_device([(op, drawn)], images), on_cpu([(op, drawn)], images)
    for i, row in enumerate(drawn.tolist()):
        image = images[i].astype(np.float64)
        if name not in COLORED:
            image = function(image, *row)
        elif channels == 3:
            image = function(image, *row[:1])
        assert difference(ours[i], np.clip(image, 0, 255)).max() <= HALF
        assert difference(cpu[i], np.clip(image, 0, 255)).max() <= (
            HALF if channels == 3 and name in RECOLORED else CPU
        )


@pytest.mark.slow
@given(
    steps=st.lists(st.sampled_from(sorted(COLORS)), min_size=2, max_size=5),
    channels=st.sampled_from([1, 3]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=tries(40))
def test_linear_colors_composed(steps: list[str], channels: int, seed: int) -> None:
    """One transform: neither clipped nor rounded in between, also about means that operations changed."""
    drawn = [parameters(COLORS[name][0], 3, seed + number) for number, name in enumerate(steps)]
    images = pictures(3, channels=channels)
    ops = [(COLORS[name][0], own) for name, own in zip(steps, drawn, strict=True)]
    ours, cpu = on_device(ops, images), on_cpu(ops, images)
    for i in range(3):
        expected = images[i].astype(np.float64)
        for name, own in zip(steps, drawn, strict=True):
            if name not in COLORED or channels == 3:
                expected = COLORS[name][1](expected, *own[i].tolist())
        expected = np.clip(expected, 0, 255)
        # Grey of grey is 0.9999 of it.
        assert difference(ours[i], expected).max() <= HALF + (0.02 * len(steps) if channels == 1 else 0.01)
        assert difference(cpu[i], expected).max() <= (HALF + 0.01 if channels == 3 else 1.5)


@pytest.mark.slow
@given(
    steps=st.lists(
        st.sampled_from(["brightness", "contrast", "inversion", *sorted(UNFUSED)[-3:]]), max_size=4
    ),
    seed=st.integers(0, 1000),
)
@settings(max_examples=tries(25))
def test_tables_composed_are_the_cpus(steps: list[str], seed: int) -> None:
    """With clipping after each and rounding once, and histograms, means and extremes of the image so far."""
    names = [*steps, "auto contrast", "equalization", "solarization", "posterization"]
    ops = [(UNFUSED[name][0], parameters(UNFUSED[name][0], 4, seed)) for name in names]
    images = pictures(4)
    off = difference(on_device(ops, images), on_cpu(ops, images))
    # Where 24 bits round to another side than 53, the next bin of a histogram or a bit decides.
    assert np.mean(off <= 1) > 0.98


def test_everything_composed_agrees_with_the_cpu() -> None:
    """The recipe of a training, 32 images: 99.9% of the values within one level; with OpenCV 4, 97%."""
    augment = [
        RandomFlip(),
        RandomRotation(0.1),
        RandomZoom(0.2),
        RandomTranslation(0.1, 0.1),
        RandomColorJitter(
            brightness_factor=0.2, contrast_factor=(0.2, 0.2), saturation_factor=(0.4, 0.6), hue_factor=0.1
        ),
        RandomGrayscale(0.2),
        RandomSharpness((0.3, 0.8)),
        RandomErasing(fill_value=7),
    ]
    images = pictures(32, (48, 40))
    steps = [(op, parameters(op, 32, number)) for number, op in enumerate(augment)]
    off = difference(on_device(steps, images), on_cpu(steps, images))
    assert np.mean(off <= 1) >= (0.999 if IS_EXACT else 0.97)
    assert off.max() <= 4 or not IS_EXACT


def test_colors_and_hue_composed_are_rounded_once() -> None:
    jitter = RandomColorJitter(
        brightness_factor=0.2, contrast_factor=(0.2, 0.2), saturation_factor=(0.4, 0.6), hue_factor=0.5
    )
    images = pictures(8)
    drawn = parameters(jitter, 8)
    ours, cpu = on_device([(jitter, drawn)], images), on_cpu([(jitter, drawn)], images)
    for i, (delta, factor, saturation_scale, hue_shift) in enumerate(drawn.tolist()):
        linear = np.clip(reference.contrasted(images[i] + delta, factor), 0, 255)
        expected = np.clip(executors.through_hsv(linear, hue_shift, saturation_scale), 0, 255)
        assert difference(ours[i], expected).max() <= HALF
        assert difference(cpu[i], expected).max() <= HALF


# ---------------------------------------------------------------- policies


@pytest.mark.slow
def test_rand_augment_is_its_choices_one_after_the_other() -> None:
    """Each slot alone on the CPU: on the device, slots do not fuse."""
    op, images = RandAugment(num_ops=2, factor=0.5), pictures(48)
    drawn = parameters(op, 48)
    assert set(drawn[:, ::SLOT].ravel()) == set(range(11))
    ours = on_device([(op, drawn)], images)
    single = RandAugment(num_ops=1, factor=0.5)
    halfway = on_device([(single, drawn[:, :SLOT])], images).astype(np.uint8)
    assert np.mean(difference(halfway, on_cpu([(single, drawn[:, :SLOT])], images)) <= 1) > 0.999
    assert np.mean(difference(ours, on_cpu([(single, drawn[:, SLOT:])], halfway)) <= 1) > 0.999


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_trivial_augment(interpolation: Any) -> None:
    op, images = TrivialAugment(interpolation=interpolation, fill=30), pictures(60)
    drawn = parameters(op, 60)
    assert len(set(drawn[:, 0])) == 14
    off = difference(on_device([(op, drawn)], images), on_cpu([(op, drawn)], images))
    assert np.mean(off <= 1) > (0.999 if interpolation == "bilinear" and IS_EXACT else 0.995)


# ---------------------------------------------------------------- identity, crops, noise

IDENTITY: list[tuple[Augmentation, list[float]]] = [
    (RandomFlip(), [0, 0]),
    (RandomRotation(0.5), [0]),
    (RandomZoom(0.5), [1, 1]),
    (RandomShear(0.5, 0.5), [0, 0]),
    (RandomTranslation(1.0, 1.0), [0, 0]),
    (RandomPerspective(), [0] * 8),
    (RandomBrightness(0.5), [0]),
    (RandomContrast(0.5), [1]),
    (RandomColorDegeneration(0.5), [0]),
    (RandomGrayscale(), [0]),
    (RandomInvert(), [0]),
    (RandomHue(0.5), [0]),
    (RandomSaturation(0.5), [1]),
    (RandomPosterization(8), [8]),
    (Solarization(), [0, 256]),
    (RandomSharpness(1.0), [0.5]),
    (RandomGaussianBlur(), [0, 1, 1]),
    (RandomErasing(), [0, 0.3, 0.3, 0.5, 0.5, 0.5]),
]


@pytest.mark.parametrize("channels", [1, 3])
def test_identity_parameters_are_exactly_the_identity(channels: int) -> None:
    images = pictures(4, (37, 53), channels)
    for op, row in IDENTITY:
        assert (on_device([(op, np.tile(row, (4, 1)))], images) == images).all(), op
    steps = [(op, np.tile(row, (4, 1))) for op, row in IDENTITY]
    assert (on_device(steps, images) == images).all()


@pytest.mark.parametrize("op", [RandomCrop(20, 14), CenterCrop(20, 14), RandomResizedCrop(scale=(0.6, 1.0))])
def test_crops(op: Augmentation) -> None:
    images, drawn = pictures(16), parameters(op, 16)
    off = difference(on_device([(op, drawn)], images), on_cpu([(op, drawn)], images))
    if isinstance(
        op, RandomResizedCrop
    ):  # the CPU does not look beyond the crop for the rim of what it enlarges
        off = off[:, 1:-1, 1:-1]
    assert off.max() <= isinstance(op, RandomResizedCrop)


def test_what_image_data_generator_means() -> None:
    """One by one: the CPU's are tested against the original elsewhere."""
    translated = from_image_data_generator(
        rotation_range=20,
        width_shift_range=[-3, 2],
        height_shift_range=0.1,
        shear_range=10,
        zoom_range=0.2,
        horizontal_flip=True,
        channel_shift_range=40,
        brightness_range=(0.7, 1.3),
    )
    images = (pictures(8) * 0.7 + 20).astype(np.uint8)
    assert len(translated["augment"]) == 7
    for op in translated["augment"]:
        drawn = parameters(op, 8)
        assert difference(on_device([(op, drawn)], images), on_cpu([(op, drawn)], images)).max() <= 1
        uniforms = np.random.default_rng(0).random((50, op.draws)).astype(np.float32)
        ours = DeviceProgram([(0, op)]).sample_on_device(keras.ops.convert_to_tensor(uniforms))[0].tensor
        np.testing.assert_allclose(ours, op.sample(uniforms.astype(np.float64)), atol=1e-5)


def test_a_rotation_behind_a_crop_still_shows_what_the_crop_has_cut_off() -> None:
    images = pictures(2)
    steps = [(CenterCrop(12, 10), np.empty((2, 0))), (RandomRotation(0.5), np.array([[0.1], [-0.2]]))]
    ours = on_device(steps, images)
    for i, turns in enumerate([0.1, -0.2]):
        x, y = reference.rotated(reference.grid(12, 10), turns, (12, 10))
        assert difference(ours[i], reference.fetch(images[i], (x + 4, y + 6), "reflect")).max() <= HALF
    assert (
        difference(ours[0], apply([(CenterCrop(12, 10), []), (RandomRotation(0.5), [0.1])], images[0])).max()
        <= 1
    )


def test_noise_is_of_the_example_alone_and_distributed_as_on_the_cpu() -> None:
    op, images = RandomErasing((1, 1), scale=(1, 1)), pictures(6, (64, 64))
    drawn = parameters(op, 6)
    ours = on_device([(op, drawn)], images)
    again = on_device([(op, drawn[3:5])], images[3:5])
    assert (ours[3:5] == again).all()
    assert not (ours[0] == ours[1]).all()
    cpu = on_cpu([(op, drawn)], images)
    counts = [np.histogram(values, bins=16, range=(0, 256))[0] for values in (ours, cpu)]
    assert np.abs(counts[0] - counts[1]).max() < 6 * np.sqrt(counts[1].max())
    centerd = ours.astype(np.float64) - ours.mean()
    for axis, shift in ((1, 1), (2, 1), (3, 1), (1, 5)):
        assert abs((centerd * np.roll(centerd, shift, axis)).mean() / centerd.var()) < 0.02
