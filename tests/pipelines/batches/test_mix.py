"""`make_pipeline` with `MixUp`, `CutMix` and label smoothing."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import (
    CutMix,
    Dataset,
    MixUp,
    RandomFlip,
    RandomResizedCrop,
    make_pipeline,
    open_dataset,
)
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation, Mixture
from fitfeed.pipelines.batches.mix import ImageMixer, Mixer
from fitfeed.pipelines.batches.writer_threads import WriterThreads
from fitfeed.schemas.errors import UsageError
from tests.pipelines.build_dataset import CLASS_NAMES, Example, Format, build_dataset
from tests.pipelines.image_loading import Loading
from tests.without_beam import convert

EACH = [RandomResizedCrop(), RandomFlip("horizontal")]
BOTH: list[Any] = [*EACH, MixUp(1.0), CutMix()]
SIZE = (16, 20)
Batches = list[dict[str, Any]]


def batches(dataset: Dataset | Path, split: str = "train", **options: Any) -> Batches:
    settings: dict[str, Any] = {"batch_size": 8, "image_size": SIZE, "output": "dict", "augment": BOTH}
    pipeline = make_pipeline(dataset, split, **{**settings, **options})
    return [{name: tensor.numpy() for name, tensor in batch.items()} for batch in pipeline]


def rows_of(batch: dict[str, Any]) -> npt.NDArray[np.int64]:
    """Example numbers, which stand at the end of the keys."""
    return np.array([int(key[-4:]) for key in batch["key"]])


def expected(plain: dict[str, Any], mixtures: list[Mixture]) -> tuple[Any, Any]:
    """Images and labels as the Keras layers make them, in floats."""
    images, labels = plain["image"].astype(np.float32), plain["label"].astype(np.float32)
    for mixture in mixtures:
        transformation: dict[str, Any] = {
            "permutation_order": mixture.partner,
            "mix_weight": mixture.weight.astype(np.float32),
        }
        layer = keras.layers.MixUp() if mixture.boxes is None else keras.layers.CutMix()
        if mixture.boxes is not None:
            masks = np.zeros(images.shape, bool)
            for mask, (top, left, bottom, right) in zip(masks, mixture.boxes.tolist(), strict=True):
                mask[top:bottom, left:right] = True
            transformation["batch_masks"] = masks
        images = keras.ops.convert_to_numpy(layer.transform_images(images, transformation))
        labels = keras.ops.convert_to_numpy(layer.transform_labels(labels, transformation))
    return images, labels


def assert_same(ours: Batches, theirs: Batches) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("mixes", "access"),
    [
        pytest.param([MixUp(1.0)], "indexed", marks=pytest.mark.slow),
        ([CutMix()], "stream"),
        ([MixUp(1.0), CutMix()], "indexed"),
        pytest.param([MixUp(1.0), CutMix()], "stream", marks=pytest.mark.slow),
    ],
)
def test_batches_are_those_of_the_keras_layers(
    flowers: Dataset, mixes: list[BatchAugmentation], access: str
) -> None:
    options: dict[str, Any] = {"access": access, "seed": 5, "start": (2, 0), "drop_remainder": False}
    plain = batches(flowers, augment=EACH, labels="onehot", normalize=None, dtype="uint8", **options)
    augment = [*EACH, *mixes]
    levels = batches(flowers, augment=augment, normalize=None, dtype="uint8", **options)
    floats = batches(flowers, augment=augment, **options)
    half = batches(flowers, augment=augment, dtype="float16", normalize="unit", **options)
    mixer = Mixer(list(enumerate(mixes, start=2)), seed=5)
    assert [len(batch["key"]) for batch in plain] == [8, 8, 8, 8, 8, 8, 5]
    for number, batch in enumerate(levels):
        images, labels = expected(plain[number], mixer.sample(2, rows_of(batch), size=SIZE))
        np.testing.assert_array_equal(batch["key"], plain[number]["key"])
        assert np.abs(batch["image"] - images).max() <= 0.502  # rounded to nearest
        np.testing.assert_allclose(batch["label"], labels, atol=1e-6)
        statistics = flowers.statistics
        normalised = (batch["image"] - statistics.mean) / statistics.std
        np.testing.assert_allclose(floats[number]["image"], normalised, atol=1e-5)
        np.testing.assert_allclose(half[number]["image"], batch["image"] / 255, atol=1e-3)
        np.testing.assert_array_equal(floats[number]["label"], batch["label"])
    assert any(not np.array_equal(a["image"], b["image"]) for a, b in zip(plain, levels, strict=True))


@pytest.mark.parametrize("name", ["tfrecord", "hdf5"])
def test_raw_images_mix_as_they_are(raw_datasets: dict[Format, Dataset], name: Format) -> None:
    options: dict[str, Any] = {"image_size": None, "normalize": None, "dtype": "uint8"}
    plain = batches(raw_datasets[name], augment=[], labels="onehot", **options)
    mixed = batches(raw_datasets[name], augment=[CutMix()], **options)
    for before, after in zip(plain, mixed, strict=True):
        drawn = Mixer([(0, CutMix())], seed=0).sample(0, rows_of(after), size=(32, 24))
        images, labels = expected(before, drawn)
        np.testing.assert_array_equal(after["image"], images)
        np.testing.assert_allclose(after["label"], labels, atol=1e-6)


@pytest.mark.parametrize("labels", ["int", "onehot"])
@pytest.mark.parametrize("soft", [{"augment": BOTH}, {"augment": EACH, "label_smoothing": 0.1}])
def test_a_class_becomes_a_share_of_each(flowers: Dataset, labels: Any, soft: dict[str, Any]) -> None:
    options: dict[str, Any] = {"batch_size": 8, "image_size": SIZE, "labels": labels, **soft}
    image, label = make_pipeline(flowers, "train", **options).element_spec
    assert (image.shape, image.dtype) == ((8, *SIZE, 3), tf.float32)
    assert (label.shape, label.dtype) == ((8, 3), tf.float32)
    element = make_pipeline(flowers, "train", **options, output="dict").element_spec
    assert (list(element), element["label"]) == (["image", "label", "key"], label)
    images = make_pipeline(flowers, "train", **{**options, "labels": None, "label_smoothing": 0.0})
    assert images.element_spec == image
    for batch in images:
        assert np.isfinite(batch.numpy()).all()


def test_images_alone_are_mixed_as_with_their_labels(flowers: Dataset) -> None:
    alone = batches(flowers, labels=None)
    for a, b in zip(alone, batches(flowers), strict=True):
        assert list(a) == ["image", "key"]
        np.testing.assert_array_equal(a["image"], b["image"])


@pytest.mark.slow
def test_fit_learns_from_soft_labels(flowers: Dataset) -> None:
    options: dict[str, Any] = {"batch_size": 8, "image_size": SIZE}
    train = make_pipeline(flowers, "train", augment=BOTH, label_smoothing=0.1, **options)
    val = make_pipeline(flowers, "validation", labels="onehot", **options)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, validation_data=val, epochs=2, verbose=0, shuffle=False).history
    assert np.isfinite(history["loss"] + history["val_loss"]).all()


@pytest.mark.parametrize("smoothing", [0.1, 0.5, 1])
def test_smoothing_is_that_of_the_loss(flowers: Dataset, smoothing: float) -> None:
    prediction = np.random.default_rng(0).dirichlet([1, 1, 1], 8).astype(np.float32)
    hard = batches(flowers, augment=EACH, labels="onehot")
    soft = batches(flowers, augment=EACH, label_smoothing=smoothing)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing, reduction=None)
    for a, b in zip(hard, soft, strict=True):
        np.testing.assert_array_equal(a["image"], b["image"])
        np.testing.assert_allclose(
            keras.losses.categorical_crossentropy(b["label"], prediction),
            loss(a["label"], prediction),
            rtol=1e-5,
        )


def test_labels_are_smoothed_and_mixed_at_once(flowers: Dataset) -> None:
    for mixed, both in zip(batches(flowers), batches(flowers, label_smoothing=0.3), strict=True):
        np.testing.assert_array_equal(both["image"], mixed["image"])
        np.testing.assert_allclose(both["label"], mixed["label"] * 0.7 + 0.1, atol=1e-6)
        np.testing.assert_allclose(both["label"].sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 5])
def test_any_number_of_threads(flowers: Dataset, threads: int) -> None:
    def load(threads: int) -> Any:
        images = Loading(flowers, Program(EACH, image_size=SIZE, seed=1), threads=threads).load(
            0, np.arange(53)
        )
        mixtures = Mixer([(2, MixUp()), (3, CutMix())], seed=1).sample(0, np.arange(53), size=SIZE)
        mixer = ImageMixer(None, shape=images.shape, dtype=np.uint8, threads=WriterThreads(threads))
        return mixer.mix(images, mixtures)

    np.testing.assert_array_equal(load(threads), load(2))


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"balance": "class"}, {"access": "stream"}, {"shard": (1, 2)}])
def test_a_resumed_run_mixes_the_same(flowers: Dataset, options: dict[str, Any]) -> None:
    whole = batches(flowers, start=(1, 0), **options)
    assert_same(batches(flowers, start=(1, 2), **options), whole[2:])
    assert not np.array_equal(whole[0]["label"], batches(flowers, **options)[0]["label"])
    assert_same(batches(flowers, start=(1, 0), **options), whole)  # memory that is used again


@pytest.mark.parametrize("access", ["indexed", pytest.param("stream", marks=pytest.mark.slow)])
def test_a_damaged_partner_leaves_the_image_unmixed(
    tmp_path: Path, examples: dict[str, list[Example]], flowers: Dataset, access: str
) -> None:
    bad = (3, 17, 30)
    broken = build_dataset(tmp_path / "broken", examples, shards=3)
    dataset = open_dataset(broken)
    index, shards = dataset.records("train").index, dataset.splits["train"].shards
    for row in bad:
        with (broken / shards[index.shard[row]].file).open("r+b") as file:
            file.seek(int(index.offset[row]) + 30)
            file.write(os.urandom(200))
    options: dict[str, Any] = {"access": access, "normalize": None, "dtype": "uint8", "drop_remainder": False}
    plain = batches(flowers, augment=EACH, labels="onehot", **options)
    for mixes in ([MixUp(1.0)], [CutMix()]):
        augment, lonely = [*EACH, *mixes], 0
        whole = batches(flowers, augment=augment, **options)
        skipping = batches(dataset, augment=augment, on_error="skip", **options)
        for before, mixed, ours in zip(plain, whole, skipping, strict=True):
            rows = rows_of(before)
            (mixture,) = Mixer([(2, mixes[0])], seed=0).sample(0, rows, size=SIZE)
            kept = np.flatnonzero(~np.isin(rows, bad))
            np.testing.assert_array_equal(rows_of(ours), rows[kept])
            for place, i in enumerate(kept.tolist()):
                lost = rows[mixture.partner[i]] in bad
                lonely += lost
                source = before if lost else mixed
                np.testing.assert_array_equal(ours["image"][place], source["image"][i])
                np.testing.assert_array_equal(ours["label"][place], source["label"][i])
        assert 0 < lonely <= len(bad)
    assert dataset.skipped["train"] == len(bad)


# ---------------------------------------------------------------- other kinds of labels


def one_label(folder: Path, column: str, values: list[object]) -> Dataset:
    """Converts noise with a single label column."""
    (folder / "source").mkdir()
    for number, _ in enumerate(values):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "source" / f"{number:04}.png")
    rows = "".join(f"{number:04}.png,{value}\n" for number, value in enumerate(values))
    (folder / "source" / "labels.csv").write_text(f"path,{column.split(':')[0]}\n{rows}")
    convert(folder / "source" / "labels.csv", folder / "dataset", ConvertOptions(label_columns=(column,)))
    return open_dataset(folder / "dataset")


@pytest.mark.slow
def test_numbers_and_several_classes_are_mixed(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    ages = one_label(tmp_path / "a", "age:float", [0.5, 10, 20, 30])
    tags = one_label(tmp_path / "b", "tags:multiclass", ["x", "y;x", "[]", "y"])
    for dataset, shape in ((ages, [4]), (tags, [4, 2])):
        options: dict[str, Any] = {"batch_size": 4, "image_size": None}
        (plain,) = batches(dataset, augment=[], **options)
        (mixed,) = batches(dataset, augment=[MixUp(1.0)], **options)
        rows = np.array([int(dataset.records("train").index.key(i)[:4]) for i in range(4)])
        numbers = [rows.tolist().index(int(key[:4])) for key in plain["key"]]
        (mixture,) = Mixer([(0, MixUp(1.0))], seed=0).sample(0, np.array(numbers), size=(16, 16))
        weight = mixture.weight.reshape(-1, *[1] * (len(shape) - 1))
        by_hand = weight * plain["label"] + (1 - weight) * plain["label"][mixture.partner]
        assert (list(mixed["label"].shape), mixed["label"].dtype) == (shape, np.float32)
        np.testing.assert_allclose(mixed["label"], by_hand, rtol=1e-5)
        assert not np.array_equal(mixed["label"], plain["label"])
    (plain,) = batches(tags, augment=[], **options)
    (smooth,) = batches(tags, augment=[], label_smoothing=0.2, **options)
    prediction = np.random.default_rng(0).random((4, 2)).astype(np.float32)
    loss = keras.losses.BinaryCrossentropy(label_smoothing=0.2, reduction=None)
    np.testing.assert_allclose(
        keras.losses.binary_crossentropy(smooth["label"], prediction),
        loss(plain["label"], prediction),
        rtol=1e-5,
    )
    with pytest.raises(
        UsageError, match=r"label_smoothing needs a label with classes.* labels: label \(float\)"
    ):
        make_pipeline(ages, "train", batch_size=4, label_smoothing=0.1)


def test_labels_that_cannot_be_mixed_are_refused_by_name(labelled: Callable[[str], Path]) -> None:
    folder = labelled("tfrecord")
    for op in (MixUp(), CutMix()):
        with pytest.raises(
            UsageError, match=rf"{type(op).__name__} mixes labels.*kind int.*'petals' \(int\).*labels=None"
        ):
            make_pipeline(folder, "train", batch_size=4, image_size=SIZE, augment=[op])
    images = make_pipeline(folder, "train", batch_size=4, image_size=SIZE, augment=[MixUp()], labels=None)
    assert images.element_spec.shape == (4, *SIZE, 3)
    # Smoothing leaves them alone.
    _, labels = make_pipeline(
        folder, "train", batch_size=4, image_size=SIZE, label_smoothing=0.1
    ).element_spec
    assert (labels["species"].dtype, labels["petals"].dtype) == (tf.float32, tf.int64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"label_smoothing": 1.5},
            r"label_smoothing expects a number in \[0, 1\]. Received: label_smoothing=1.5",
        ),
        ({"label_smoothing": -0.1}, "Received: label_smoothing=-0.1"),
        ({"label_smoothing": "a bit"}, "Received: label_smoothing='a bit'"),
        ({"label_smoothing": True}, "Received: label_smoothing=True"),
        (
            {"label_smoothing": 0.1, "labels": None},
            "label_smoothing needs a label with classes.*labels: none",
        ),
        ({"augment": [MixUp(), RandomFlip()]}, r"MixUp mixes whole batches.*augment\[1\]=RandomFlip"),
        ({"augment": [MixUp(), MixUp()]}, "only once"),
        ({"augment": [MixUp]}, r"Did you mean MixUp\(\)"),
    ],
)
def test_wrong_options(flowers: Dataset, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_pipeline(flowers, "train", batch_size=4, image_size=SIZE, **options)


@pytest.mark.slow
def test_a_batch_of_one_has_nobody_to_mix_with(flowers: Dataset) -> None:
    for mixed, plain in zip(
        batches(flowers, batch_size=1), batches(flowers, batch_size=1, augment=EACH), strict=True
    ):
        np.testing.assert_array_equal(mixed["image"], plain["image"])
        np.testing.assert_array_equal(mixed["label"], np.eye(len(CLASS_NAMES))[plain["label"]])
