"""Composed operations against one after the other, in float64."""

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines import (
    Augmentation,
    AutoContrast,
    CenterCrop,
    Equalization,
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
    RandomRotation,
    RandomSaturation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    Solarization,
)
from fitfeed.pipelines.augment.compiler.color_matrix import ColorPass
from fitfeed.pipelines.augment.compiler.lookup_table import LookupPass
from fitfeed.pipelines.augment.cpu.interpolation import Sampling
from fitfeed.pipelines.augment.cpu.resample import CropResize
from fitfeed.pipelines.augment.cpu.warp import warp
from fitfeed.pipelines.augment.ops.filters import FilterPass
from tests.effort import tries
from tests.opencv import grid_error
from tests.pipelines.augment import reference
from tests.pipelines.augment.reference import apply, blurred, difference, passes, run
from tests.pipelines.build_dataset import picture

SIZE = (48, 37)
Step = tuple[str, tuple[float, ...]]
share = st.floats(-0.3, 0.3)

moves = st.one_of(
    st.tuples(st.just("rotation"), st.tuples(st.floats(-0.5, 0.5))),
    st.tuples(st.just("zoom"), st.tuples(st.floats(0.7, 1.4), st.floats(0.7, 1.4))),
    st.tuples(st.just("shear"), st.tuples(share, share)),
    st.tuples(st.just("translation"), st.tuples(share, share)),
    st.tuples(st.just("flip"), st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0]))),
)
OPS: dict[str, Any] = {
    "rotation": RandomRotation,
    "zoom": RandomZoom,
    "shear": lambda _, fill_mode: RandomShear(0.5, 0.5, fill_mode=fill_mode),
    "translation": lambda _, fill_mode: RandomTranslation(0.5, 0.5, fill_mode=fill_mode),
    "flip": lambda _, fill_mode: RandomFlip(),
}


def unfused_places(steps: list[Step]) -> reference.Places:
    """Goes back through the operations, the last first, for each output pixel by itself."""
    places = reference.grid(*SIZE)
    for name, parameters in reversed(steps):
        if name == "rotation":
            places = reference.rotated(places, parameters[0], SIZE)
        elif name == "zoom":
            places = reference.zoomed(places, parameters[0], parameters[1], SIZE)
        elif name == "shear":
            places = reference.sheared(places, *parameters)
        elif name == "translation":
            places = reference.translated(places, parameters[0], parameters[1], SIZE)
        else:
            places = reference.mirrored(places, bool(parameters[0]), bool(parameters[1]), SIZE)
    return places


@given(
    steps=st.lists(moves, min_size=1, max_size=6),
    fill_mode=st.sampled_from(["reflect", "nearest", "constant", "wrap"]),
    channels=st.sampled_from([1, 3]),
)
@settings(max_examples=tries(60))
def test_geometry_is_one_resampling_at_the_place_of_all_moves(
    steps: list[Step], fill_mode: Any, channels: int
) -> None:
    image = picture(1, *SIZE, channels)
    ops = [(OPS[name](0.5, fill_mode=fill_mode), parameters) for name, parameters in steps]
    assert all(isinstance(one, CropResize) for one in passes(ops, SIZE))
    assert len(passes(ops, SIZE)) <= 1
    ours = apply(ops, image)
    x, y = unfused_places(steps)
    expected = reference.fetch(image, (x, y), fill_mode)
    inner = (x > 0) & (x < SIZE[1] - 1) & (y > 0) & (y < SIZE[0] - 1)
    off = difference(ours, expected).max(axis=2)
    steepest = max(np.hypot(*np.gradient(side)).max() for side in (x, y))
    shrinks = off[inner].size and steepest >= 2 - 1e-9
    if not shrinks:  # otherwise it averages before it interpolates
        most = 0.75 + grid_error(image)
        assert off[inner].max(initial=0) <= most
        if fill_mode in ("reflect", "nearest"):
            assert off.max() <= most


@given(
    angle=st.floats(-3.2, 3.2),
    scale=st.tuples(st.floats(0.2, 1.6), st.floats(0.2, 1.6)),
    place=st.tuples(st.floats(-80, 160), st.floats(-80, 160)),
    fill_mode=st.sampled_from(["reflect", "nearest", "constant", "wrap"]),
)
@settings(max_examples=tries(60))
def test_warping_the_part_that_is_needed_is_warping_all(
    angle: float, scale: tuple[float, float], place: tuple[float, float], fill_mode: str
) -> None:
    image, out = picture(9, 90, 70), np.zeros((30, 20, 3), np.uint8)
    (a, b), (c, d) = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    matrix = np.array([[a, b, place[0]], [c, d, place[1]], [0, 0, 1]])
    warp(image, matrix, Sampling("bilinear", fill_mode, 40.0), out)
    x, y = reference.grid(30, 20)
    places = a * (x + 0.5) + b * (y + 0.5) + place[0] - 0.5, c * (x + 0.5) + d * (y + 0.5) + place[1] - 0.5
    off = difference(out, reference.fetch(image, places, fill_mode, 40.0))
    assert off.max() <= 0.75 + grid_error(image, outside=fill_mode in ("constant", "wrap"))


def test_fused_geometry_looks_like_keras_layers_in_a_row() -> None:
    """A smooth image, where none of the four layers reached its border."""
    image = blurred(2, 96, 96, sigma=6)
    steps: list[Step] = [("rotation", (0.03,)), ("zoom", (0.8, 0.9)), ("translation", (0.02, -0.03))]
    steps.append(("shear", (0.05, 0.0)))
    ours = apply([(OPS[name](0.5, fill_mode="reflect"), parameters) for name, parameters in steps], image)
    zero = np.zeros(1, np.float32)
    rotation = keras.layers.RandomRotation(0.5)
    matrix = rotation._compute_affine_matrix(0.5, 0.5, zero + 10.8, zero, zero, zero + 1, zero, zero, 96, 96)
    theirs = rotation.transform_images(image[None].astype(np.float32), {"rotation_matrix": matrix})
    height, width = np.full((1, 1), 0.8, np.float32), np.full((1, 1), 0.9, np.float32)
    theirs = keras.layers.RandomZoom(0.5).transform_images(
        theirs, {"height_zoom": height, "width_zoom": width}
    )
    shift = {"translations": np.array([[-0.03 * 96, 0.02 * 96]], np.float32)}
    theirs = keras.layers.RandomTranslation(0.5, 0.5).transform_images(theirs, shift)
    shear = {"shear_factor": np.array([[0.05, 0.0]], np.float32)}
    theirs = keras.layers.RandomShear(0.5).transform_images(theirs, shear)
    off = difference(ours, keras.ops.convert_to_numpy(theirs)[0])[24:-24, 24:-24]
    assert off.max() <= 3  # what three more interpolations blur
    assert off.mean() < 0.6


@given(angle=st.floats(-0.5, 0.5), scale=st.sampled_from([2, 3, 5]))
@settings(max_examples=20)
def test_a_warp_that_shrinks_much_averages(angle: float, scale: int) -> None:
    """Stripes one pixel wide become their mean, not a pattern of their own."""
    image = np.zeros((200, 200, 3), np.uint8)
    image[::2] = 250
    ops: list[tuple[Augmentation, Any]] = [(RandomRotation(0.5), [angle]), (CenterCrop(200, 200), [])]
    view = passes([*ops, (CenterCrop(200 // scale, 200 // scale), [])], (200, 200))
    assert len(view) == (abs(angle) > 1e-9 or scale > 1)
    ours = run([RandomRotation((angle, angle))], image, image_size=(200 // scale, 200 // scale))
    if scale % 2 == 0:
        assert difference(ours, np.full_like(ours, 125)).max() <= 1
    else:
        assert np.abs(ours.mean() - 125) < 8
        assert ours.std() < 60


# ---------------------------------------------------------------- colours

colors = st.one_of(
    st.tuples(st.just("brightness"), st.floats(-40, 40)),
    st.tuples(st.just("contrast"), st.floats(0.3, 1.5)),
    st.tuples(st.just("degeneration"), st.floats(-0.5, 1)),
)
COLORS: dict[str, tuple[Augmentation, Any]] = {
    "brightness": (RandomBrightness(0.5), reference.brightened),
    "contrast": (RandomContrast(0.5), reference.contrasted),
    "degeneration": (RandomColorDegeneration(0.5), reference.degenerated),
}


@given(steps=st.lists(colors, min_size=1, max_size=5), channels=st.sampled_from([1, 3]))
def test_colors_are_one_matrix(steps: list[tuple[str, float]], channels: int) -> None:
    """Within a level of float64 without clipping in between, also about means that operations changed."""
    image = picture(3, *SIZE, channels)
    ops = [(COLORS[name][0], [value]) for name, value in steps]
    assert all(isinstance(one, ColorPass) for one in passes(ops, SIZE))
    assert len(passes(ops, SIZE)) <= 1
    expected = image.astype(np.float64)
    for name, value in steps:
        if name != "degeneration" or channels == 3:
            expected = COLORS[name][1](expected, value)
    assert difference(apply(ops, image), np.clip(expected, 0, 255)).max() <= 1


def test_colors_agree_with_keras_layers_in_a_row_where_nothing_is_clipped() -> None:
    image = (picture(4, 40, 30) // 3 + 80).astype(np.uint8)
    ops: list[tuple[Augmentation, Any]] = [
        (RandomBrightness(0.5), [17.3]),
        (RandomContrast(0.5), [1.3]),
        (RandomColorDegeneration(0.5), [0.35]),
        (RandomContrast(0.5), [0.8]),
    ]
    theirs = image[None].astype(np.float32)
    layers = keras.layers
    one = np.ones((1, 1, 1, 1), np.float32)
    theirs = layers.RandomBrightness(0.5).transform_images(theirs, {"rgb_delta": 17.3 * one})
    theirs = layers.RandomContrast(0.5).transform_images(theirs, {"contrast_factor": 1.3 * one})
    theirs = layers.RandomColorDegeneration(0.5).transform_images(theirs, {"factor": 0.35 * one})
    theirs = layers.RandomContrast(0.5).transform_images(theirs, {"contrast_factor": 0.8 * one})
    assert len(passes(ops, (40, 30))) == 1
    assert difference(apply(ops, image), keras.ops.convert_to_numpy(theirs)[0]).max() <= 0.8


tones = st.one_of(
    st.tuples(st.just(RandomPosterization(8)), st.tuples(st.integers(2, 8))),
    st.tuples(st.just(Solarization(1.0, 1.0)), st.tuples(st.floats(0, 100), st.floats(0, 255))),
    st.tuples(st.just(AutoContrast()), st.just(())),
    st.tuples(st.just(Equalization()), st.just(())),
    st.tuples(st.just(RandomBrightness(0.5)), st.tuples(st.floats(-100, 100))),
    st.tuples(st.just(RandomContrast(0.5)), st.tuples(st.floats(0.2, 2))),
    st.tuples(st.just(RandomInvert()), st.tuples(st.sampled_from([0.0, 1.0]))),
)


def toned(image: reference.Floats, op: Augmentation, parameters: tuple[float, ...]) -> reference.Floats:
    """On all pixels, in float64, clipped after each."""
    if isinstance(op, RandomPosterization):
        step = 2 ** (8 - int(parameters[0]))
        return np.asarray(image // step * step)
    if isinstance(op, Solarization):
        image = np.clip(image + parameters[0], 0, 255)
        return np.where(image < parameters[1], image, 255 - image)
    if isinstance(op, RandomBrightness):
        return np.clip(image + parameters[0], 0, 255)
    if isinstance(op, RandomContrast):
        return np.clip(reference.contrasted(image, *parameters), 0, 255)
    if isinstance(op, RandomInvert):
        return 255 - image if parameters[0] else image
    if isinstance(op, AutoContrast):
        low, high = image.min(axis=(0, 1)), image.max(axis=(0, 1))
        stretched = (image - low) * (255 / np.where(low == high, 1, high - low))
        # By a rounding error the highest may pass 255, and inverted and posterized be -64.
        return np.where(low == high, image, np.clip(stretched, 0, 255))
    channels = []
    for channel in np.moveaxis(image, 2, 0):
        bins = np.floor(channel + 1e-9).astype(int)
        cumulated = np.bincount(bins.ravel(), minlength=256).cumsum()
        least = cumulated[cumulated > 0][0]
        if least == cumulated[-1]:
            channels.append(channel)
        else:
            channels.append(np.floor((cumulated - least) * 255 / (cumulated[-1] - least) + 0.5)[bins])
    return np.stack(channels, axis=2)


@given(steps=st.lists(tones, min_size=1, max_size=5), channels=st.sampled_from([1, 3]))
def test_tables_compose_exactly(steps: list[Any], channels: int) -> None:
    image = (picture(5, *SIZE, channels) // 2 + 50).astype(np.uint8)
    steps = [(Solarization(1.0, 1.0), (0.0, 255.0)), *steps]  # so that all is one table
    assert [type(one) for one in passes(steps, SIZE)] == [LookupPass]
    expected = image.astype(np.float64)
    for op, parameters in steps:
        expected = toned(expected, op, parameters)
    off = difference(apply(steps, image), expected)
    # Where rounding errors decide on which side of a step a value falls, the step is the difference.
    assert np.mean(off > 0.5000001) < 0.03


def test_linear_operations_go_into_the_table_behind_them() -> None:
    ops: list[Any] = [
        (RandomBrightness(0.5), [20]),
        (RandomContrast(0.5), [1.4]),
        (RandomPosterization(8), [3]),
    ]
    assert [type(one) for one in passes(ops, SIZE)] == [LookupPass]
    mixed = [(RandomColorDegeneration(0.5), [0.5]), *ops]
    assert [type(one) for one in passes(mixed, SIZE)] == [ColorPass, LookupPass]
    image = picture(6, *SIZE)
    expected = np.clip(reference.contrasted(image.astype(np.float64) + 20, 1.4), 0, 255) // 32 * 32
    assert np.mean(difference(apply(ops, image), expected) > 0.5) < 0.01


def test_hue_and_saturation_are_one_pass() -> None:
    ops: list[Any] = [(RandomHue(0.5), [0.1]), (RandomSaturation(0.5), [0.7]), (RandomHue(0.5), [-0.3])]
    (change,) = passes(ops, SIZE)
    assert isinstance(change, ColorPass)
    assert (change.hue_shift, change.saturation_scale) == pytest.approx((-0.2, 0.7))
    image = picture(7, *SIZE)
    one_by_one = apply(ops[2:], apply(ops[1:2], apply(ops[:1], image)))
    assert difference(apply(ops, image), one_by_one).max() <= 2  # they round three times


def test_what_does_not_fuse_stands_between() -> None:
    ops: list[Any] = [
        (RandomFlip(), [0, 1]),
        (RandomRotation(0.5), [0.1]),
        (RandomBrightness(0.5), [20]),
        (RandomSharpness(0.5), [0.8]),
        (RandomRotation(0.5), [0.1]),
        (RandomRotation(0.5, "constant"), [0.1]),
        (RandomHue(0.5), [0.1]),
    ]
    kinds = [CropResize, ColorPass, FilterPass, CropResize, CropResize, ColorPass]
    assert [type(one) for one in passes(ops, SIZE)] == kinds


# ---------------------------------------------------------------- identity

IDENTITIES: list[tuple[Augmentation, list[float]]] = [
    (RandomFlip(), [0, 0]),
    (RandomRotation(0.5), [0]),
    (RandomZoom(0.5), [1, 1]),
    (RandomShear(0.5), [0, 0]),
    (RandomTranslation(0.5, 0.5), [0, 0]),
    (RandomPerspective(), [0] * 8),
    (RandomCrop(*SIZE), [0.7, 0.3]),
    (RandomBrightness(0.5), [0]),
    (RandomContrast(0.5), [1]),
    (RandomColorDegeneration(0.5), [0]),
    (RandomGrayscale(), [0]),
    (RandomInvert(), [0]),
    (RandomColorJitter(brightness_factor=0.1, hue_factor=0.1, saturation_factor=0.1), [0, 1, 1, 0]),
    (RandomSaturation(0.5), [1]),
    (RandomHue(0.5), [0]),
    (RandomSharpness(0.5), [0.5]),
    (RandomGaussianBlur(), [0, 1, 1]),
    (RandomErasing(), [0] * 6),
]


@given(ops=st.lists(st.sampled_from(IDENTITIES), max_size=8))
def test_identity_parameters_are_no_pass_at_all(ops: list[tuple[Augmentation, list[float]]]) -> None:
    assert passes(ops, SIZE) == []


@given(op=st.sampled_from([(RandomPosterization(8), [8]), (Solarization(), [0, 256])]))
def test_identity_tables_change_nothing(op: tuple[Augmentation, list[float]]) -> None:
    image = picture(8, *SIZE)
    assert np.array_equal(apply([op], image), image)


@given(turns=st.floats(-1, 1), shift=st.tuples(share, share))
def test_a_way_and_back_is_no_pass(turns: float, shift: tuple[float, float]) -> None:
    ops: list[Any] = [
        (RandomTranslation(0.5, 0.5), shift),
        (RandomRotation(1.0), [turns]),
        (RandomRotation(1.0), [-turns]),
        (RandomTranslation(0.5, 0.5), [-shift[0], -shift[1]]),
    ]
    assert passes(ops, SIZE) == []


@pytest.mark.parametrize(
    "op",
    [RandomSaturation((0.2, 0.3)), RandomHue(0.5), RandomColorDegeneration((0.5, 0.6)), RandomGrayscale(1.0)],
)
def test_gray_images_have_no_color_to_change(op: Augmentation) -> None:
    image = picture(9, *SIZE, 1)
    assert np.array_equal(run([op], image), image)
    gray = np.repeat(image, 3, axis=2)
    assert difference(run([op], gray), gray).max() <= 1
