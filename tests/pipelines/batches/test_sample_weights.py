"""A label column as the weight of each example in the loss, where `fit` expects it."""

import csv
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import CutMix, Dataset, MixUp, ResumeTraining, make_pipeline, open_dataset
from fitfeed.schemas.errors import UsageError
from tests.pipelines.build_dataset import picture
from tests.without_beam import convert

COUNT = 14
TABLE = {
    i: {
        "species": "ab"[i % 2],
        "weight": i / 4,
        "times": i % 3,
        "wrong": -1.0 if i == 5 else 1.0,
        "note": "x",
    }
    for i in range(COUNT)
}


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Small pictures with a class, weights as float and as int, a column that is wrong for number 5, and a text."""
    source = tmp_path_factory.mktemp("source")
    with (source / "labels.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", *TABLE[0]])
        for i, labels in TABLE.items():
            keras.utils.save_img(source / f"{i:02}.png", picture(i, 12, 10), scale=False)
            writer.writerow([f"{i:02}.png", *labels.values()])
    columns = ("species", "weight:float", "times:int", "wrong:float", "note:text")
    folder = tmp_path_factory.mktemp("weighted") / "d"
    convert(source / "labels.csv", folder, ConvertOptions(label_columns=columns, shards=1))
    return open_dataset(folder)


def pipeline(dataset: Dataset, **given: Any) -> tf.data.Dataset:
    return make_pipeline(dataset, "train", **{"batch_size": 4, "image_size": (8, 8), "processes": 0, **given})


def table_of(batch: dict[str, Any], column: str) -> list[Any]:
    return [TABLE[int(key.decode()[:2])][column] for key in batch["key"].numpy()]


@pytest.mark.parametrize("column", ["weight", "times"])
def test_dicts_have_them_by_name_and_no_longer_among_the_labels(weighted: Dataset, column: str) -> None:
    for batch in pipeline(weighted, sample_weight=column, output="dict"):
        assert batch["sample_weight"].dtype == tf.float32
        assert batch["sample_weight"].shape == (4,)
        assert batch["sample_weight"].numpy().tolist() == table_of(batch, column)
        assert column not in batch
        assert set(batch) == {"image", "key", "sample_weight", *TABLE[0]} - {column}


def test_tuples_have_them_third(weighted: Dataset) -> None:
    (image, labels, weights), batch = (
        next(iter(pipeline(weighted, sample_weight="weight", output=output))) for output in ("tuple", "dict")
    )
    assert np.array_equal(image, batch["image"])
    assert set(labels) == set(TABLE[0]) - {"weight"}
    assert np.array_equal(weights, batch["sample_weight"])
    image, label, weights = next(iter(pipeline(weighted, sample_weight="weight", label="species")))
    assert np.array_equal(label, batch["species"])
    assert np.array_equal(weights, batch["sample_weight"])


@pytest.mark.parametrize(
    "given",
    [
        {"labels": "onehot"},
        {"access": "stream"},
        {"processes": 1},
        {"on_error": "skip", "drop_remainder": False},
        {"augment_on": "device"},
        {"sampling_weights": "weight"},
        {"balance": "class", "label": "species"},
        {"examples": [9, 4, 5, 1], "shuffle": False},
        {"shard": (1, 2), "batch_size": 2},
    ],
)
def test_weights_stay_with_their_examples(weighted: Dataset, given: dict[str, Any]) -> None:
    batches = list(pipeline(weighted, sample_weight="weight", output="dict", **given))
    assert batches
    for batch in batches:
        assert batch["sample_weight"].numpy().tolist() == table_of(batch, "weight")


@pytest.mark.slow
def test_the_loss_is_weighed(weighted: Dataset) -> None:
    """Compared with NumPy: Keras divides the weighted sum by the number of examples."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    given: dict[str, Any] = {
        "label": "species",
        "shuffle": False,
        "sample_weight": "weight",
        "batch_size": 14,
    }
    ((image, label, weight),) = pipeline(weighted, **given)
    losses = -np.log(model.predict(image, verbose=0)[np.arange(COUNT), label])
    loss = model.evaluate(pipeline(weighted, **given), verbose=0)
    np.testing.assert_allclose(loss, (losses * np.array(weight)).mean(), rtol=1e-5)


@pytest.mark.slow
def test_a_training_with_all_of_it_goes_on_where_it_was_killed(weighted: Dataset, tmp_path: Path) -> None:
    given: dict[str, Any] = {"label": "species", "sample_weight": "weight", "batch_size": 2}
    given |= {"examples": [0, 2, 3, 5, 7, 8, 11, 12], "sampling_weights": "times"}

    def fit(*callbacks: keras.callbacks.Callback, **others: Any) -> list[Any]:
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        train = pipeline(weighted, **{**given, **others})
        model.fit(train, epochs=2, verbose=0, shuffle=False, callbacks=list(callbacks))
        return list(model.get_weights())

    def kill(batch: int, logs: Any) -> None:
        if batch == 2:
            raise KeyboardInterrupt

    whole = fit(ResumeTraining(tmp_path / "whole"))
    run = ResumeTraining(tmp_path / "killed", every_steps=1)
    with pytest.raises(KeyboardInterrupt):
        fit(run, keras.callbacks.LambdaCallback(on_train_batch_end=kill))
    with pytest.raises(UsageError, match=r"Then: examples='.*Received: examples='.*', sampling_weights=None"):
        fit(
            ResumeTraining(tmp_path / "killed"),
            sampling_weights=None,
            examples=[0, 2, 3, 5, 7, 8, 11, 13],
        )
    for ours, theirs in zip(fit(ResumeTraining(tmp_path / "killed")), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"sample_weight": "species"},
            r"kind float or int.*Received: sample_weight='species'.*weight, times, wrong",
        ),
        (
            {"sample_weight": "wieght"},
            "Received: sample_weight='wieght'. This dataset has: weight, times, wrong. Name one of them, or convert",
        ),
        ({"sample_weight": 3}, "the name of a label, or None. Received: sample_weight=3"),
        ({"sample_weight": "wrong"}, r"Received: -1\.0 in the column 'wrong' of example \d+ \('05\.png'\)"),
        (
            {"sample_weight": "weight", "augment": [MixUp()]},
            "an image that MixUp mixes has two sample weights",
        ),
        ({"sample_weight": "weight", "augment": [CutMix()]}, "an image that CutMix mixes"),
        ({"sample_weight": "weight", "labels": None}, "and none is left. .*Use output='dict'"),
        ({"sample_weight": "weight", "label": "weight"}, "and none is left"),
    ],
)
def test_what_cannot_weigh(weighted: Dataset, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pipeline(weighted, **given)


def test_a_wrong_weight_that_is_not_chosen_does_no_harm(weighted: Dataset) -> None:
    import pyarrow.compute as pc

    batches = pipeline(weighted, sample_weight="wrong", examples=pc.field("wrong") >= 0, output="dict")
    assert {weight for batch in batches for weight in batch["sample_weight"].numpy().tolist()} == {1.0}
