"""Groups and class shares: nothing crosses, shares are exact, and little moves when images are added."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.group_leaks import check_groups
from fitfeed.converters.sources.splits import by_split
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.errors import SplitLeakError, UsageError
from fitfeed.schemas.features import LabelKind, PlannedLabel

SHARES = {"train": 0.7, "validation": 0.2, "test": 0.1}


def example_table(
    classes: Sequence[int],
    *,
    groups: Sequence[str] | None = None,
    splits: Sequence[str | None] | None = None,
    kind: LabelKind = "class",
) -> ExampleTable:
    return ExampleTable(
        files=FileColumns.of(SourceFile(f"{i}.jpg", 1, 0) for i in range(len(classes))),
        labels={"label": list(classes)},
        features={"label": PlannedLabel(kind=kind, class_names=["a", "b", "c"])},
        splits=Categories.of(splits or [None] * len(classes)),
        groups=None if groups is None else list(groups),
    )


def split_of_each(found: ExampleTable, options: ConvertOptions, *, allow_leaks: bool = False) -> list[str]:
    places = by_split(found, options, allow_leaks=allow_leaks)
    assert sorted(place for chosen in places.values() for place in chosen) == list(range(len(found.files)))
    names = {place: name for name, chosen in places.items() for place in chosen}
    return [names[place] for place in range(len(found.files))]


@given(st.lists(st.sampled_from("pqrstuv"), min_size=1, max_size=60), st.integers(0, 9))
def test_no_group_is_in_two_splits(groups: list[str], seed: int) -> None:
    options = ConvertOptions(split=SHARES, group="who", seed=seed)
    splits = split_of_each(example_table([0] * len(groups), groups=groups), options)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))
    later = split_of_each(example_table([0] * (len(groups) + 1), groups=[*groups, "w"]), options)
    assert later[:-1] == splits  # a new group moves no other


@given(st.lists(st.integers(0, 2), min_size=1, max_size=80), st.integers(0, 9))
def test_every_class_has_its_share_in_every_split(classes: list[int], seed: int) -> None:
    options = ConvertOptions(split=SHARES, stratify=True, seed=seed)
    splits = split_of_each(example_table(classes), options)
    counts = Counter(zip(classes, splits, strict=True))
    for number, count in Counter(classes).items():
        for name, share in SHARES.items():
            assert abs(counts[number, name] - count * share) < 1


@given(st.lists(st.integers(0, 2), min_size=1, max_size=80), st.integers(0, 2), st.integers(0, 9))
def test_another_class_moves_nothing(classes: list[int], number: int, seed: int) -> None:
    options = ConvertOptions(split=SHARES, stratify=True, seed=seed)
    before = split_of_each(example_table(classes), options)
    after = split_of_each(example_table([*classes, number]), options)
    moved = [i for i, name in enumerate(before) if after[i] != name]
    assert all(classes[i] == number for i in moved)
    assert len(moved) <= 2 * (len(SHARES) - 1)  # at each cut, the new one and at most one beside it


def test_groups_of_folders_or_columns_are_checked() -> None:
    found = example_table(
        [0] * 5, groups=["p", "q", "p", "r", "q"], splits=["train", "train", "test", "test", "test"]
    )
    options = ConvertOptions(group="patient", split_column="set")
    message = r"column 'patient' that are in two splits: 2 of 3; nothing.*\n  'p': 1 in train, 1 in test\n  'q': 1 in train, 1 in test\n"
    with pytest.raises(SplitLeakError, match=message) as caught:
        by_split(found, options, allow_leaks=False)
    assert caught.value.exit_status == 4
    assert set(split_of_each(found, options, allow_leaks=True)) == {"train", "test"}


@given(st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from(["train", "test", "b"])), min_size=2))
def test_without_the_listed_images_each_group_is_in_one_split(rows: list[tuple[str, str]]) -> None:
    groups, splits = [row[0] for row in rows], [row[1] for row in rows]
    keys = [f"{place}.jpg" for place in range(len(rows))]
    assume(len(set(splits)) > 1)
    left_out: set[str] = set()
    try:
        check_groups(keys, groups, splits, ConvertOptions(group="who"), allow_leaks=False)
    except SplitLeakError as error:
        left_out = set(error.details["images"])
        assert left_out
    held = [(row, key) for row, key in zip(rows, keys, strict=True) if key not in left_out]
    assert {group for (group, _), _ in held} == set(groups)
    for group in set(groups):
        places = {split for (name, split), _ in held if name == group}
        assert len(places) == 1  # that with most of it, the first in the usual order
        counts = {split: rows.count((group, split)) for split in set(splits)}
        assert counts[places.pop()] == max(counts.values())


def test_groups_from_paths_are_named_by_their_option() -> None:
    found = example_table([0] * 2, groups=["p", "p"], splits=["train", "test"])
    with pytest.raises(SplitLeakError, match=r"groups of --group-from 'x' that are in two splits: 1 of 1"):
        by_split(found, ConvertOptions(group_from="x"), allow_leaks=False)
    with pytest.raises(UsageError, match="--group-from 'x' keeps groups out of two splits"):
        by_split(example_table([0], groups=["p"]), ConvertOptions(group_from="x"), allow_leaks=False)


def test_options_without_anything_to_work_on() -> None:
    with pytest.raises(UsageError, match="there is only one split"):
        by_split(example_table([0, 1], groups=["p", "q"]), ConvertOptions(group="who"), allow_leaks=False)
    options = ConvertOptions(split=SHARES, stratify=True)
    with pytest.raises(UsageError, match=r"one class.*label:multiclass"):
        by_split(example_table([0], kind="multiclass"), options, allow_leaks=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stratify": True}, "--stratify gives every class the shares of --split"),
        ({"stratify": True, "split": SHARES, "group": "a"}, "--stratify and --group contradict"),
        ({"group_from": "[", "split": SHARES}, r"--group-from takes a regular expression.*Received: '\['"),
        ({"group_from": "a", "group": "b"}, "--group b and --group-from both say"),
        ({"group_from": "a", "split": SHARES, "stratify": True}, "--stratify and --group-from contradict"),
        ({"split": SHARES, "split_column": "a"}, "--split and --split-column a contradict"),
    ],
)
def test_combinations_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConvertOptions(**options)  # type: ignore[arg-type]
