"""Pipelines over several splits: one order over all of them, and statistics of the splits that are named."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, RandomFlip, make_pipeline, open_dataset
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.errors import UsageError
from tests.pipelines.build_dataset import build_dataset, jpeg_example, raw_example
from tests.pipelines.option_defaults import DEFAULTS

FOLDS = {"fold0": 9, "fold1": 1, "fold2": 14}
TWO = ["fold2", "fold0"]


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Raw images of 32 x 24 in three splits."""
    numbers = iter(range(100))
    splits = {name: [raw_example(next(numbers)) for _ in range(count)] for name, count in FOLDS.items()}
    return open_dataset(build_dataset(tmp_path_factory.mktemp("folds") / "d", splits, shards=1, is_raw=True))


def maker(dataset: Dataset, split: Any, **given: Any) -> BatchMaker:
    settings: dict[str, Any] = {"batch_size": 4, "output": "dict", "processes": 0, "shuffle": True}
    settings |= {"normalize": None, "dtype": "uint8", "drop_remainder": False}
    return BatchMaker(dataset, split, PipelineOptions.of_split(split, **{**DEFAULTS, **settings, **given}))


def epoch(made: BatchMaker, number: int = 0, first: int = 0) -> list[dict[str, Any]]:
    return [made.make(number, step) for step in range(first, len(made.steps))]


def keys(batches: list[dict[str, Any]]) -> list[str]:
    return [key for batch in batches for key in batch["key"]]


@pytest.mark.parametrize("access", ["indexed", "stream"])
def test_an_epoch_has_each_example_of_all_splits_once(folds: Dataset, access: str) -> None:
    every = [folds.records(name)[i] for name in TWO for i in range(FOLDS[name])]
    image_of = {example["key"]: example["image"] for example in every}
    made = maker(folds, TWO, access=access)
    batches = epoch(made)
    assert len(batches) == len(made.steps) == 6
    assert sorted(keys(batches)) == sorted(image_of)
    for batch in batches:
        assert all(
            np.array_equal(image, image_of[key])
            for image, key in zip(batch["image"], batch["key"], strict=True)
        )
    assert keys(epoch(made, 1)) != keys(batches)
    assert keys(epoch(maker(folds, TWO, shuffle=False, access=access))) == list(image_of)


def test_the_shuffle_reaches_over_all_splits(folds: Dataset) -> None:
    """In 200 epochs each place has examples of each split as often as the split has examples: a chi-squared test."""
    made, first = maker(folds, TWO, batch_size=23), np.zeros((23, 2))
    large = {folds.records("fold2").index.key(i) for i in range(FOLDS["fold2"])}
    for number in range(200):
        of_large = np.array([key in large for key in keys(epoch(made, number))])
        first += np.stack([of_large, ~of_large], axis=1)
    expected = 200 * np.array([14, 9]) / 23
    assert ((first - expected) ** 2 / expected).sum() < 60  # 22 degrees of freedom: above 60 in 2 of 100,000


def test_any_epoch_goes_on_at_any_step_and_workers_share_it(folds: Dataset) -> None:
    whole = maker(folds, TWO, drop_remainder=False)
    for step in range(len(whole.steps)):
        assert keys(epoch(maker(folds, TWO), 3, step)) == keys(epoch(whole, 3))[4 * step :]
    workers = [maker(folds, TWO, batch_size=2, shard=(index, 2)) for index in range(2)]
    assert len(workers[0].steps) == len(workers[1].steps) == len(whole.steps)
    assert sorted(keys([*epoch(workers[0], 3), *epoch(workers[1], 3)])) == sorted(keys(epoch(whole, 3)))


def test_augmentations_follow_the_number_of_the_example(folds: Dataset) -> None:
    """Not its place: the same example is flipped in the same epochs, shuffled or not."""
    flip = [RandomFlip("horizontal")]
    shuffled, stored = (epoch(maker(folds, TWO, shuffle=s, augment=flip), 5) for s in (True, False))
    images = {key: image for batch in stored for key, image in zip(batch["key"], batch["image"], strict=True)}
    for batch in shuffled:
        for key, image in zip(batch["key"], batch["image"], strict=True):
            assert np.array_equal(image, images[key])


@pytest.mark.parametrize("statistics", [["fold0", "fold2"], ["fold1"], "fold2", ("fold2", "fold1", "fold0")])
@pytest.mark.parametrize("kind", ["zscore", "minmax"])
def test_statistics_are_exactly_those_of_the_named_splits(folds: Dataset, statistics: Any, kind: str) -> None:
    """Compared with NumPy in float64, over the stored pixels."""
    names = [statistics] if isinstance(statistics, str) else statistics
    images = [folds.records(name)[i]["image"] for name in names for i in range(FOLDS[name])]
    pixels = np.concatenate([image.reshape(-1, 3) for image in images]).astype(np.float64)
    if kind == "zscore":
        shift, scale = pixels.mean(axis=0), pixels.std(axis=0)
    else:
        shift, scale = pixels.min(axis=0), pixels.max(axis=0) - pixels.min(axis=0)
    for split in (TWO, "fold1"):  # of a single split, too
        given = {"statistics": statistics, "normalize": kind, "dtype": "float32", "shuffle": False}
        batch = maker(folds, split, **given).make(0, 0)
        stored = folds.records(split)[0]["image"].astype(np.float64)
        np.testing.assert_allclose(batch["image"][0], (stored - shift) / scale, rtol=1e-5, atol=1e-5)
    layer = folds.normalization(kind, statistics)  # type: ignore[arg-type]
    np.testing.assert_allclose(np.array(layer(stored[None])), batch["image"][:1], rtol=1e-4, atol=1e-4)


def test_several_splits_with_balanced_classes(folds: Dataset) -> None:
    batches = epoch(maker(folds, TWO, balance="class", batch_size=23))
    counts = np.bincount(batches[0]["label"], minlength=3)
    assert counts.max() - counts.min() <= 1


def test_damaged_examples_are_counted_where_they_are(tmp_path: Path) -> None:
    numbers = {"fold0": range(5), "fold1": range(10, 16)}
    splits = {name: [jpeg_example(i) for i in each] for name, each in numbers.items()}
    dataset = open_dataset(build_dataset(tmp_path / "d", splits, shards=1))
    os.truncate(tmp_path / "d" / dataset.splits["fold1"].shards[0].file, 3000)
    bad = [i for i in range(6) if dataset.records("fold1").index.offset[i] > 1000]
    made = maker(dataset, ["fold0", "fold1"], on_error="skip", image_size=(8, 8), batch_size=6)
    found = keys(epoch(made))
    assert 0 < 11 - len(found) == dataset.skipped["fold1"] <= len(bad) + 1
    assert dataset.skipped["fold0"] == 0


@pytest.mark.parametrize(
    ("split", "given", "message"),
    [
        (TWO, {}, r"shuffle must be given.*split=\['fold2', 'fold0'\], shuffle=None\. Write shuffle=True"),
        (["fold0"], {}, "shuffle must be given"),
        ("fold0", {}, "shuffle must be given, as only 'train', 'validation', 'test' have a default"),
        (TWO, {"shuffle": True}, r"statistics must be given.*held out.*Write statistics=\[\.\.\.\]"),
        (["fold0"], {"shuffle": False, "normalize": "minmax"}, "statistics must be given"),
        (TWO, {"shuffle": True, "statistics": ["fold0", "train"]}, "no such split. Received: split='train'"),
        (TWO, {"shuffle": True, "statistics": []}, "one split or more"),
        ("tests", {}, "no such split. Received: split='tests'"),
        ([], {"shuffle": True, "normalize": None}, "one split or more"),
    ],
)
def test_what_must_be_said(folds: Dataset, split: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_pipeline(folds, split, batch_size=2, **given)


def test_statistics_are_not_asked_for_where_none_are_used(folds: Dataset) -> None:
    for kind in ("unit", "symmetric", None):
        assert make_pipeline(folds, TWO, batch_size=4, shuffle=True, normalize=kind).cardinality() == 5


def test_a_pipeline_of_several_splits_in_fit(folds: Dataset) -> None:
    pipeline = make_pipeline(
        folds, TWO, batch_size=4, shuffle=True, statistics=TWO, output="dict", processes=0
    )
    expected = maker(folds, TWO, statistics=TWO, normalize="zscore", dtype="float32", drop_remainder=True)
    batches = list(pipeline)
    assert pipeline.cardinality() == len(batches) == 5
    for step, batch in enumerate(batches):
        assert np.array_equal(batch["image"], expected.make(0, step)["image"])


def test_a_run_only_goes_on_with_the_same_splits() -> None:
    options = PipelineOptions.of_split(
        TWO, **{**DEFAULTS, "batch_size": 2, "shuffle": True, "statistics": TWO}
    )
    assert options.identity("f", TWO)["split"] == TWO
    assert options.identity("f", "fold0")["split"] == "fold0"
