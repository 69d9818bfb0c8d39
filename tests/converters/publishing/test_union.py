"""A dataset with all that a conversion adds to it is described as if it had been made at once."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.publishing.union import write_union
from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import SourceRoot
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import AppendTarget, Job
from fitfeed.schemas.features import FOLDER_LABELS, LabelKind, MaskFeature, PlannedLabel
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.storage.local import LocalPlace
from tests.converters.handmade import EVERY_KIND, NO_COPIES, SHARDS, Example, job_of, result_of
from tests.folders import path_of

IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
COPIES = {"within": 3, "label_conflicts": 1, "across_splits": 2, "dropped": 5}
Split = Sequence[Sequence[Example]]
TRAIN = [[Example()]]


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    """The folder of a job."""
    work = WorkFolder(LocalPlace(tmp_path / "dataset"), "job")
    work.begin()
    return work


def unite(
    work: WorkFolder,
    job: Job,
    splits: Mapping[str, Split],
    base: BaseDataset | None = None,
    listed: Sequence[Reject] = (),
    copies: Mapping[str, int] = NO_COPIES,
) -> Manifest:
    """Adds shards whose names continue those that are there."""
    held = {} if base is None else base.manifest.splits
    added = {}
    for name, shards in splits.items():
        first = len(held[name].shards) if name in held else 0
        added[name] = [
            result_of(job, f"{name}-{number}.tfrecord", examples)
            for number, examples in enumerate(shards, start=first)
        ]
    step = "old" if base is None else "new"
    return write_union(
        work.root,
        job,
        base,
        added,
        listed,
        copies,
        index_name=lambda name: f"{name}.{step}.arrow",
        rejects_name=f"rejects.{step}.jsonl",
    ).manifest


def opened(work: WorkFolder, manifest: Manifest) -> BaseDataset:
    """The dataset, to append to."""
    kinds: Mapping[str, LabelKind] = manifest.features.label_kinds
    indexes = {
        name: Index(path_of(work.root) / split.index.file, kinds) for name, split in manifest.splits.items()
    }
    return BaseDataset(work.root, manifest, indexes, [])


def facts(manifest: Manifest) -> dict[str, Any]:
    """All but the names and digests of the files that an append writes anew."""
    content = manifest.to_dict()
    del content["fingerprint"], content["rejects_file"]
    for split in content["splits"].values():
        del split["index"]["file"]
    return content


@IN_ONE_FOLDER
@given(SHARDS, st.dictionaries(st.sampled_from(["train", "validation"]), SHARDS))
def test_an_append_is_as_if_made_at_once(work: WorkFolder, before: Split, added: Mapping[Any, Split]) -> None:
    assume(any(before))
    job = job_of({}, kinds=EVERY_KIND)
    base = opened(work, unite(work, job, {"train": before}, copies=COPIES))
    united = unite(work, job, added, base, copies=COPIES)
    whole = {**added, "train": [*before, *added.get("train", [])]}
    splits = {name: whole[name] for name in ("train", "validation") if name in whole}
    at_once = unite(work, job, splits, copies={name: 2 * count for name, count in COPIES.items()})
    assert facts(united) == facts(at_once)


@IN_ONE_FOLDER
@given(SHARDS, SHARDS)
def test_counts_of_all_examples(work: WorkFolder, train: Split, test: Split) -> None:
    assume(any(train))
    manifest = unite(work, job_of({}, kinds=EVERY_KIND), {"train": train, "test": test})
    examples = [each for shards in (train, test) for shard in shards for each in shard]
    assert manifest.depths == Counter(each.depth for each in examples)
    assert list(manifest.depths) == sorted(manifest.depths)
    assert manifest.profiles == Counter(each.profile for each in examples if each.profile is not None)
    values: Counter[int] = Counter()
    for each in examples:
        values[each.label] += each.height * each.width
    mask = manifest.features.labels["région"]
    assert isinstance(mask, MaskFeature)
    assert mask.values == values
    pixels = np.concatenate(
        [np.full(each.height * each.width, each.value) for shard in train for each in shard]
    )
    assert manifest.statistics.mean == pytest.approx([pixels.mean()] * 3)
    assert manifest.statistics.std == pytest.approx([pixels.std()] * 3, abs=1e-9)
    assert manifest.statistics.images == sum(map(len, train))


def test_an_append_of_nothing_but_rejects(work: WorkFolder) -> None:
    job = job_of({})
    base = opened(work, unite(work, job, {"train": TRAIN}))
    features = {"label": PlannedLabel(kind="class", class_names=["daisy", "rose", "tulip", "zinnia"])}
    reject = Reject("a.jpg", "corrupt", "no end")
    later = dataclasses.replace(job, features=features)
    manifest = unite(work, later, {}, base, [reject])
    assert manifest.splits == base.manifest.splits
    assert manifest.class_names == ["daisy", "rose", "tulip"]  # no example of the fourth has joined
    assert manifest.rejects == {"corrupt": 1}


def test_new_classes_have_no_example_before(work: WorkFolder) -> None:
    job = job_of({})
    base = opened(work, unite(work, job, {"train": TRAIN, "test": TRAIN}))
    names = ["daisy", "rose", "tulip", "aster"]
    features = {"label": PlannedLabel(kind="class", class_names=names, class_order="given")}
    later = dataclasses.replace(job, features=features)
    manifest = unite(work, later, {"test": [[Example(label=2)]]}, base)
    assert manifest.class_names == names
    assert manifest.splits["train"].class_counts == [1, 0, 0, 0]
    assert manifest.splits["test"].class_counts == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("wanted", "added", "described"),
    [
        ("test", {"test": TRAIN}, "test"),
        ("train", {"train": TRAIN}, "train"),  # it is new, and takes precedence
        ("train", {"validation": TRAIN}, "test"),  # nothing of it could be converted
        ("train", {}, "test"),
    ],
)
def test_the_split_that_the_statistics_describe(
    work: WorkFolder, wanted: str, added: dict[str, Split], described: str
) -> None:
    base = opened(work, unite(work, job_of({}, statistics_split="test"), {"test": [[Example(), Example()]]}))
    manifest = unite(work, job_of({}, statistics_split=wanted), added, base)
    assert manifest.statistics.split == described
    assert manifest.statistics.images == manifest.splits[described].examples


def test_the_list_of_rejects_is_written_and_counted(work: WorkFolder) -> None:
    listed = [
        Reject("b.jpg", "corrupt", "ü is broken"),
        Reject("a.jpg", "duplicate", "has the same pixels", "ignored"),
        Reject("c.jpg", "bomb", "is large"),
        Reject("d.jpg", "corrupt", "is broken"),
    ]
    manifest = unite(work, job_of({}), {"train": TRAIN}, listed=listed)
    data = (path_of(work.root) / "rejects.old.jsonl").read_bytes()
    lines = [json.loads(line) for line in data.decode().splitlines()]
    assert lines == [dataclasses.asdict(listed[number]) for number in (1, 0, 2, 3)]  # by path
    entry = manifest.rejects_file
    assert (entry.bytes, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert list(manifest.rejects.items()) == [("bomb", 1), ("corrupt", 2)]
    assert manifest.ignored == 1


def test_sources_are_named_without_their_places(work: WorkFolder) -> None:
    roots = [
        SourceRoot(number=0, name="photos", kind="folder", folder="/home/me/photos"),
        SourceRoot(number=1, name="ä b", kind="dataset", folder="/x", prefix="ä b/"),
    ]
    manifest = unite(work, job_of({}, sources=roots), {"train": TRAIN})
    assert [each.model_dump() for each in manifest.sources] == [
        {"name": "photos", "kind": "folder", "uri": None},
        {"name": "ä b", "kind": "dataset", "uri": None},
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_an_append_keeps_sources_and_options(work: WorkFolder, number: int) -> None:
    base = opened(work, unite(work, job_of({}, files=3, source_digest="1" * 64), {"train": TRAIN}))
    assert base.manifest.source.model_dump() == {"files": 3, "digest": "1" * 64}
    later = job_of(
        {},
        ConvertOptions(shards=9),
        files=1,
        sources=[SourceRoot(number=number, name="x", kind="table", folder="/elsewhere")],
        source_digest="2" * 64,
        base=AppendTarget(fingerprint=base.manifest.fingerprint, source_files=4, retried=[]),
    )
    manifest = unite(work, later, {"train": TRAIN}, base)
    assert manifest.sources[0] == base.manifest.sources[0]
    assert [source.name for source in manifest.sources[1:]] == ["x"] * number
    assert manifest.options == base.manifest.options
    assert manifest.source.model_dump() == {"files": 4, "digest": "2" * 64}


@pytest.mark.parametrize(
    ("given_options", "dtype", "shape", "encoding"),
    [
        ({}, "uint8", (None, None, 3), "keep"),
        ({"channels": 1, "size": (4, 6)}, "uint8", (None, None, 1), "jpeg"),
        ({"size": (4, 6), "fit": "contain", "encoding": "png"}, "uint8", (4, 6, 3), "png"),
        ({"size": (2, 3), "encoding": "raw", "depth": 16}, "uint16", (2, 3, 3), "raw"),
    ],
)
def test_the_feature_of_images(
    work: WorkFolder, given_options: dict[str, Any], dtype: str, shape: tuple[Any, ...], encoding: str
) -> None:
    job = job_of({}, ConvertOptions(**given_options), FOLDER_LABELS)
    image = unite(work, job, {"train": TRAIN}).features.image
    assert (image.dtype, image.shape, image.encoding) == (dtype, shape, encoding)


def test_the_largest_value_is_of_all_splits_with_16_bits(work: WorkFolder) -> None:
    job = job_of({}, ConvertOptions(depth=16))
    splits: dict[str, Split] = {"train": [[Example(value=9)]], "test": [[Example(value=4095)]], "empty": []}
    assert unite(work, job, splits).largest_value == 4095
    assert unite(work, job_of({}), {"train": TRAIN}).largest_value is None


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        unite(WorkFolder(LocalPlace(tmp_path / "file"), "job"), job_of({}), {"train": TRAIN})
