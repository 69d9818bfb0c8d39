"""The arguments of `make_pipeline`: what is refused, and what follows from them."""

import json
import re
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines import (
    CenterCrop,
    Dataset,
    MixUp,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    make_pipeline,
)
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.errors import UsageError
from tests.pipelines import functions
from tests.pipelines.option_defaults import DEFAULTS

AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]


@pytest.mark.parametrize(
    ("cpus", "changed", "count"),
    [
        (1, {}, 0),
        (2, {}, 2),
        (3, {}, 3),
        (16, {}, 16),
        (64, {}, 16),
        (64, {"processes": 64}, 64),
        (64, {"processes": 0}, 0),
        (1, {"processes": 2}, 2),
        (64, {"access": "stream"}, 0),
        (64, {"access": "indexed"}, 16),
        (64, {"augment": [*AUGMENT, MixUp()]}, 16),
        (64, {"augment": [*AUGMENT, functions.mirror]}, 0),
        (64, {"augment": [*AUGMENT, functions.mirror], "processes": 8}, 8),
    ],
)
def test_how_many_processes(
    monkeypatch: pytest.MonkeyPatch, cpus: int, changed: dict[str, Any], count: int
) -> None:
    monkeypatch.setattr("fitfeed.pipelines.options.available_cpus", lambda: cpus)
    options: dict[str, Any] = {
        "batch_size": 8,
        "image_size": (16, 20),
        "augment": AUGMENT,
        "normalize": "zscore",
        "dtype": "float32",
        "label": None,
        "labels": "int",
        "label_smoothing": 0.0,
        "output": "tuple",
        "shuffle": True,
        "statistics": None,
        "examples": None,
        "sampling_weights": None,
        "sample_weight": None,
        "seed": 0,
        "shard": (0, 1),
        "start": (0, 0),
        "balance": None,
        "drop_remainder": True,
        "access": "auto",
        "on_error": "raise",
        "augment_on": "cpu",
        "processes": None,
        "transforms": False,
    }
    assert PipelineOptions(**{**options, **changed}).worker_processes == count


def test_numbers_of_numpy_are_numbers(flowers: Dataset) -> None:
    given: dict[str, Any] = {
        "batch_size": np.int64(8),
        "image_size": [np.int32(16), np.uint8(20)],
        "seed": np.uint64(7),
        "shard": (np.int16(1), np.int64(2)),
        "start": [np.int64(1), np.int64(2)],
        "shuffle": np.True_,
        "drop_remainder": np.False_,
        "processes": np.int8(0),
        "transforms": np.False_,
    }
    plain = {
        name: value.item() if isinstance(value, np.generic) else tuple(map(int, value))
        for name, value in given.items()
    }
    ours = PipelineOptions.of_split("train", **{**DEFAULTS, **given})
    theirs = PipelineOptions.of_split("train", **{**DEFAULTS, **plain})
    assert ours == theirs
    assert json.dumps(ours.identity("a", "train")) == json.dumps(theirs.identity("a", "train"))
    assert [type(value) for value in vars(ours).values()] == [type(value) for value in vars(theirs).values()]
    sides: Any = (np.int64(3), np.uint8(4))
    assert RandomCrop(*sides) == RandomCrop(3, 4)
    assert type(CenterCrop(*sides).width) is int
    fraction: Any = np.float64(1.5)
    with pytest.raises(UsageError, match=re.escape(f"Received: batch_size={fraction!r}")):
        make_pipeline(flowers, "train", batch_size=fraction)


def pipeline(dataset: Dataset, split: str = "train", **options: Any) -> tf.data.Dataset:
    return make_pipeline(
        dataset, split, **{"batch_size": 8, "image_size": (16, 20), "output": "dict", **options}
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "positive number of examples. Received: batch_size=0"),
        ({"batch_size": True}, "Received: batch_size=True"),
        ({"image_size": 224}, r"\(height, width\).*Received: image_size=224"),
        ({"image_size": (0, 3)}, "Received: image_size"),
        ({"image_size": None}, "Pass image_size"),
        ({"augment": RandomFlip()}, r"a list, such as .* Received: augment=RandomFlip"),
        ({"augment": [RandomFlip]}, r"Did you mean RandomFlip\(\)\?"),
        ({"augment": ["flip"]}, r"Received: augment\[0\]='flip'"),
        ({"normalize": "mean"}, "'zscore', 'minmax', 'unit', 'symmetric', None. Received: normalize='mean'"),
        ({"dtype": "float64"}, "Received: dtype='float64'"),
        ({"dtype": "uint8"}, "Pass normalize=None"),
        ({"label": 3}, "the name of a label, or None for all. Received: label=3"),
        ({"label": "species"}, "Received: label='species'. It has: 'label'"),
        ({"label": "label", "labels": None}, "Received: label='label', labels=None. Leave out one"),
        ({"labels": "one_hot"}, "'int', 'onehot', None. Received: labels='one_hot'"),
        ({"output": "list"}, "Received: output='list'"),
        ({"access": "random"}, "Received: access='random'"),
        ({"on_error": "ignore"}, "'raise', 'skip'. Received: on_error='ignore'"),
        ({"shuffle": 1000}, "True, False. Received: shuffle=1000"),
        ({"drop_remainder": 1}, "Received: drop_remainder=1"),
        ({"seed": 1.5}, "an integer. Received: seed=1.5"),
        ({"shard": (2, 2)}, "0 <= index < count, 'auto', or None. Received: shard"),
        ({"shard": 2}, "Received: shard=2"),
        ({"start": (0, -1)}, "Received: start"),
        ({"start": (1, 6)}, r"below the 6 of an epoch. Received: start=\(1, 6\). Use \(2, 0\)"),
        ({"batch_size": 64}, "Use a smaller batch_size, or drop_remainder=False"),
    ],
)
def test_wrong_options(flowers: Dataset, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        pipeline(flowers, **options)
    assert "Received: " in str(error.value)
