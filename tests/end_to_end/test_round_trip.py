"""What the converter writes is what the runtime reads: real photographs there and back."""

from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from fitfeed.pipelines import RandomFlip, RandomResizedCrop, make_pipeline, open_dataset

ALL = ["dataset_tfrecord", "dataset_hdf5", "dataset_raw_tfrecord", "dataset_raw_hdf5"]
SIZE = (64, 64)


@pytest.fixture(params=ALL)
def dataset(request: pytest.FixtureRequest) -> Path:
    """Each of the converted datasets."""
    folder: Path = request.getfixturevalue(request.param)
    return folder


@pytest.mark.parametrize("access", ["indexed", "stream"])
def test_an_epoch_has_every_photograph_once_with_its_label(
    clothing: Path, dataset: Path, access: Any
) -> None:
    pipeline = make_pipeline(
        dataset, "train", batch_size=50, image_size=SIZE, output="dict", drop_remainder=False, access=access
    )
    names = open_dataset(dataset).class_names
    seen = Counter(
        (key.decode(), names[label])
        for batch in pipeline
        for key, label in zip(batch["key"].numpy(), batch["label"].numpy(), strict=True)
    )
    assert seen == Counter(
        (str(path.relative_to(clothing)), path.parent.name) for path in clothing.glob("train/*/*.jpg")
    )


@pytest.mark.parametrize("name", ALL[:2])
def test_records_are_the_photographs(clothing: Path, name: str, request: pytest.FixtureRequest) -> None:
    records = open_dataset(request.getfixturevalue(name)).records("test")
    assert len(records) == 66
    for number in range(0, len(records), 7):
        example = records[number]
        path = clothing / example["key"]
        assert records.encoded(number) == path.read_bytes()
        with Image.open(path) as image:
            np.testing.assert_array_equal(example["image"], np.asarray(image))


@pytest.mark.parametrize("pair", [ALL[:2], ALL[2:]], ids=["keep", "raw"])
def test_both_containers_give_the_same_batches(pair: list[str], request: pytest.FixtureRequest) -> None:
    epochs = [
        list(
            make_pipeline(
                request.getfixturevalue(name),
                "train",
                batch_size=32,
                image_size=SIZE,
                augment=[RandomResizedCrop(), RandomFlip("horizontal")],
                seed=3,
            ).as_numpy_iterator()
        )
        for name in pair
    ]
    for (image, label), (other_image, other_label) in zip(*epochs, strict=True):
        np.testing.assert_array_equal(image, other_image)
        np.testing.assert_array_equal(label, other_label)


@pytest.mark.parametrize("name", ALL[2:])
def test_zscore_of_what_was_counted_is_standard(name: str, request: pytest.FixtureRequest) -> None:
    pipeline = make_pipeline(
        request.getfixturevalue(name), "train", batch_size=64, drop_remainder=False, labels=None
    )
    pixels = np.concatenate([image.reshape(-1, 3) for image in pipeline.as_numpy_iterator()]).astype(float)
    np.testing.assert_allclose(pixels.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(pixels.std(axis=0), 1, atol=1e-5)


@pytest.mark.slow
def test_fit_learns_from_a_converted_dataset(dataset_raw_hdf5: Path) -> None:
    keras.utils.set_random_seed(0)
    train = make_pipeline(dataset_raw_hdf5, "train", batch_size=32, seed=1)
    val = make_pipeline(dataset_raw_hdf5, "validation", batch_size=32)
    model = keras.Sequential(
        [
            keras.layers.Conv2D(16, 5, strides=2, activation="relu"),
            keras.layers.MaxPooling2D(4),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, validation_data=val, epochs=6, verbose=0, shuffle=False).history
    assert history["accuracy"][-1] > 0.35  # chance is 0.1, the largest class 0.22
    assert history["loss"][-1] < history["loss"][0]
    assert len(history["val_accuracy"]) == 6
