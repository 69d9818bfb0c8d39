"""The moves that make a dataset of finished files: names, order, and what happens when they are repeated."""

from pathlib import Path

import pytest

from fitfeed.converters.staging.commit import (
    STAGED_REJECTS,
    join_dataset,
    replace_dataset,
    settle_names,
    staged_index,
)
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, fingerprint_of, read_manifest
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.tfds_info import TFDS_NAMES, tfds_files
from tests.folders import contents, path_of

GOLDEN = next((Path(__file__).parents[2] / "golden").glob("version-2-16-bits-tfrecord"))


@pytest.fixture
def manifest() -> Manifest:
    """Of some complete dataset with one split."""
    return read_manifest(GOLDEN)


@pytest.fixture
def work(tmp_path: Path) -> WorkFolder:
    """The folder of a job, and a dataset beside it."""
    work = WorkFolder(LocalPlace(tmp_path / "dataset"), "job")
    work.begin()
    path_of(work.kept).mkdir()
    return work


def staged(manifest: Manifest) -> Manifest:
    """The same dataset under the names that an append gives its files first."""

    def under(entry: File, name: str) -> File:
        return entry.model_copy(update={"file": name})

    splits = {
        name: split.model_copy(update={"index": under(split.index, staged_index(name))})
        for name, split in manifest.splits.items()
    }
    changes = {"splits": splits, "rejects_file": under(manifest.rejects_file, STAGED_REJECTS)}
    renamed = manifest.model_copy(update=changes)
    return renamed.model_copy(update={"fingerprint": fingerprint_of(renamed)})


def dataset_files(work: WorkFolder) -> dict[str, bytes]:
    return {
        name: data for name, data in contents(path_of(work.dataset)).items() if not name.startswith(".work")
    }


def fill(work: WorkFolder, manifest: Manifest) -> None:
    """Lays a job's files where a conversion leaves them."""
    for entry in manifest.files():
        shard = entry.file.endswith(manifest.shard_extension)
        ((path_of(work.shards) if shard else path_of(work.root)) / entry.file).write_bytes(
            b"new " + entry.file.encode()
        )


def test_a_dataset_is_replaced(work: WorkFolder, manifest: Manifest) -> None:
    fill(work, manifest)
    first = next(iter(manifest.splits.values())).shards[0].file
    (path_of(work.kept) / first).write_bytes(b"without duplicates")
    old = ["train-00000-of-00009.tfrecord", "test.index.arrow", STAGED_REJECTS, MANIFEST_NAME, "notes.txt"]
    for name in old:
        (path_of(work.dataset) / name).write_bytes(b"old")
    replace_dataset(work, manifest)
    expected = {entry.file: b"new " + entry.file.encode() for entry in manifest.files()}
    expected |= {
        first: b"without duplicates",
        "notes.txt": b"old",
        MANIFEST_NAME: manifest.to_json().encode(),
        **tfds_files(manifest),
    }
    assert dataset_files(work) == expected
    (path_of(work.kept) / first).write_bytes(b"without duplicates")
    replace_dataset(work, manifest)  # after an interruption
    assert dataset_files(work) == expected


def test_an_append_changes_no_file_that_the_old_manifest_names(work: WorkFolder, manifest: Manifest) -> None:
    split = manifest.splits["train"]
    had = manifest.model_copy(
        update={"splits": {"train": split.model_copy(update={"shards": split.shards[:1]})}}
    )
    for entry in had.files():
        (path_of(work.dataset) / entry.file).write_bytes(b"old")
    union = staged(manifest)
    fill(work, union)
    join_dataset(work, union, had, identity=None)
    found = dataset_files(work)
    assert {found[entry.file] for entry in had.files()} == {b"old"}
    assert found[split.shards[1].file] == b"new " + split.shards[1].file.encode()
    assert found[STAGED_REJECTS] == b"new " + STAGED_REJECTS.encode()
    assert found[MANIFEST_NAME].decode() == union.to_json()
    assert not set(TFDS_NAMES) & set(found)  # they come when all has its name


def test_settled_names_are_those_of_every_dataset(work: WorkFolder, manifest: Manifest) -> None:
    union = staged(manifest)
    for entry in union.files():
        (path_of(work.dataset) / entry.file).write_bytes(b"new " + entry.file.encode())
    (path_of(work.dataset) / "train.index.arrow").write_bytes(b"old")
    (path_of(work.dataset) / "train-00007-of-00009.tfrecord").write_bytes(b"of an append that was given up")
    (path_of(work.dataset) / "other-00000-of-00001.tfrecord").write_bytes(b"somebody's own")
    settled = settle_names(work.dataset, union, identity=None)
    assert settled.model_copy(update={"fingerprint": manifest.fingerprint}) == manifest
    assert settled.fingerprint == fingerprint_of(settled)
    shards = [shard.file for shard in manifest.splits["train"].shards]
    assert dataset_files(work) == {
        **{name: b"new " + name.encode() for name in shards},
        "train.index.arrow": b"new " + staged_index("train").encode(),
        "rejects.jsonl": b"new " + STAGED_REJECTS.encode(),
        "other-00000-of-00001.tfrecord": b"somebody's own",
        MANIFEST_NAME: settled.to_json().encode(),
        **tfds_files(settled),
    }
    assert settle_names(work.dataset, settled, identity=None) == settled


@pytest.mark.parametrize("name", TFDS_NAMES)
def test_a_settled_dataset_gets_its_files_for_tfds_back(
    work: WorkFolder, manifest: Manifest, name: str
) -> None:
    """After a death between the manifest and these files."""
    path_of(work.dataset).joinpath(MANIFEST_NAME).write_text(manifest.to_json())
    expected = tfds_files(manifest)
    (path_of(work.dataset) / name).write_bytes(expected[name].replace(b'"train', b'"older'))
    assert settle_names(work.dataset, manifest, identity=None) == manifest
    assert {name: dataset_files(work)[name] for name in TFDS_NAMES} == expected


def test_who_loses_leaves_no_files_for_tfds(work: WorkFolder, manifest: Manifest) -> None:
    fill(work, manifest)

    def won() -> None:
        path_of(work.dataset).joinpath(MANIFEST_NAME).write_text("of another launch")

    with pytest.raises(FileExistsError):
        replace_dataset(work, manifest, require_ours=won)
    assert not set(TFDS_NAMES) & set(dataset_files(work))
