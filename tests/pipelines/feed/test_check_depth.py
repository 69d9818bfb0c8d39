"""Pipelines of 16-bit datasets: the same as of 8 bits, with all values."""

import warnings
from pathlib import Path
from typing import Any, Literal

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from fitfeed import pipelines
from fitfeed.pipelines import (
    AugMix,
    AutoContrast,
    CenterCrop,
    CutMix,
    Dataset,
    Equalization,
    MixUp,
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
    make_pipeline,
    open_dataset,
)
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.normalize import KINDS, Normalizer
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import DecodedPayload, Pixels
from fitfeed.schemas.statistics import ChannelStatistics
from tests.deep import Samples, noise, png
from tests.pipelines.build_dataset import Example, Format, build_dataset, pickled, picture, raw

HEIGHT, WIDTH = 20, 26
Channels = Literal[1, 3]


def deep_picture(number: int, channels: int = 3) -> Samples:
    """Smooth, so that resampling can be compared, with noise in the lower bits."""
    rough = picture(number, HEIGHT, WIDTH, channels).astype(np.uint16) * 256
    return rough + noise(HEIGHT, WIDTH, channels, seed=number) % 256


def examples(count: int, *, is_raw: bool, channels: int = 3) -> list[Example]:
    made = []
    for number in range(count):
        key, label, pixels = f"class{number % 3}/{number}", number % 3, deep_picture(number, channels)
        made.append(raw(key, label, pixels) if is_raw else Example(key, label, png(pixels), pixels))
    return made


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Format, bool], Dataset]:
    root, made = tmp_path_factory.mktemp("deep"), {}
    formats: tuple[Format, ...] = ("tfrecord", "hdf5")
    for format_ in formats:
        for is_raw in (False, True):
            splits = {"train": examples(21, is_raw=is_raw)}
            folder = build_dataset(root / f"{format_}{is_raw}", splits, format=format_, is_raw=is_raw)
            made[format_, is_raw] = open_dataset(folder)
    return made


@pytest.fixture(scope="module")
def deep(datasets: dict[tuple[Format, bool], Dataset]) -> Dataset:
    return datasets["tfrecord", False]


def batches(dataset: Dataset, **options: Any) -> list[Any]:
    settings = {"batch_size": 7, "output": "dict", "shuffle": False, "dtype": "uint16", "normalize": None}
    return [
        {name: tensor.numpy() for name, tensor in batch.items()}
        for batch in make_pipeline(dataset, "train", **{**settings, **options})
    ]


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
@pytest.mark.parametrize("is_raw", [False, True])
@pytest.mark.parametrize("access", ["indexed", "stream"])
def test_every_value_arrives(datasets: Any, format_: Format, is_raw: bool, access: str) -> None:
    dataset = datasets[format_, is_raw]
    records = dataset.records("train")
    assert (records.dtype, pickled(records).dtype) == (np.uint16, np.uint16)
    for number in range(21):
        assert np.array_equal(records[number]["image"], deep_picture(number))
    found = batches(dataset, access=access)
    assert [batch["image"].dtype for batch in found] == [np.uint16] * 3
    for batch in found:
        for key, image in zip(batch["key"], batch["image"], strict=True):
            assert np.array_equal(image, deep_picture(int(key.decode().split("/")[1])))
    spec = make_pipeline(dataset, "train", batch_size=7, normalize=None, dtype="uint16").element_spec[0]
    assert (spec.dtype, spec.shape.as_list()) == (tf.uint16, [7, HEIGHT, WIDTH, 3])


@pytest.mark.parametrize("kind", [*KINDS, None])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 0), ("float16", 2**-11), ("bfloat16", 2**-8)])
def test_normalisation_equals_float64(deep: Dataset, kind: Any, dtype: str, tolerance: float) -> None:
    if kind is None and dtype == "float16":
        with pytest.raises(UsageError, match=r"float16 ends at 65504.*dtype='float16', normalize=None"):
            batches(deep, normalize=kind, dtype=dtype)
        return
    every = np.stack([deep_picture(number) for number in range(21)]).astype(np.float64)
    values = every.reshape(-1, 3)
    shift, scale = {
        "zscore": (values.mean(axis=0), values.std(axis=0)),
        "minmax": (values.min(axis=0), np.ptp(values, axis=0)),
        "unit": (0.0, 65_535.0),
        "symmetric": (32_767.5, 32_767.5),
        None: (0.0, 1.0),
    }[kind]
    expected = (every - shift) / scale
    ours = np.concatenate([b["image"] for b in batches(deep, normalize=kind, dtype=dtype)]).astype(np.float64)
    assert np.allclose(ours, expected, rtol=max(tolerance, 1e-6), atol=1e-5)
    if kind is not None:
        layer = deep.normalization(kind)(every.astype(np.float32))
        assert np.allclose(keras.ops.convert_to_numpy(layer), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_16_bit_floats_are_rounded_once(dtype: Any) -> None:
    pixels = np.arange(65_536, dtype=np.uint16).reshape(256, 256, 1)
    exact = ChannelStatistics(np.ones((1, 65_536), np.int64))
    out = np.zeros(pixels.shape, dtype)
    Normalizer("zscore", exact, dtype=dtype)(pixels, out)
    expected = ((pixels - exact.mean[0]) / exact.std[0]).astype(dtype)
    assert np.array_equal(out.view(np.int16), expected.view(np.int16))


GEOMETRIC = [
    CenterCrop(12, 14),
    RandomCrop(12, 14),
    RandomFlip("horizontal_and_vertical"),
    RandomResizedCrop(scale=(0.3, 0.9)),
    RandomRotation(0.2, fill_mode="constant", fill_value=200),
    RandomRotation(0.2, interpolation="nearest", fill_mode="constant", fill_value=200),
    RandomTranslation(0.3, 0.3, fill_mode="wrap"),
    RandomShear(0.3, 0.3, fill_mode="constant", fill_value=17),
    RandomZoom(0.4),
    RandomPerspective(0.8),
    from_image_data_generator(rotation_range=20, width_shift_range=0.1, shear_range=9)["augment"],
]
LINEAR = [
    RandomBrightness(0.3),
    RandomContrast((0.5, 0.5)),
    [RandomBrightness(0.2), RandomContrast((0.2, 0.9)), RandomColorDegeneration(0.5)],
    RandomColorDegeneration(0.7),
    RandomGrayscale(1.0),
    RandomInvert((1.0, 1.0)),
    RandomColorJitter(brightness_factor=0.2, contrast_factor=(0.2, 0.2)),
    from_image_data_generator(brightness_range=[0.5, 1.5])["augment"],
]
FILTERS = [
    RandomSharpness((0.0, 1.0)),
    RandomGaussianBlur((1.0, 1.0), kernel_size=5),
    RandomErasing((1.0, 1.0), fill_value=(10, 127, 250)),
    RandomErasing((1.0, 1.0)),
]
WORKING = [*GEOMETRIC, *LINEAR, *FILTERS]


def rendered(augment: Any, pixels: Pixels, *, size: tuple[int, int], seed: int) -> Pixels:
    ops = augment if isinstance(augment, list) else [augment]
    program = Program(ops, image_size=size, seed=seed)
    compiled = program.compile(
        0, np.arange(1), heights=np.array([pixels.shape[0]]), widths=np.array([pixels.shape[1]])
    )
    out = np.zeros((*size, pixels.shape[2]), pixels.dtype)
    untouched = pixels.copy()
    assert program.render(DecodedPayload(pixels), compiled, 0, size=size, out=out) is out
    assert np.array_equal(pixels, untouched)
    return out


@pytest.mark.parametrize("augment", WORKING, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation_is_that_of_8_bits_but_finer(augment: Any, channels: Channels) -> None:
    if channels == 1 and isinstance(augment, RandomErasing) and augment.fill_value is not None:
        augment = RandomErasing((1.0, 1.0), fill_value=99.0)
    for seed in range(6):
        shallow = picture(seed, HEIGHT, WIDTH, channels)
        theirs = rendered(augment, shallow, size=(15, 17), seed=seed)
        ours = rendered(augment, shallow.astype(np.uint16) * 257, size=(15, 17), seed=seed)
        assert ours.dtype == np.uint16
        # 8 bits are rounded after each pass, of which there are up to three; and where OpenCV places
        # pixels by 1/32, its arithmetic of 8 bits is coarser still.
        difference = np.abs(ours / 257 - theirs.astype(np.float64))
        assert difference.max() <= 2.6
        assert difference.mean() <= 0.6


@pytest.mark.parametrize("augment", LINEAR, ids=str)
def test_colors_are_within_one_level_of_float64(augment: Any) -> None:
    ops: list[Any] = augment if isinstance(augment, list) else [augment]
    for seed in range(6):
        pixels = deep_picture(seed)
        program = Program(ops, image_size=None, seed=seed)
        compiled = program.compile(0, np.arange(1), heights=np.array([HEIGHT]), widths=np.array([WIDTH]))
        ours = program.render(DecodedPayload(pixels), compiled, 0, size=(HEIGHT, WIDTH))
        wide = pixels / 257
        for one in compiled.passes[0]:
            matrix = one.with_mean(wide.mean(axis=(0, 1)))  # type: ignore[attr-defined]
            wide = wide @ matrix[:, :3].T + matrix[:, 3]
        assert np.abs(ours - np.clip(wide * 257, 0, 65_535)).max() <= 1.1


@pytest.mark.slow
def test_a_chain_through_the_pipeline(deep: Dataset) -> None:
    augment = [RandomResizedCrop(), RandomFlip(), RandomRotation(0.1), RandomBrightness(0.2), RandomErasing()]
    options: dict[str, Any] = {"augment": augment, "image_size": (16, 18), "shuffle": True, "seed": 4}
    first, again = batches(deep, **options), batches(deep, access="indexed", **options)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a["image"], b["image"])
        assert a["image"].max() > 40_000
        assert len(np.unique(a["image"] % 257)) > 200
    floats = batches(deep, **options | {"dtype": "float32", "normalize": "unit"})
    assert np.allclose(floats[0]["image"], first[0]["image"] / 65_535)


def test_functions_get_and_give_uint16(deep: Dataset) -> None:
    seen = set()

    def negative(image: Pixels) -> Pixels:
        seen.add(image.dtype)
        return 65_535 - image

    assert np.array_equal(batches(deep, augment=[negative])[0]["image"][3], 65_535 - deep_picture(3))
    assert seen == {np.dtype(np.uint16)}
    with pytest.raises(tf.errors.OpError, match=r"must return a uint16 array .*Received: uint8"):
        batches(deep, augment=[lambda image: (image >> 8).astype(np.uint8)])


REFUSED: list[Augmentation] = [
    RandomPosterization(4), Solarization(0.3), Equalization(), AutoContrast(), RandomSaturation(0.4),
    RandomHue(0.1), RandomColorJitter(saturation_factor=(0.4, 0.6)), RandomColorJitter(hue_factor=0.1),
    RandAugment(), AugMix(), TrivialAugment(), *from_image_data_generator(channel_shift_range=9.0)["augment"],
]  # fmt: skip


@pytest.mark.parametrize("op", REFUSED, ids=str)
def test_what_is_made_for_8_bits_is_refused_by_name(deep: Dataset, op: Augmentation) -> None:
    message = (
        rf"images of 16 bits, and {type(op).__name__} is made for 8. Received: augment\[1\]=.*These work:"
    )
    with pytest.raises(UsageError, match=message):
        make_pipeline(deep, "train", batch_size=2, augment=[RandomFlip(), op])


def test_every_augmentation_is_refused_or_tried() -> None:
    others = {"Augmentation", "GrainAugmentation"}  # the base, and what needs Grain
    exported = [getattr(pipelines, name) for name in pipelines.__all__ if name not in others]
    augmentations = {one for one in exported if isinstance(one, type) and issubclass(one, Augmentation)}
    tried = [op for entry in WORKING for op in (entry if isinstance(entry, list) else [entry])]
    assert len(augmentations) >= 25
    assert augmentations <= {type(op) for op in [*tried, *REFUSED, MixUp(), CutMix()]}


def test_mixing_is_in_16_bits(deep: Dataset) -> None:
    whole = np.stack([deep_picture(number) for number in range(21)])
    options: dict[str, Any] = {"batch_size": 21, "augment": [MixUp(0.9)], "drop_remainder": False}
    mixed = batches(deep, **options)[0]
    keys = [int(key.decode().split("/")[1]) for key in mixed["key"]]
    off = np.abs(mixed["image"].astype(np.float64) - whole[keys]).max(axis=(1, 2, 3))
    assert (off > 0).sum() > 10
    assert len(np.unique(mixed["image"] % 257)) == 257
    for image, key in zip(mixed["image"].astype(np.float64), keys, strict=True):
        # Some weight and some partner explain every value, to within rounding.
        errors = []
        for other in whole.astype(np.float64):
            difference = whole[key] - other
            scale = (difference**2).sum() or 1.0
            weight = ((image - other) * difference).sum() / scale
            errors.append(np.abs(weight * whole[key] + (1 - weight) * other - image).max())
        assert min(errors) <= 1
    cut = batches(deep, **options | {"augment": [CutMix()]})[0]["image"]
    assert {value.tobytes() for value in cut.reshape(-1, 3)} <= {v.tobytes() for v in whole.reshape(-1, 3)}


def test_output_types_fit_the_depth(deep: Dataset, thumbnails: Dataset) -> None:
    with pytest.raises(UsageError, match=r"images of 16 bits. Received: dtype='uint8'. Use 'uint16'"):
        batches(deep, dtype="uint8")
    with pytest.raises(UsageError, match=r"images of 8 bits. Received: dtype='uint16'. Use 'uint8'"):
        batches(thumbnails, dtype="uint16")
    with pytest.raises(UsageError, match=r"Received: augment_on='device'. Use augment_on='cpu'"):
        batches(deep, dtype="float32", augment=[RandomFlip()], augment_on="device")
    with pytest.raises(UsageError, match=r"uint16 cannot hold normalized values"):
        batches(deep, dtype="uint16", normalize="unit")


@pytest.mark.parametrize("is_raw", [False, True])
def test_gray(tmp_path: Path, is_raw: bool) -> None:
    splits = {"train": examples(8, is_raw=is_raw, channels=1)}
    dataset = open_dataset(build_dataset(tmp_path / "grey", splits, is_raw=is_raw))
    found = batches(dataset, batch_size=8)[0]
    for key, image in zip(found["key"], found["image"], strict=True):
        assert np.array_equal(image, deep_picture(int(key.decode().split("/")[1]), 1))


@pytest.mark.parametrize("is_raw", [False, True])
def test_damage_is_skipped_and_named(datasets: Any, tmp_path: Path, is_raw: bool) -> None:
    folder = build_dataset(tmp_path / "d", {"train": examples(9, is_raw=is_raw)}, shards=1, is_raw=is_raw)
    dataset = open_dataset(folder)
    index, shard = dataset.records("train").index, folder / dataset.splits["train"].shards[0].file
    with shard.open("r+b") as file:
        if is_raw:
            file.truncate(int(index.offset[8]) + 20)
        else:
            file.seek(int(index.offset[8]) + 60)
            file.write(bytes(30))
    found = batches(dataset, batch_size=9, on_error="skip")[0]
    assert found["image"].shape == (8, HEIGHT, WIDTH, 3)
    assert dataset.skipped == {"train": 1}
    with pytest.raises(tf.errors.OpError, match=r"DamagedExampleError.*class2/8"):
        batches(dataset, batch_size=9)


def test_fit_takes_16_bits(deep: Dataset) -> None:
    train = make_pipeline(deep, "train", batch_size=7, dtype="uint16", normalize=None)
    model = keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 3)),
            deep.normalization("zscore"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(train, epochs=1, shuffle=False, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
