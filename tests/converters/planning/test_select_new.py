"""Which files are new, and in what others differ from their examples."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.planning import select_new as module
from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.planning.example_places import find_places
from fitfeed.converters.planning.select_new import select_new
from fitfeed.converters.planning.source_listing import list_files
from fitfeed.converters.source_file import Comparison
from fitfeed.converters.sources.splits import PlacesOfSplits
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from tests.converters.planning.held import OneFile, held_dataset, listed

HELD = [OneFile("b"), OneFile("a"), OneFile("c", split="test"), OneFile("d", animal="hen", tags=())]


@pytest.fixture
def base(tmp_path: Path) -> BaseDataset:
    return held_dataset(tmp_path, HELD)


def select(base: BaseDataset, files: list[OneFile], monkeypatch: pytest.MonkeyPatch) -> PlacesOfSplits:
    """Without looking at contents."""
    compared: list[list[int]] = []

    def compare(*_: object, images: Any, **__: object) -> Comparison:
        compared.append([place for some in images for place in some.tolist()])
        return Comparison(times=len(compared[0]))

    monkeypatch.setattr(module, "compare_files", compare)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    table, splits = listed(files)
    places = find_places(table.files.keys, base.indexes)
    new, comparison = select_new(base, table, splits, list_files([], table), places, None)
    assert comparison.times == len(files) - sum(map(len, new.values()))
    assert sorted([*compared[0], *(place for some in new.values() for place in some.tolist())]) == list(
        range(len(files))
    )
    return new


def test_what_is_not_in_the_dataset_is_new(base: BaseDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    assert select(base, HELD, monkeypatch) == {}
    more = [OneFile("0", split="other"), *HELD, OneFile("e", split="test"), OneFile("f", split="test")]
    new = select(base, more, monkeypatch)
    assert {split: some.tolist() for split, some in new.items()} == {"test": [5, 6], "other": [0]}
    assert list(new) == ["test", "other"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bytes": 8}, "bytes 7, now 8"),
        ({"split": "test"}, "split train, now test"),
        ({"split": "other"}, "split train, now other"),
        ({"source": 1}, "source 0, now 1"),
        ({"animal": "dog"}, "animal cat, now dog"),
        ({"tags": ("cat",)}, "tags ['cat', 'hen'], now ['cat']"),
        ({"age": 4}, "age 3, now 4"),
        ({"weight": 0.2, "age": 4}, "age 3, now 4; weight 0.1, now 0.2"),
        ({"eyes": (1.0, 3.0)}, "eyes [1.0, 2.5], now [1.0, 3.0]"),
        ({"note": "Brot"}, "note Käse, now Brot"),
    ],
)
def test_what_differs_is_said(
    base: BaseDataset, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    files = [HELD[0], dataclasses.replace(HELD[1], **change), *HELD[2:]]
    with pytest.raises(UsageError, match="1 files in SOURCE have the path of an example") as error:
        select(base, files, monkeypatch)
    assert error.value.args[1] == f"  a: {said}"


def test_only_some_are_named(base: BaseDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [dataclasses.replace(file, bytes=8) for file in HELD]
    with pytest.raises(UsageError, match="4 files in SOURCE") as error:
        select(base, files, monkeypatch)
    assert [line.partition(":")[0] for line in error.value.args[1:4]] == ["  b", "  a", "  d"]


def test_a_class_that_does_not_exist_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = held_dataset(tmp_path, HELD)
    labels: Any = base.manifest.features.labels["animal"]
    shorter = labels.model_copy(update={"class_names": ["cat", "dog"]})
    monkeypatch.setitem(base.manifest.features.__pydantic_extra__, "animal", shorter)
    with pytest.raises(
        DamagedDatasetError,
        match=r"train\.index\.arrow gives row 2 a class of 'animal' that is not one of 0 to 1\. Received: 2\.",
    ):
        select(base, HELD, monkeypatch)
