import math

import cv2
import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines import CenterCrop, RandomFlip, RandomResizedCrop
from fitfeed.pipelines.augment.compiler.geometry import Geometry
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.cpu.interpolation import Sampling
from fitfeed.pipelines.augment.cpu.resample import CropResize, resample
from fitfeed.schemas.payload import Pixels
from tests.pipelines.augment import reference
from tests.pipelines.augment.reference import blurred, difference, run
from tests.pipelines.build_dataset import picture

sides = st.integers(1, 90)


# ---------------------------------------------------------------- geometry


@given(height=sides, width=sides, channels=st.sampled_from([1, 3]))
def test_identity_is_the_very_image(height: int, width: int, channels: int) -> None:
    image = picture(0, height, width, channels)
    assert np.array_equal(run([], image), image)
    assert np.array_equal(run([], image, image_size=(height, width)), image)


@given(height=sides, width=sides, channels=st.sampled_from([1, 3]), data=st.data())
def test_integer_crops_and_flips_are_slices(
    height: int, width: int, channels: int, data: st.DataObject
) -> None:
    image = picture(1, height, width, channels)
    geometry, expected = Geometry.whole([height], [width]), image
    for _ in range(data.draw(st.integers(0, 4))):
        vertical, horizontal = data.draw(st.booleans()), data.draw(st.booleans())
        geometry = geometry.mirror(np.array([vertical]), np.array([horizontal]))
        expected = expected[:: -1 if vertical else 1, :: -1 if horizontal else 1]
        h, w = (data.draw(st.integers(1, side)) for side in expected.shape[:2])
        top, left = (
            data.draw(st.integers(0, expected.shape[0] - h)),
            data.draw(st.integers(0, expected.shape[1] - w)),
        )
        geometry = geometry.crop(*(np.array([value]) for value in (top, left, h, w)))
        expected = expected[top : top + h, left : left + w]
    view = geometry.views(np.array([[height, width]]), [Sampling()])[0] or CropResize.whole(height, width)
    assert view.matrix is None
    assert np.array_equal(resample(image, view), expected)
    out = np.zeros_like(expected, order="C")
    assert resample(image, view, out) is out
    assert np.array_equal(out, expected)


@given(height=sides, width=sides, size=st.tuples(sides, sides), flip=st.tuples(st.booleans(), st.booleans()))
def test_resizing_is_bilinear_and_averages_where_it_shrinks_to_half(
    height: int, width: int, size: tuple[int, int], flip: tuple[bool, bool]
) -> None:
    image = picture(2, height, width)
    view = CropResize((0.0, 0.0, height, width), flip, size)
    mirrored = (slice(None, None, -1 if flip[0] else 1), slice(None, None, -1 if flip[1] else 1))
    expected = resample(image, view)
    if height < 2 * size[0] and width < 2 * size[1]:
        assert np.array_equal(expected, cv2.resize(image, size[::-1])[mirrored])
    # Rounded to 8 bits after each halving and at the end; places are rounded to 1/32 of a pixel.
    assert difference(expected, reference.resized(image, size)[mirrored]).max() < 5
    out = np.zeros((2, *size, 3), np.uint8)
    resample(image, view, out[1])
    assert np.array_equal(out[1], expected)
    assert not out[0].any()


def test_gray_images_are_resized_in_place() -> None:
    image, out = picture(3, 40, 30, 1), np.zeros((20, 25, 1), np.uint8)
    resample(image, CropResize((5.0, 0.0, 30.0, 30.0), (False, True), (20, 25)), out)
    assert np.array_equal(out[..., 0], cv2.resize(image[5:35, :, 0], (25, 20))[:, ::-1])


@given(flip=st.tuples(st.booleans(), st.booleans()), seed=st.integers(0, 100))
def test_fused_geometry_matches_step_by_step(flip: tuple[bool, bool], seed: int) -> None:
    """Flip, crop, resize, crop again, flip: one resampling against five."""
    random = np.random.default_rng(seed)
    image = blurred(seed, 70, 90)
    top, left, h, w = (
        random.integers(0, 20),
        random.integers(0, 20),
        random.integers(30, 50),
        random.integers(30, 60),
    )
    mirror = (np.array([flip[0]]), np.array([flip[1]]))
    geometry = Geometry.whole([70], [90]).mirror(*mirror).crop(*(np.array([v]) for v in (top, left, h, w)))
    geometry = geometry.resize(64, 64).crop(*(np.array([v]) for v in (7, 9, 40, 50))).mirror(*mirror)
    (view,) = geometry.views(np.array([[70, 90]]), [Sampling()])
    assert view is not None

    def flipped(pixels: Pixels) -> Pixels:
        return pixels[:: -1 if flip[0] else 1, :: -1 if flip[1] else 1]

    steps = cv2.resize(np.ascontiguousarray(flipped(image)[top : top + h, left : left + w]), (64, 64))
    expected = flipped(np.asarray(steps, np.uint8)[7:47, 9:59])
    difference = np.abs(resample(image, view).astype(int) - expected)
    assert difference[2:-2, 2:-2].max() <= 4
    assert difference.mean() < 1


# ---------------------------------------------------------------- flip


def test_flips_half_of_the_images_each_way() -> None:
    image = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
    outcomes = {
        "horizontal": {b"\0\1\2\3": 1 / 2, b"\1\0\3\2": 1 / 2},
        "vertical": {b"\0\1\2\3": 1 / 2, b"\2\3\0\1": 1 / 2},
        "horizontal_and_vertical": {
            b"\0\1\2\3": 1 / 4,
            b"\1\0\3\2": 1 / 4,
            b"\2\3\0\1": 1 / 4,
            b"\3\2\1\0": 1 / 4,
        },
    }
    for mode, expected in outcomes.items():
        results = [run([RandomFlip(mode)], image, example=i).tobytes() for i in range(300)]  # type: ignore[arg-type]
        assert {
            result: pytest.approx(results.count(result) / 300, abs=0.1) for result in set(results)
        } == expected


# ---------------------------------------------------------------- crops


def boxes(op: RandomResizedCrop, height: int, width: int, count: int = 3000) -> npt.NDArray[np.float64]:
    program = Program([op], image_size=(10, 10), seed=0)
    compiled = program.compile(
        0, np.arange(count), heights=np.full(count, height), widths=np.full(count, width)
    )
    return np.array([view.box for view in compiled.views])


def test_random_resized_crop_has_torchvisions_distribution() -> None:
    top, left, height, width = boxes(RandomResizedCrop(), 300, 400).T
    area, ratio = height * width / 120_000, width / height
    assert 0.075 < area.min() < 0.1
    assert 0.95 < area.max() <= 1
    assert ratio.min() > 0.74
    assert ratio.max() < 1.35
    assert np.median(np.log(ratio)) == pytest.approx(0, abs=0.06)
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + height <= 300).all()
    assert (left + width <= 400).all()
    small = height * width < 0.2 * 120_000
    assert np.corrcoef(top[small], left[small])[0, 1] == pytest.approx(0, abs=0.12)
    for start, extent, side in ((top, height, 300), (left, width, 400)):
        place = start[small] / (side - extent[small])
        assert place.mean() == pytest.approx(0.5, abs=0.05)
        assert place.min() < 0.05
        assert place.max() > 0.95


def reference_box(
    op: RandomResizedCrop, height: int, width: int, uniforms: list[float]
) -> tuple[int, int, int, int]:
    """torchvision's get_params, fed with given numbers."""
    low, high = op.ratio
    for attempt in range(10):
        area = height * width * (op.scale[0] + (op.scale[1] - op.scale[0]) * uniforms[attempt])
        ratio = math.exp(math.log(low) + (math.log(high) - math.log(low)) * uniforms[10 + attempt])
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return (
                math.floor(uniforms[20] * (height - h + 1)),
                math.floor(uniforms[21] * (width - w + 1)),
                h,
                w,
            )
    if width / height < low:
        w, h = width, max(1, round(width / low))
    elif width / height > high:
        w, h = max(1, round(height * high)), height
    else:
        w, h = width, height
    return (height - h) // 2, (width - w) // 2, h, w


@given(
    height=st.integers(1, 500),
    width=st.integers(1, 500),
    low=st.sampled_from([0.01, 0.08, 0.9, 1.0]),
    ratio=st.sampled_from([(3 / 4, 4 / 3), (1.0, 1.0), (0.2, 0.5), (2.0, 4.0)]),
    seed=st.integers(0, 50),
)
def test_random_resized_crop_follows_torchvision(
    height: int, width: int, low: float, ratio: tuple[float, float], seed: int
) -> None:
    op = RandomResizedCrop(scale=(low, 1.0), ratio=ratio)
    uniforms = np.random.default_rng(seed).random((3, op.draws))
    geometry = op.move(Geometry.whole([height] * 3, [width] * 3), op.sample(uniforms), image_size=(8, 9))
    expected = [reference_box(op, height, width, row) for row in uniforms.tolist()]
    assert np.rint(geometry.box).astype(int).tolist() == [list(box) for box in expected]
    assert geometry.size.tolist() == [[8, 9]] * 3


def test_random_resized_crop_without_image_size_keeps_the_stored_size() -> None:
    assert run([RandomResizedCrop()], picture(0, 30, 40)).shape == (30, 40, 3)


@pytest.mark.parametrize(
    ("height", "width"), [(50, 70), (51, 70), (40, 40), (41, 43), (20, 90), (30, 30), (7, 9)]
)
@pytest.mark.parametrize("crop", [(40, 40), (30, 41), (8, 8)])
def test_center_crop_as_keras(height: int, width: int, crop: tuple[int, int]) -> None:
    image = blurred(5, height, width)
    ours = run([CenterCrop(*crop)], image)
    theirs = keras.layers.CenterCrop(*crop)(image[None]).numpy()[0]
    assert ours.shape == theirs.shape
    if height >= crop[0] and width >= crop[1]:
        assert np.array_equal(ours, theirs)
    else:
        assert np.abs(ours - theirs).mean() < 3


def test_center_crop_without_size_takes_the_aspect_ratio_of_image_size() -> None:
    image = picture(6, 60, 90)
    expected = reference.resized(image[:, 15:75], (20, 20))
    assert difference(run([CenterCrop()], image, image_size=(20, 20)), expected).max() < 1.1
    assert np.array_equal(
        run([CenterCrop()], image, image_size=(50, 100)), cv2.resize(image[7:52], (100, 50))
    )
    assert np.array_equal(run([CenterCrop()], image), image)


def test_the_upper_left_corner_enlarged_to_the_stored_size_is_not_the_whole_image() -> None:
    image = picture(7, 40, 30)
    geometry = Geometry.whole([40], [30]).crop(*(np.array([side]) for side in (0, 0, 20, 15))).resize(40, 30)
    view = geometry.views(np.array([[40, 30]]), [Sampling()])[0]
    assert view is not None
    assert np.array_equal(resample(image, view), cv2.resize(image[:20, :15], (30, 40)))
