"""Parts of a dataset: by numbers, by expression, by weight; each with batches as exact as those of the whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines import Dataset, MixUp, RandomFlip, make_pipeline, open_dataset
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.errors import UsageError
from tests.effort import tries
from tests.pipelines.build_dataset import build_dataset, jpeg_example
from tests.pipelines.option_defaults import DEFAULTS

RAW: dict[str, Any] = {"normalize": None, "dtype": "uint8", "output": "dict", "drop_remainder": False}


def options(split: Any, **given: Any) -> PipelineOptions:
    return PipelineOptions.of_split(split, **{**DEFAULTS, "batch_size": 8, "processes": 0, **RAW, **given})


def maker(dataset: Dataset, split: Any = "train", **given: Any) -> BatchMaker:
    return BatchMaker(dataset, split, options(split, **given))


def epoch(made: BatchMaker, number: int = 0, first: int = 0) -> dict[str, Any]:
    batches = [made.make(number, step) for step in range(first, len(made.steps))]
    return {name: np.concatenate([np.array(batch[name]) for batch in batches]) for name in batches[0]}


def numbers_of(batches: dict[str, Any]) -> list[int]:
    return [int(key[-4:]) for key in batches["key"]]  # the keys of train are numbered as its examples


@settings(max_examples=tries(25))
@given(
    st.lists(st.integers(0, 52), min_size=4, max_size=53, unique=True),
    st.booleans(),
    st.integers(0, 9),
    st.integers(1, 9),
)
def test_each_chosen_example_once_as_it_is_without_a_choice(
    thumbnails: Dataset, chosen: list[int], shuffle: bool, number: int, batch_size: int
) -> None:
    """Pixels included: what an augmentation does to an example does not depend on what is chosen beside it."""
    given: dict[str, Any] = {
        "shuffle": shuffle,
        "augment": [RandomFlip("horizontal")],
        "batch_size": batch_size,
    }
    whole = epoch(maker(thumbnails, **given), number)
    place = {example: i for i, example in enumerate(numbers_of(whole))}
    made = maker(thumbnails, examples=chosen, **given)
    part = epoch(made, number)
    assert len(made.steps) == -(-len(chosen) // batch_size)
    assert sorted(numbers_of(part)) == sorted(chosen)
    assert shuffle or numbers_of(part) == chosen
    for i, example in enumerate(numbers_of(part)):
        assert np.array_equal(part["image"][i], whole["image"][place[example]])
        assert part["label"][i] == example % 3
    step = len(made.steps) // 2
    rest = epoch(maker(thumbnails, examples=chosen, **given), number, step)
    assert numbers_of(rest) == numbers_of(part)[step * batch_size :]


@pytest.mark.parametrize(
    "examples",
    [
        [3, 50, 7],
        (3, 50, 7),
        np.array([3, 50, 7], np.uint8),
        np.array([3, 50, 7], np.int64),
        pa.array([3, 50, 7]),
        pa.chunked_array([[3, 50], [7]]),
        range(3, 51, 4),
        pc.is_in(pc.field("key"), pa.array(["class0/image0003", "class2/image0050", "class1/image0007"])),
    ],
)
def test_ways_to_choose(thumbnails: Dataset, examples: Any) -> None:
    found = numbers_of(epoch(maker(thumbnails, shuffle=False, examples=examples)))
    if isinstance(examples, pc.Expression):
        assert found == [3, 7, 50]  # as stored
    else:
        assert found == [int(number) for number in np.asarray(examples)]


def test_an_expression_over_labels_of_several_splits(flowers: Dataset) -> None:
    expression = (pc.field("label_name") == "rose") & (pc.field("height") >= 60)
    chosen = maker(
        flowers,
        ["validation", "train"],
        shuffle=True,
        examples=expression,
        image_size=(8, 8),
        statistics="train",
    )
    table = flowers.index(["validation", "train"]).filter(expression)
    batches = epoch(chosen, 1)
    assert sorted(batches["key"]) == sorted(table["key"].to_pylist())
    assert set(batches["label"].tolist()) == {1}
    by_number = maker(
        flowers, ["validation", "train"], shuffle=True, examples=table["example"], image_size=(8, 8)
    )
    assert numbers_of(epoch(by_number, 1)) == numbers_of(batches)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([], r"chooses none of the 53 examples of 'train'\. Received: examples=\[\]"),
        (np.array([], np.int64), "chooses none of the 53"),
        ([3, 53], r"numbers of the 53 examples of 'train': 0 to 52\. Received: examples\[1\]=53"),
        ([3, -1], r"examples\[1\]=-1"),
        (np.array([2**63], np.uint64), r"0 to 52\. Received: examples\[0\]=9223372036854775808"),
        ([3, 5, 3], r"each number once\. Received: 3 again, at examples\[2\]\. Use sampling_weights"),
        ([0.0, 1.0], r"expects numbers of examples, or an expression.*Received: float64 of shape \(2,\)"),
        ([[1], [2]], r"of shape \(2, 1\)"),
        (5, r"Received: int64 of shape \(\)"),
        ("train", r"Received: <U5"),
        ([[1], [2, 3]], "one sequence"),
        (np.ones(53, bool), r"Received: bool of shape \(53,\)\. Write numpy\.flatnonzero\(mask\)"),
        (
            pc.field("height") > 9999,
            r"none of the 53 examples of 'train' is chosen\. Received: examples=\(height > 9999\)",
        ),
        (
            pc.field("hieght") > 9,
            "cannot be evaluated over the index.*hieght.*The columns of the index: example, split, label_name",
        ),
    ],
)
def test_choices_that_are_none(thumbnails: Dataset, examples: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        maker(thumbnails, examples=examples)
    assert "Received: " in str(error.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"examples": [1], "access": "stream"}, "examples chooses single examples.*Use access='indexed'"),
        ({"sampling_weights": [1], "access": "stream"}, "sampling_weights chooses single examples"),
        ({"sampling_weights": np.ones(53), "shuffle": False}, "needs shuffle=True"),
        ({"sampling_weights": np.ones(53), "balance": "class"}, "Leave out one of them"),
        (
            {"sampling_weights": np.ones(52)},
            r"for each of the 53 examples of 'train'.*float64 of shape \(52,\)",
        ),
        ({"sampling_weights": [1, 2], "examples": [3, 4]}, "also where examples= chooses some of them"),
        ({"sampling_weights": ["a"] * 53}, "expects a number for each"),
        ({"sampling_weights": [[1], [2, 3]]}, "expects numbers in one sequence"),
        ({"sampling_weights": [0.0] * 53}, "are 0 for all of the 53 examples"),
        ({"sampling_weights": [1.0] * 52 + [-2.0]}, r"Received: -2\.0 for example 52 \('class1/image0052'\)"),
        ({"sampling_weights": [1.0, float("nan")] + [1.0] * 51}, "Received: nan for example 1"),
        ({"sampling_weights": [np.inf] * 53, "examples": [7, 3]}, "Received: inf for example 3"),
        (
            {"sampling_weights": "weight"},
            r"sampling_weights='weight'. It has: 'example', 'source', 'label', ",
        ),
        ({"sampling_weights": "key"}, "names a column of numbers"),
        ({"examples": [1, 2], "batch_size": 8, "drop_remainder": True}, "the 2 examples do not fill one"),
    ],
)
def test_choices_that_do_not_fit(thumbnails: Dataset, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        maker(thumbnails, **given)


def test_what_to_look_at_can_be_pasted(flowers: Dataset) -> None:
    given: dict[str, Any] = {"shuffle": True, "image_size": (8, 8), "examples": pc.field("height") > 9999}
    with pytest.raises(UsageError, match=r"Look at the values in dataset\.index\('train'\)\."):
        maker(flowers, "train", **given)
    with pytest.raises(UsageError, match=r"dataset\.index\(\['train', 'validation'\]\)\."):
        maker(flowers, ["train", "validation"], **given)


def test_weights_are_those_of_the_examples_whatever_is_chosen(thumbnails: Dataset) -> None:
    """Weight i is that of example i. Shares are whole here, so every epoch has exactly so many of each."""
    weights = np.zeros(53)
    weights[[40, 2, 9, 11]] = [4, 2, 1, 1]
    for chosen in ([11, 40, 9, 2, 5, 0, 1, 3], None):
        made = maker(thumbnails, examples=chosen, sampling_weights=weights)
        batches = epoch(made, 3)
        times = np.bincount(numbers_of(batches), minlength=53)
        if chosen is None:
            assert np.array_equal(np.sign(times), np.sign(weights))
            assert np.abs(times - weights * 53 / 8).max() < 1
        else:
            assert np.array_equal(times, weights)
        assert len(batches["key"]) == len(made.choice) == (53 if chosen is None else 8)


def test_an_example_that_is_drawn_twice_is_augmented_twice(thumbnails: Dataset) -> None:
    weights = np.zeros(53)
    weights[7] = 1
    images = epoch(maker(thumbnails, sampling_weights=weights, augment=[RandomFlip("horizontal")]))["image"]
    flipped = sum(np.array_equal(image, thumbnails.records("train")[7]["image"][:, ::-1]) for image in images)
    assert 10 < flipped < 43


def test_weights_by_the_name_of_a_column(thumbnails: Dataset) -> None:
    by_name = maker(thumbnails, sampling_weights="label")
    by_value = maker(thumbnails, sampling_weights=[number % 3 for number in range(53)])
    for number in range(3):
        found = numbers_of(epoch(by_name, number))
        assert found == numbers_of(epoch(by_value, number))
        assert {example % 3 for example in found} == {1, 2}


def test_balance_within_a_choice(thumbnails: Dataset) -> None:
    chosen = [0, 3, 6, 9, 12, 15, 1, 4, 2, 5]
    batches = epoch(maker(thumbnails, examples=chosen, balance="class"))
    assert set(numbers_of(batches)) <= set(chosen)
    assert sorted(np.bincount(batches["label"]).tolist()) == [3, 3, 4]


@pytest.mark.parametrize("given", [{"examples": range(1, 53, 2)}, {"sampling_weights": np.arange(53)}])
def test_workers_share_a_part(thumbnails: Dataset, given: dict[str, Any]) -> None:
    whole = numbers_of(epoch(maker(thumbnails, **given), 2))
    workers = [maker(thumbnails, batch_size=4, shard=(index, 2), **given) for index in range(2)]
    assert len(workers[0].steps) == len(workers[1].steps)
    parts = [numbers_of(epoch(worker, 2)) for worker in workers]
    assert sorted(parts[0] + parts[1]) == sorted(whole)


def test_damaged_examples_of_a_part_are_left_out(tmp_path: Path) -> None:
    folder = build_dataset(tmp_path / "d", {"train": [jpeg_example(i) for i in range(20)]}, shards=1)
    dataset = open_dataset(folder)
    index, shard = dataset.records("train").index, folder / dataset.splits["train"].shards[0].file
    for row in (4, 5):
        with shard.open("r+b") as file:
            file.seek(int(index.offset[row]) + 30)
            file.write(b"damage" * 4)
    chosen = [2, 4, 6, 8, 9, 11]
    made = maker(dataset, examples=chosen, on_error="skip", image_size=(8, 8), batch_size=4)
    expected = numbers_of(epoch(maker(dataset, examples=[c for c in chosen if c != 4], image_size=(8, 8))))
    assert sorted(numbers_of(epoch(made))) == sorted(expected)
    assert dataset.skipped == {"train": 1}


def test_pipelines_of_parts_in_tensorflow(thumbnails: Dataset) -> None:
    """Its length is known; a start resumes it; worker processes make the same batches."""
    weights = np.arange(53.0)
    given: dict[str, Any] = {
        **RAW,
        "batch_size": 5,
        "seed": 4,
        "examples": range(30),
        "sampling_weights": weights,
    }
    pipeline = make_pipeline(thumbnails, "train", **given)
    assert pipeline.cardinality() == 6
    epochs = [[key for batch in pipeline for key in batch["key"].numpy()] for _ in range(2)]
    assert [len(keys) for keys in epochs] == [30, 30]
    resumed = make_pipeline(thumbnails, "train", start=(1, 2), **given)
    assert [key for batch in resumed for key in batch["key"].numpy()] == epochs[1][10:]


def test_a_run_only_goes_on_with_the_same_choice(thumbnails: Dataset) -> None:
    made = [
        maker(thumbnails, **given).choice.identity()
        for given in ({}, {"examples": [1, 2]}, {"examples": [2, 1]}, {"sampling_weights": np.arange(53)})
    ]
    assert made[0] == {}
    assert made[1] == maker(thumbnails, examples=np.array([1, 2], np.uint8)).choice.identity()
    assert len({str(identity) for identity in made}) == 4


def test_mixing_within_a_part(thumbnails: Dataset) -> None:
    """Partners are of the same batch, and so of the part."""
    chosen = [0, 3, 6, 9]  # all of class 0
    batches = epoch(maker(thumbnails, examples=chosen, augment=[MixUp()]))
    assert np.array_equal(batches["label"], [[1, 0, 0]] * 4)
