"""Several sources that become one dataset: their numbers, names, keys and classes."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitfeed import open_dataset, plan_conversion
from fitfeed.converters.shards import write_shard as write_shard_module
from fitfeed.converters.shards.writers import open_writer
from fitfeed.converters.sources.given_source import GivenSource, Sources
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import SplitLeakError, TooManyRejectsError, UsageError
from fitfeed.schemas.index import open_index
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.storage.local import LocalPlace
from tests.without_beam import convert


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 7, 3), np.uint8)).save(path)


def folder(path: Path, *names: str, seed: int = 0) -> Path:
    """Images of these paths, no two of them equal, and none equal to one of another seed."""
    for number, name in enumerate(names):
        picture(path / name, 1000 * seed + number)
    return path


def table(path: Path, rows: dict[str, str], *, seed: int) -> Path:
    """A table beside its images: path and label."""
    folder(path, *rows, seed=seed)
    lines = [f"{name},{label}\n" for name, label in rows.items()]
    (path / "labels.csv").write_text("path,label\n" + "".join(lines))
    return path / "labels.csv"


def examples(dataset: Path) -> dict[str, tuple[int, str, str]]:
    """Key to number of the source, path and class."""
    opened, found = open_dataset(dataset), {}
    for split in opened.splits:
        manifest = read_manifest(dataset)
        index = open_index(dataset, manifest.splits[split].index.file, manifest.features.label_kinds)
        for row in range(len(index)):
            name = manifest.class_names[index.labels["label"][row]]
            found[index.key(row)] = (int(index.source[row]), index.path(row), name)
    return found


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """A folder, a table and a dataset."""
    first = folder(tmp_path / "photos", "cat/1.png", "dog/2.png", seed=1)
    second = table(tmp_path / "site", {"1.png": "ant", "x/2.png": "cat"}, seed=2)
    convert(folder(tmp_path / "more", "bee/1.png", "dog/1.png", seed=3), tmp_path / "old")
    return [first, second, tmp_path / "old"]


MERGED = {
    "cat/1.png": (0, "cat/1.png", "cat"),
    "dog/2.png": (0, "dog/2.png", "dog"),
    "site/1.png": (1, "1.png", "ant"),
    "site/x/2.png": (1, "x/2.png", "cat"),
    "old/bee/1.png": (2, "bee/1.png", "bee"),
    "old/dog/1.png": (2, "dog/1.png", "dog"),
}


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_a_folder_a_table_and_a_dataset(three: list[Path], tmp_path: Path, format_: str) -> None:
    done = convert(three, tmp_path / "all", {"format": format_})
    assert examples(tmp_path / "all") == MERGED
    assert done.manifest.class_names == ["ant", "bee", "cat", "dog"]
    assert [(each.name, each.kind) for each in done.manifest.sources] == [
        ("photos", "folder"),
        ("site", "table"),
        ("old", "dataset"),
    ]
    assert verify_dataset(tmp_path / "all").ok
    again = convert(three, tmp_path / "all", {"format": format_})
    assert again.up_to_date
    assert convert(three, tmp_path / "all", {"format": format_}, check_content=True).up_to_date


def test_one_after_the_other_gives_the_same_examples(three: list[Path], tmp_path: Path) -> None:
    convert(three[0], tmp_path / "all")
    for number in (1, 2):
        assert convert(three[number], tmp_path / "all", append=True).added == {"train": 2}
        assert convert(three[number], tmp_path / "all", append=True).up_to_date
    found = examples(tmp_path / "all")
    assert found == MERGED
    assert read_manifest(tmp_path / "all").class_names == ["cat", "dog", "ant", "bee"]
    assert verify_dataset(tmp_path / "all").ok
    both = convert(three, tmp_path / "all", append=True)
    assert both.up_to_date
    assert both.gone.count == 0


def test_names_are_given_or_those_of_folders(three: list[Path], tmp_path: Path) -> None:
    given: Sources = {"a": three[0], "b": three[1]}
    manifest = convert(given, tmp_path / "all").manifest
    assert [source.name for source in manifest.sources] == ["a", "b"]
    assert set(examples(tmp_path / "all")) == {"cat/1.png", "dog/2.png", "b/1.png", "b/x/2.png"}


def test_equal_names_are_refused_with_what_to_write(tmp_path: Path) -> None:
    one, two = (folder(tmp_path / site / "frames", "a/1.png", seed=n) for n, site in enumerate(("x", "y")))
    with pytest.raises(UsageError, match="2 sources are called 'frames'") as caught:
        plan_conversion([one, two], tmp_path / "all")
    assert f"Give each a name: frames1={one} frames2={two}." in str(caught.value)
    with pytest.raises(UsageError, match="2 sources are called 'frames'"):
        plan_conversion([one, one], tmp_path / "all")


def test_keys_that_could_be_equal_are_refused(tmp_path: Path) -> None:
    first = folder(tmp_path / "photos", "cat/1.png", "site/1.png", seed=1)
    second = folder(tmp_path / "site", "cat/1.png", seed=2)
    with pytest.raises(UsageError, match=f"Give it another name: site2={second}"):
        plan_conversion([first, second], tmp_path / "all")
    convert(first, tmp_path / "all")
    with pytest.raises(UsageError, match=f"the dataset has keys that begin so, too.*site2={second}"):
        plan_conversion(second, tmp_path / "all", append=True)


def test_labels_of_different_kinds_are_refused(tmp_path: Path) -> None:
    first = folder(tmp_path / "photos", "cat/1.png", seed=1)
    second = table(tmp_path / "site", {"1.png": "3", "2.png": "4"}, seed=2)
    old = tmp_path / "old"
    convert(second, old, {"label_columns": ("label:float",)})
    message = "photos has the labels label:class, and old has the labels label:float"
    with pytest.raises(UsageError, match=message):
        plan_conversion([first, old], tmp_path / "all")


def test_an_error_says_in_which_source_it_is(tmp_path: Path) -> None:
    first = folder(tmp_path / "photos", "cat/1.png", seed=1)
    flat = folder(tmp_path / "flat", "1.png", seed=2)
    with pytest.raises(UsageError, match=f"SOURCE {flat}: no image is in a class folder") as caught:
        plan_conversion([first, flat], tmp_path / "all")
    assert f"give the folder, and then DATASET: fitfeed convert {tmp_path} DATASET" in str(caught.value)
    with pytest.raises(UsageError, match=f"a pattern such as {tmp_path}/"):
        plan_conversion([first, flat], folder(tmp_path / "other", "1.png"))


def test_rejects_and_lists_use_the_key(tmp_path: Path) -> None:
    first = folder(tmp_path / "photos", "cat/1.png", "cat/2.png", seed=1)
    second = folder(tmp_path / "site", "cat/1.png", "cat/2.png", "cat/3.png", seed=2)
    (second / "cat" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (second / "top.png").write_bytes((second / "cat" / "2.png").read_bytes())
    (tmp_path / "out.txt").write_text("site/cat/3.png\n")
    convert([first, second], tmp_path / "all", max_bad=2, leave_out=tmp_path / "out.txt")
    lines = (tmp_path / "all" / "rejects.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["path"] for line in lines) == [
        "site/cat/1.png",
        "site/cat/3.png",
        "site/top.png",
    ]


def test_copies_and_leaks_are_found_across_sources(tmp_path: Path) -> None:
    first = folder(tmp_path / "photos", "train/cat/1.png", "train/cat/2.png", seed=1)
    second = folder(tmp_path / "site", "test/cat/1.png", seed=1)
    with pytest.raises(SplitLeakError, match=r"site/test/cat/1\.png"):
        convert([first, second], tmp_path / "all")
    third = folder(tmp_path / "again", "train/cat/1.png", seed=1)
    done = convert([first, third], tmp_path / "copies", {"duplicates": "drop"}).manifest
    assert (done.splits["train"].examples, done.duplicates.dropped) == (2, 1)


def test_a_source_that_was_moved_is_the_same_source(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos", "cat/1.png", "cat/2.png", seed=1)
    site = folder(tmp_path / "site", "cat/1.png", "cat/2.png", seed=2)
    convert([photos, site], tmp_path / "all")
    for number, path in enumerate((photos, site)):
        moved = path.rename(tmp_path / f"moved {path.name}")
        picture(moved / "cat" / "new.png", 500 + number)
        done = convert(moved, tmp_path / "all", append=True)
        assert done.added == {"train": 1}
        assert "further source" not in str(done.warnings)
    found = examples(tmp_path / "all")
    assert found["cat/new.png"][0] == 0
    assert found["site/cat/new.png"][0] == 1
    assert len(read_manifest(tmp_path / "all").sources) == 2


def test_a_further_source_is_said_to_be_one_unless_its_name_is_given(tmp_path: Path) -> None:
    photos, site = (folder(tmp_path / name, "cat/1.png", seed=n) for n, name in enumerate(("photos", "site")))
    convert(photos, tmp_path / "all")
    planned = plan_conversion(site, tmp_path / "all", append=True)
    assert planned.plan.warnings[:1] == [
        f"{site} is a further source of the dataset, and its keys begin with site/; if it is the source photos in another "
        f"place, write photos={site}"
    ]
    named = plan_conversion({"site": site}, tmp_path / "all", append=True)
    assert "further source" not in str(named.plan.warnings)
    with pytest.raises(UsageError, match="have the path of an example"):
        plan_conversion({"photos": site}, tmp_path / "all", append=True)


def test_a_changed_file_of_any_source_is_named_by_its_key(three: list[Path], tmp_path: Path) -> None:
    convert(three, tmp_path / "all")
    picture(tmp_path / "site" / "x" / "2.png", 77)
    with pytest.raises(UsageError, match=r"site/x/2\.png"):
        convert(three, tmp_path / "all")


def test_masks_and_several_classes_are_merged(tmp_path: Path) -> None:
    sources: list[Any] = []
    for number, tags in enumerate((["a", "c"], ["b"], ["c", "a"])):
        place = folder(tmp_path / f"s{number}", "1.png", seed=number)
        Image.fromarray(np.full((6, 7), number, np.uint8)).save(place / "m.png")
        row = {"path": "1.png", "tags": tags, "lesion": "m.png"}
        (place / "t.jsonl").write_text(json.dumps(row) + "\n")
        sources.append(place / "t.jsonl")
    columns = {"label_columns": ("tags:multiclass", "lesion:mask")}
    convert(sources[2], tmp_path / "s2 stored", columns)
    sources[2] = GivenSource(LocalPlace(tmp_path / "s2 stored"), "s2")
    manifest = convert(sources, tmp_path / "all", columns).manifest
    records = open_dataset(tmp_path / "all").records("train")
    found = {
        records[i]["key"]: (records[i]["tags"].tolist(), int(records[i]["lesion"].max())) for i in range(3)
    }
    assert manifest.features.labels["tags"].class_names == ["a", "b", "c"]  # type: ignore[union-attr]
    assert found == {"1.png": ([0, 2], 0), "s1/1.png": ([1], 1), "s2/1.png": ([0, 2], 2)}
    assert convert(sources, tmp_path / "all", columns).up_to_date


def test_a_merge_that_is_stopped_continues_to_the_same_bytes(
    three: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = convert(three, tmp_path / "whole", {"shards": 4}).manifest
    real, written = open_writer, list[Path]()

    def stopping(path: Path, *arguments: Any) -> Any:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        return real(path, *arguments)

    monkeypatch.setattr(write_shard_module, "open_writer", stopping)
    with pytest.raises(KeyboardInterrupt):
        convert(three, tmp_path / "all", {"shards": 4})
    monkeypatch.undo()
    done = convert(three, tmp_path / "all", {"shards": 4})
    assert done.reused_shards == 2
    assert done.manifest == whole


def test_what_is_said_of_one_source_is_refused_for_several(three: list[Path], tmp_path: Path) -> None:
    again = "fitfeed convert .* DATASET --append"
    with pytest.raises(
        UsageError, match=f"--labels is about one SOURCE, and there are 3.*{again} --labels TABLE"
    ):
        plan_conversion(three, tmp_path / "all", labels="t.csv")
    with pytest.raises(UsageError, match=f"--split-list is about one SOURCE.*{again} --split-list NAME=FILE"):
        plan_conversion(three, tmp_path / "all", split_lists={"test": "t.txt"})
    named = {"a": three[0], "b c": three[1]}
    with pytest.raises(UsageError) as caught:
        plan_conversion(named, tmp_path / "all", labels="t.csv")
    for name, path in named.items():
        assert f"fitfeed convert {shlex.quote(f'{name}={path}')} DATASET" in str(caught.value)


def test_a_source_without_its_only_image_is_an_error_of_rejects(tmp_path: Path) -> None:
    first = folder(tmp_path / "photos", "cat/1.png", seed=1)
    second = tmp_path / "site" / "cat"
    second.mkdir(parents=True)
    (second / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(TooManyRejectsError, match=r"site/cat/1\.png"):
        convert([first, second.parent], tmp_path / "all")
