"""Against the original `ImageDataGenerator`, on photographs.

The original needs SciPy for its warp; so that the test needs none, `affine_transform` of order 1 is
written out here in NumPy float64.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from keras.src.legacy.preprocessing import image as original
from PIL import Image

from fitfeed.pipelines import RandomFlip, RandomRotation, RandomZoom, from_image_data_generator, make_pipeline
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.ops.image_data_generator import (
    DEFAULTS,
    REFUSED,
    GeneratorShear,
    GeneratorShift,
)
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels
from tests.opencv import IS_EXACT
from tests.pipelines.augment import reference
from tests.pipelines.augment.reference import Floats, apply, difference

PHOTOS = sorted(Path(__file__).parents[4].joinpath("examples", "clothing", "train").glob("*/*.jpg"))
SIZE = (48, 48)
"""Square: of other images, the original does not turn and zoom about the centre."""
ARGUMENTS: dict[str, Any] = {
    "rotation_range": 25,
    "width_shift_range": 0.15,
    "height_shift_range": 0.1,
    "shear_range": 12.0,
    "zoom_range": 0.2,
    "horizontal_flip": True,
    "channel_shift_range": 25.0,
    "brightness_range": (0.7, 1.2),
}


def affine_transform(
    x: Floats, matrix: Floats, offset: Floats, *, order: int, mode: str, cval: float
) -> Floats:
    """`scipy.ndimage.affine_transform` of order 1: rows first."""
    assert order == 1
    y, x_ = np.mgrid[: x.shape[0], : x.shape[1]].astype(np.float64)
    rows = matrix[0, 0] * y + matrix[0, 1] * x_ + offset[0]
    columns = matrix[1, 0] * y + matrix[1, 1] * x_ + offset[1]
    return reference.fetch(x[..., None], (columns, rows), mode, cval)[..., 0]


@pytest.fixture(autouse=True)
def _scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    interpolation = SimpleNamespace(affine_transform=affine_transform)
    monkeypatch.setattr(
        original, "scipy", SimpleNamespace(ndimage=SimpleNamespace(interpolation=interpolation))
    )


@pytest.fixture(scope="module")
def photos() -> list[Pixels]:
    return [np.asarray(Image.open(path).convert("RGB").resize(SIZE[::-1])) for path in PHOTOS[:8]]


def generated(photo: Pixels, seed: int, **arguments: Any) -> tuple[dict[str, Any], Floats]:
    generator = original.ImageDataGenerator(**arguments)
    parameters = generator.get_random_transform(photo.shape, seed)
    return parameters, np.asarray(generator.apply_transform(photo.astype(np.float32), parameters), np.float64)


@pytest.mark.parametrize("fill_mode", ["nearest", "constant", "reflect"])
def test_each_transform_is_the_originals(photos: list[Pixels], fill_mode: str) -> None:
    """The original's parameters, given to ours."""
    arguments = ARGUMENTS | {"fill_mode": fill_mode, "cval": 30.0}
    ops = from_image_data_generator(**arguments)["augment"]
    rotation, shift, shear, zoom, flip, channel, brightness = ops
    for seed, photo in enumerate(photos):
        p, theirs = generated(photo, seed, **arguments)
        ours = apply(
            [
                (rotation, [p["theta"] / 360]),
                (shift, [p["tx"] / SIZE[0], p["ty"] / SIZE[1]]),
                (shear, [np.deg2rad(p["shear"])]),
                (zoom, [p["zy"], p["zx"]]),
                (flip, [0, float(p["flip_horizontal"])]),
                (channel, [p["channel_shift_intensity"]]),
                (brightness, [p["brightness"]]),
            ],
            photo,
        )
        off = difference(ours, theirs)
        # Theirs keeps fractions up to the shift, is cut to integers, multiplied, and cut again.
        assert np.quantile(off, 0.999) <= (2.5 if IS_EXACT else 5)
        assert off.mean() < 1.3


def test_what_is_drawn_is_distributed_as_the_originals() -> None:
    n = 3000
    ours = {
        name: op.sample(np.random.default_rng(0).random((n, op.draws)))
        for name, op in zip(
            ["rotation", "shift", "shear", "zoom", "flip", "channel", "brightness"],
            from_image_data_generator(**ARGUMENTS)["augment"],
            strict=True,
        )
    }
    generator = original.ImageDataGenerator(**ARGUMENTS)
    np.random.seed(0)  # noqa: NPY002 - what the original draws from
    theirs = [generator.get_random_transform((*SIZE, 3)) for _ in range(n)]

    def compare(values: npt.NDArray[Any], name: str, scale: float = 1) -> None:
        a, b = np.sort(values * scale), np.sort(np.array([float(t[name]) for t in theirs]))
        both = np.concatenate([a, b])
        gap = np.searchsorted(a, both, "right") - np.searchsorted(b, both, "right")
        assert np.abs(gap).max() / n < 2.7 * np.sqrt(2 / n), name

    compare(ours["rotation"][:, 0], "theta", 360)
    compare(ours["shift"][:, 0], "tx", SIZE[0])
    compare(ours["shift"][:, 1], "ty", SIZE[1])
    compare(ours["shear"][:, 0], "shear", 180 / np.pi)
    compare(ours["zoom"][:, 0], "zx")
    compare(ours["zoom"][:, 1], "zy")
    compare(ours["flip"][:, 1], "flip_horizontal")
    compare(ours["channel"][:, 0], "channel_shift_intensity")
    compare(ours["brightness"][:, 0], "brightness")


@pytest.mark.parametrize(
    "limits", [0.2, 10.0, 4, 1, [-3, 0, 5], (0.1, 0.3), 0.0], ids=["share", "pixels", "int", "one", "list", "shares", "none"]
)  # fmt: skip
def test_shifts_of_every_form(limits: Any) -> None:
    n = 2000
    op = GeneratorShift(tuple(limits) if isinstance(limits, list) else limits, 0.0, reference_sampling())
    ours = op.sample(np.random.default_rng(1).random((n, 4)))[:, 0]
    ours = ours * (80 if np.max(limits) < 1 else 1)
    generator = original.ImageDataGenerator(height_shift_range=limits)
    np.random.seed(1)  # noqa: NPY002
    theirs = [generator.get_random_transform((80, 90, 3))["tx"] for _ in range(n)]
    assert np.mean(ours) == pytest.approx(np.mean(theirs), abs=0.15 * (np.std(theirs) + 0.1))
    assert np.std(ours) == pytest.approx(np.std(theirs), rel=0.1)
    if not isinstance(limits, float):
        assert set(np.round(ours, 6).tolist()) == set(np.round(theirs, 6).tolist())


def reference_sampling() -> Any:
    (op,) = from_image_data_generator(shear_range=1)["augment"]
    assert isinstance(op, GeneratorShear)
    return op.how


@pytest.mark.slow
def test_mean_images_agree(photos: list[Pixels]) -> None:
    """The mean and the deviation of many results, pixel by pixel, on one photograph."""
    photo, n = photos[3], 250
    program = Program(from_image_data_generator(**ARGUMENTS)["augment"], image_size=None, seed=0)
    compiled = program.compile(0, np.arange(n), heights=np.full(n, SIZE[0]), widths=np.full(n, SIZE[1]))
    ours = np.stack([program.render(photo, compiled, i, size=SIZE) for i in range(n)]).astype(np.float64)
    theirs = np.stack([generated(photo, seed, **ARGUMENTS)[1] for seed in range(n)])
    error = np.sqrt((ours.var(axis=0) + theirs.var(axis=0)) / n)
    z = (ours.mean(axis=0) - theirs.mean(axis=0)) / np.maximum(error, 0.5)
    assert np.abs(z).max() < 5.5  # of 6,912 values that depend on each other
    assert ours.std(axis=0).mean() == pytest.approx(theirs.std(axis=0).mean(), rel=0.05)


# ---------------------------------------------------------------- arguments


def test_knows_every_argument_and_its_default() -> None:
    import inspect

    parameters = inspect.signature(original.ImageDataGenerator.__init__).parameters
    assert {k: v.default for k, v in parameters.items() if k != "self"} == DEFAULTS
    assert from_image_data_generator() == {"augment": [], "normalize": None}
    assert from_image_data_generator(**DEFAULTS) == {"augment": [], "normalize": None}


def test_arguments_become_augmentations() -> None:
    result = from_image_data_generator(
        rotation_range=36, zoom_range=[0.8, 1.1], vertical_flip=True, fill_mode="constant", cval=7,
        interpolation_order=0, rescale=1 / 255, dtype="float16", data_format="channels_last",
    )  # fmt: skip
    fill: Any = {"fill_mode": "constant", "fill_value": 7.0, "interpolation": "nearest"}
    rotation, zoom, flip = result["augment"]
    assert rotation == RandomRotation(0.1, **fill)
    assert zoom.height_factor == zoom.width_factor == pytest.approx((-0.2, 0.1))
    assert isinstance(zoom, RandomZoom)
    assert flip == RandomFlip("vertical")
    assert result["normalize"] == "unit"
    assert result["dtype"] == "float16"
    both = from_image_data_generator(horizontal_flip=True, vertical_flip=True)["augment"]
    assert both == [RandomFlip("horizontal_and_vertical")]
    assert from_image_data_generator(featurewise_std_normalization=True)["normalize"] == "zscore"
    scaled = {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 1 / 255}
    assert from_image_data_generator(**scaled)["normalize"] == "zscore"


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_has_no_counterpart_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=rf"^{name} has no counterpart here: .* Received: {name}=0.3\.$"):
        from_image_data_generator(**{name: 0.3})
    from_image_data_generator(**{name: DEFAULTS[name]})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rotation": 3}, "ImageDataGenerator has no argument rotation. Received: rotation=3"),
        ({"rotation_range": -3}, "Received: rotation_range=-3"),
        ({"shear_range": "x"}, "Received: shear_range='x'"),
        ({"width_shift_range": -0.1}, "Received: width_shift_range=-0.1"),
        ({"height_shift_range": []}, r"Received: height_shift_range=\[\]"),
        ({"zoom_range": 1.0}, "Received: zoom_range=1.0"),
        ({"zoom_range": (0.5, 2.5)}, "Received: zoom_range="),
        ({"zoom_range": (1, 2, 3)}, "Received: zoom_range="),
        ({"brightness_range": 0.3}, "Received: brightness_range=0.3"),
        ({"fill_mode": "mirror"}, "Received: fill_mode='mirror'"),
        ({"cval": 300}, "Received: cval=300"),
        ({"interpolation_order": 3}, "Received: interpolation_order=3"),
        ({"data_format": "channels_first"}, "Received: data_format='channels_first'"),
        ({"rescale": 1 / 127.5}, "Received: rescale=0.0078"),
        ({"featurewise_center": True}, "featurewise_center alone has no counterpart"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_image_data_generator(**arguments)


def test_feeds_a_pipeline(flowers: Any) -> None:
    arguments = from_image_data_generator(**ARGUMENTS, rescale=1 / 255)
    (image, _), *_ = make_pipeline(flowers, "train", batch_size=2, image_size=(16, 16), **arguments)
    assert image.shape == (2, 16, 16, 3)
    assert 0 <= image.numpy().min() < image.numpy().max() <= 1
