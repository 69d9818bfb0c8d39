"""What the page counts, against NumPy over the pictures themselves."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.report.facts import (
    Example,
    Outlier,
    SplitFacts,
    drifts,
    index_tables,
    outliers,
    samples_of_classes,
    split_facts,
)
from tests.labelled import make_source, options
from tests.without_beam import convert

LEVELS = {"train/day": (200, 220, 240), "train/night": (10, 20, 30, 40), "test/day": (90, 100)}
SIZES = {200: (40, 20), 10: (10, 40), 100: (16, 16)}


def picture(level: int) -> Image.Image:
    """Gray, of its own level and size, with two pixels that are others: no two are duplicates."""
    made = Image.new("L", SIZES.get(level, (20, 20)), level)
    made.putpixel((0, 0), 255 - level)
    made.putpixel((level % 7 + 1, 3), 0)
    return made


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("facts")
    for folder, levels in LEVELS.items():
        (root / "source" / folder).mkdir(parents=True)
        for level in levels:
            picture(level).save(root / "source" / folder / f"{level}.png")
    convert(root / "source", root / "out")
    return open_dataset(root / "out")


def facts_of(dataset: Dataset, split: str) -> SplitFacts:
    return split_facts(split, dataset.splits[split], dataset.index(split))


def samples(dataset: Dataset, split: str, *, each: int) -> list[list[Example]]:
    return samples_of_classes(index_tables(dataset), dataset.manifest, split, each=each)


def mean(level: int) -> float:
    return float(np.asarray(picture(level), np.float64).mean())


def key(dataset: Dataset, example: Example) -> str:
    return dataset.records(example.split).index.key(example.row)


def test_a_split_is_counted(dataset: Dataset) -> None:
    facts = facts_of(dataset, "train")
    means = [mean(level) for level in (200, 220, 240, 10, 20, 30, 40)]
    assert facts.mean_brightness == pytest.approx(np.mean(means), abs=0.01)
    assert facts.deviation_of_brightness == pytest.approx(np.std(means), abs=0.01)
    assert facts.brightness.tolist() == np.histogram(means, 64, (0, 256))[0].tolist()
    assert sorted(facts.sizes) == [(10, 40, 1), (20, 20, 5), (40, 20, 1)]
    assert (facts.aspects[0], facts.aspects[20], facts.aspects[30], facts.aspects.sum()) == (1, 5, 1, 7)
    assert facts.median_pixels == 400
    assert facts.formats == {"PNG": 7}
    assert facts.class_shares.tolist() == pytest.approx([3 / 7, 4 / 7])


def test_splits_are_compared_with_the_training_split(dataset: Dataset) -> None:
    facts = [facts_of(dataset, split) for split in dataset.splits]
    (drift,) = drifts(facts, dataset.class_names, of="train")
    assert (drift.name, drift.other, drift.missing) == ("test", "train", ["night"])
    assert drift.classes == pytest.approx(4 / 7)
    bright, others = [mean(90), mean(100)], [mean(level) for level in (200, 220, 240, 10, 20, 30, 40)]
    spread = np.sqrt((np.var(bright) + np.var(others)) / 2)
    assert drift.brightness == pytest.approx((np.mean(bright) - np.mean(others)) / spread, abs=0.001)
    assert drift.pixels == pytest.approx((400 + 256) / 2 / 400)


def test_the_ends_are_found_over_all_splits(dataset: Dataset) -> None:
    found = outliers(index_tables(dataset), count=2)
    named = {kind: [(key(dataset, each.example), each.value) for each in of] for kind, of in found.items()}
    assert [name for name, _ in named["darkest"]] == ["train/night/10.png", "train/night/20.png"]
    assert [name for name, _ in named["brightest"]] == ["train/day/240.png", "train/day/220.png"]
    assert named["widest"][0] == ("train/day/200.png", "40 x 20")
    assert named["tallest"][0] == ("train/night/10.png", "10 x 40")
    assert named["fewest pixels"][0] == ("test/day/100.png", "16 x 16")
    assert named["most pixels"][0] == ("train/day/200.png", "40 x 20")
    assert float(named["darkest"][0][1]) == pytest.approx(mean(10), abs=0.06)
    assert all(isinstance(each, Outlier) for of in found.values() for each in of)


def test_where_all_are_the_same_none_is_at_an_end(gray: Path) -> None:
    """All images of it have one size, and different pixels."""
    assert list(outliers(index_tables(open_dataset(gray)), count=2)) == ["darkest", "brightest", "flattest"]


def test_samples_are_of_their_class_and_the_same_each_time(dataset: Dataset) -> None:
    chosen = samples(dataset, "train", each=3)
    assert chosen == samples(dataset, "train", each=3)
    for name, examples in zip(dataset.class_names, chosen, strict=True):
        assert len(examples) == 3
        assert all(key(dataset, example).startswith(f"train/{name}/") for example in examples)
    assert [len(of) for of in samples(dataset, "test", each=8)] == [2, 0]


def test_many_sizes_are_joined_on_a_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fitfeed.report.facts.MAX_SIZES", 2)
    (tmp_path / "source").mkdir()
    for side in (79, 80, 40, 20):
        Image.effect_noise((side, side), side).save(tmp_path / "source" / f"{side}.png")
    convert(tmp_path / "source", tmp_path / "out", labels="none")
    facts = facts_of(open_dataset(tmp_path / "out"), "train")
    assert sorted(facts.sizes) == [(20, 20, 1), (40, 40, 1), (80, 80, 2)]
    assert facts.class_shares.tolist() == []
    (examples,) = samples(open_dataset(tmp_path / "out"), "train", each=3)
    assert len(examples) == 3


def test_samples_of_images_with_several_classes_have_their_class(tmp_path: Path) -> None:
    flowers = {flower.path: flower.labels["tags"] for flower in make_source(tmp_path)}
    tags = dataclasses.replace(options("tfrecord"), label_columns=("tags:multiclass",))
    convert(tmp_path / "labels.csv", tmp_path / "out", tags)
    dataset = open_dataset(tmp_path / "out")
    for each in (2, 99):
        chosen = samples(dataset, "train", each=each)
        counts = dataset.splits["train"].class_counts
        for name, count, examples in zip(dataset.class_names, counts, chosen, strict=True):
            assert len(set(examples)) == len(examples) == min(each, count)
            assert all(name in flowers[key(dataset, example)] for example in examples)
