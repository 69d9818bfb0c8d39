"""What stands out: each sentence comes with its cause, and not without."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.report.duplicate_pairs import Pairs
from fitfeed.report.facts import Drift
from fitfeed.report.findings import findings
from fitfeed.schemas.manifest import Manifest
from tests.without_beam import convert


@pytest.fixture(scope="module")
def manifest(few_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return convert(few_photos, tmp_path_factory.mktemp("findings") / "out").manifest


SAME: dict[str, Any] = {
    "name": "test",
    "other": "train",
    "missing": [],
    "classes": 0.05,
    "brightness": 0.2,
    "pixels": 1.2,
}


@pytest.mark.parametrize(
    ("different", "sentence"),
    [
        ({"missing": ["rose"]}, "test has no example of rose, and train has."),
        ({"missing": list("abcdefg")}, "test has no example of a, b, c, d, e and 2 more, and train has."),
        ({"classes": 0.25}, "The shares of the classes in test and train differ by 25%."),
        ({"brightness": -0.75}, "Images of test are darker than those of train, by 0.8 of their deviation."),
        ({"brightness": 2.0}, "Images of test are brighter than those of train, by 2.0 of their deviation."),
        ({"pixels": 0.5}, "The median image of test has 0.5 times the pixels of that of train."),
        ({"pixels": 4.0}, "The median image of test has 4 times the pixels of that of train."),
    ],
)
def test_a_split_that_differs(manifest: Manifest, different: dict[str, Any], sentence: str) -> None:
    quiet = findings(manifest, [Drift(**SAME)], [])
    assert findings(manifest, [Drift(**{**SAME, **different})], []) == [sentence, *quiet]


def test_classes_and_copies(manifest: Manifest) -> None:
    split = manifest.splits["train"]
    uneven = split.model_copy(update={"class_counts": [80, 1]})
    empty = split.model_copy(update={"class_counts": [8, 0]})
    twice = manifest.duplicates.model_copy(update={"across_splits": 2, "label_conflicts": 3})
    assert findings(manifest, [], []) == []
    (line,) = findings(manifest.model_copy(update={"splits": {"train": uneven}}), [], [])
    assert line.startswith("The largest class of train has 80 examples, the smallest 1: see class_weight")
    assert findings(manifest.model_copy(update={"splits": {"train": empty}}), [], []) == [
        f"train has no example of {manifest.class_names[1]}."
    ]
    leaks, conflicts = findings(manifest.model_copy(update={"duplicates": twice}), [], [])
    assert leaks.startswith("2 examples have the pixels of an example of another split")
    assert conflicts.startswith("3 examples")


def test_damage_is_said_first(manifest: Manifest) -> None:
    lines = findings(manifest, [Drift(**{**SAME, "pixels": 9.0})], ["a.tfrecord: example 3"])
    assert lines[0] == "An example is damaged: a.tfrecord: example 3"


def test_what_looks_alike(manifest: Manifest) -> None:
    pairs = Pairs([], {"near_split_leak": 2, "near_duplicate": 28}, alike=8, alike_across=1)
    leak, alike = findings(manifest, [], [], pairs)
    assert leak.startswith("1 example looks like one of another split: if they show the same thing")
    assert alike.startswith("8 examples look like another one of the split.")
    some = pairs._replace(complete=False)
    assert findings(manifest, [], [], some) == [f"at least {leak}", f"at least {alike}"]
    assert findings(manifest, [], [], Pairs([], {"duplicate": 3})) == []


@pytest.mark.parametrize(
    ("counts", "sentences"),
    [
        ({"within": 1}, ["1 example has the pixels of another one of the split: `--duplicates drop`"]),
        ({"within": 5, "label_conflicts": 2}, ["2 examples have the pixels of an", "3 examples have the"]),
        (
            {"within": 2, "label_conflicts": 2},
            ["2 examples have the pixels of an example with another label"],
        ),
    ],
)
def test_a_copy_is_named_once(manifest: Manifest, counts: dict[str, int], sentences: list[str]) -> None:
    twice = manifest.duplicates.model_copy(update=counts)
    lines = findings(manifest.model_copy(update={"duplicates": twice}), [], [])
    assert len(lines) == len(sentences)
    assert all(line.startswith(begin) for line, begin in zip(lines, sentences, strict=True))
