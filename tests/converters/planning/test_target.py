"""What may be at DATASET before a conversion, and when it has everything already."""

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.planning.target import Target, open_target, require_apart, require_writable
from fitfeed.converters.rejects import Reject
from fitfeed.schemas.errors import (
    DamagedDatasetError,
    FormatVersionError,
    IncompleteDatasetError,
    NotFoundError,
    UsageError,
)
from fitfeed.schemas.files import file_sha256
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.open_file import open_file
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.storage.store_area import StoreWorkArea
from tests.folders import contents
from tests.schemas.storage.places import memory_place
from tests.unsettled import settle, unsettle
from tests.without_beam import convert

SMALL = ConvertOptions(size=(8, 8))


@pytest.fixture(scope="module")
def converted(few_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    dataset = tmp_path_factory.mktemp("converted") / "dataset"
    convert(few_photos, dataset, SMALL)
    return dataset


@pytest.fixture
def dataset(converted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(converted, tmp_path / "dataset"))


def damage(dataset: Path) -> None:
    manifest = dataset / "manifest.json"
    manifest.write_text(manifest.read_text()[:-2])


def of_version_1(dataset: Path) -> None:
    manifest = dataset / "manifest.json"
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**document, "format_version": 1}))


def test_there_is_nothing_yet(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun" / ".work").mkdir(parents=True)
    for name in ("none", "empty", "begun"):
        target = open_target(LocalPlace(tmp_path / name))
        assert (target.seen, target.existing, target.base) == (None, None, None)


def test_a_complete_dataset(dataset: Path) -> None:
    target, base = open_target(LocalPlace(dataset)), open_target(LocalPlace(dataset), append=True)
    assert target.seen == base.seen == file_sha256(dataset / "manifest.json")
    assert target.existing == base.existing
    assert target.existing is not None
    assert target.base is None
    assert base.base is not None
    assert base.base.manifest == base.existing


@pytest.mark.parametrize("overwrite", [False, True])
def test_something_else_is_there(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        open_target(LocalPlace(tmp_path / "file"), overwrite=overwrite)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").touch()
    with pytest.raises(UsageError, match="other files in it"):
        open_target(LocalPlace(tmp_path / "full"), overwrite=overwrite)
    (tmp_path / "full" / "manifest.json").write_text("{}")  # of a web page, say
    with pytest.raises(UsageError if overwrite else DamagedDatasetError):
        open_target(LocalPlace(tmp_path / "full"), overwrite=overwrite)


@pytest.mark.parametrize(
    ("spoil", "error"), [(damage, DamagedDatasetError), (of_version_1, FormatVersionError)]
)
def test_a_dataset_that_cannot_be_read_can_be_replaced(
    dataset: Path, spoil: Callable[[Path], None], error: type[Exception]
) -> None:
    spoil(dataset)
    for append in (False, True):
        with pytest.raises(error):
            open_target(LocalPlace(dataset), append=append)
    assert open_target(LocalPlace(dataset), overwrite=True).existing is None


def test_append_needs_a_complete_dataset(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        open_target(LocalPlace(tmp_path / "none"), append=True)
    (tmp_path / "begun" / ".work").mkdir(parents=True)
    with pytest.raises(IncompleteDatasetError):
        open_target(LocalPlace(tmp_path / "begun"), append=True)
    with pytest.raises(UsageError, match="Give one of them"):
        open_target(LocalPlace(tmp_path / "none"), append=True, overwrite=True)


def test_the_options_of_an_append_are_those_of_the_dataset(dataset: Path) -> None:
    new, more = open_target(LocalPlace(dataset)), open_target(LocalPlace(dataset), append=True)
    assert new.complete(None) == ConvertOptions()
    assert new.complete(SMALL) is SMALL
    assert more.complete(None).size == more.complete(SMALL).size == (8, 8)
    assert more.complete(dataclasses.replace(SMALL, shards=3)).shards == 3
    with pytest.raises(UsageError, match="made with other options: --size"):
        more.complete(ConvertOptions(size=(9, 9)))


def has_all(target: Target, source: Path, options: ConvertOptions = SMALL) -> bool:
    plan = make_plan(source, options, base=target.base, seen=target.seen)
    target.compare(plan)
    return target.has_all_of(plan)


def test_the_same_again_is_up_to_date(few_photos: Path, dataset: Path) -> None:
    assert has_all(open_target(LocalPlace(dataset)), few_photos)
    assert has_all(open_target(LocalPlace(dataset), append=True), few_photos)
    assert not has_all(open_target(LocalPlace(dataset), overwrite=True), few_photos)
    assert not has_all(open_target(LocalPlace(dataset.parent / "none")), few_photos)


@pytest.mark.parametrize("append", [False, True])
def test_an_append_may_settle_while_a_source_is_listed(few_photos: Path, dataset: Path, append: bool) -> None:
    unsettle(dataset)
    target = open_target(LocalPlace(dataset), append=append)
    settle(dataset)
    assert has_all(target, few_photos)
    if not append:
        fewer = Path(shutil.copytree(few_photos, dataset.parent / "photos"))
        next((fewer / "dress").iterdir()).unlink()
        with pytest.raises(UsageError, match="it knows 8 images, SOURCE has 7"):
            has_all(target, fewer)


def test_an_append_may_settle_before_an_index_is_opened(
    few_photos: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settling(place: Place, name: str) -> AbstractContextManager[BufferedReader]:
        settle(dataset)
        return open_file(place, name)

    unsettle(dataset)
    monkeypatch.setattr("fitfeed.converters.planning.base_dataset.open_file", settling)
    assert has_all(open_target(LocalPlace(dataset)), few_photos)


def test_other_options_or_files_are_refused(few_photos: Path, dataset: Path) -> None:
    target = open_target(LocalPlace(dataset))
    with pytest.raises(UsageError, match=r"other options \(quality 90 -> 80\)\. Give --overwrite"):
        has_all(target, few_photos, dataclasses.replace(SMALL, quality=80))
    source = Path(shutil.copytree(few_photos, dataset.parent / "photos"))
    dress = sorted((source / "dress").iterdir())
    dress[0].write_bytes(dress[0].read_bytes()[:-1] + b"\x00")
    with pytest.raises(
        UsageError, match=f"another content now \\(1, for example dress/{dress[0].name}\\)"
    ) as caught:
        has_all(target, source)
    assert caught.value.details == {"changed": {"count": 1, "first": [f"dress/{dress[0].name}"]}}
    dress[0].unlink()
    with pytest.raises(UsageError, match="it knows 8 images, SOURCE has 7") as caught:
        has_all(target, source)
    assert caught.value.args[1:] == (
        f"  1 examples are of files that SOURCE no longer has: dress/{dress[0].name}",
        "Give --overwrite to replace it, or choose another folder.",
    )
    for name in ("new", "newer", "newest", "old"):
        shutil.copyfile(dress[1], source / "dress" / f"{name}.jpg")
    with pytest.raises(UsageError, match="it knows 8 images, SOURCE has 11") as caught:
        has_all(target, source)
    assert caught.value.args[1:] == (
        "  4 images are new: dress/new.jpg, dress/newer.jpg, dress/newest.jpg, ...",
        f"  1 examples are of files that SOURCE no longer has: dress/{dress[0].name}",
        "Give --overwrite to replace it, --append to add the new images, or choose another folder.",
    )
    assert caught.value.details == {
        "new": {"count": 4, "first": ["dress/new.jpg", "dress/newer.jpg", "dress/newest.jpg"]},
        "gone": {"count": 1, "first": [f"dress/{dress[0].name}"]},
        "resized": {"count": 0, "first": []},
    }
    (source / "dress" / "old.jpg").rename(source / dress[0].relative_to(source))
    with pytest.raises(UsageError, match="it knows 8 images, SOURCE has 11") as caught:
        has_all(target, source)
    assert caught.value.args[2:] == (
        f"  1 images have another size now: dress/{dress[0].name}",
        "Give --overwrite to replace it, or choose another folder.",
    )


def test_a_new_reject_is_news(few_photos: Path, dataset: Path) -> None:
    target = open_target(LocalPlace(dataset), append=True)
    plan = make_plan(few_photos, SMALL, base=target.base, seen=target.seen)
    reject = Reject("dress/notes.txt", "not_an_image", "text")
    bad = dataclasses.replace(plan, job=dataclasses.replace(plan.job, rejects=[reject]))
    assert not target.has_all_of(bad)
    assert target.base is not None
    target.base.rejects.append(reject)
    assert target.has_all_of(bad)


def test_dataset_and_source_are_apart(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    source.mkdir()
    (tmp_path / "link").symlink_to(source)
    for folder in (source, source / "dataset", tmp_path, tmp_path / "link" / "dataset"):
        with pytest.raises(UsageError, match="must not contain each other"):
            require_apart(LocalPlace(folder), LocalPlace(source))
    require_apart(LocalPlace(tmp_path / "photos 2"), LocalPlace(source))


def test_a_folder_to_write_to(tmp_path: Path) -> None:
    require_writable(LocalPlace(tmp_path / "a" / "b"))
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(UsageError, match="Not a directory"):
        require_writable(LocalPlace(tmp_path / "file" / "dataset"))
    with pytest.raises(UsageError, match="File exists"):
        require_writable(LocalPlace(tmp_path / "link"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="Permission denied"):
        require_writable(LocalPlace(tmp_path / "dataset"))


@pytest.fixture
def in_store(dataset: Path) -> Place:
    place = memory_place()
    for name, content in contents(dataset).items():
        place.write(name, content)
    return place


@pytest.mark.parametrize("append", [False, True], ids=["compare", "append"])
def test_of_a_dataset_in_a_store_nothing_else_is_listed(
    in_store: Place, monkeypatch: pytest.MonkeyPatch, append: bool
) -> None:
    """Listing may be forbidden to who may read and write."""
    asked: list[str] = []
    for name in ("is_empty", "is_file"):

        def note(self: StoreWorkArea, name: str = name) -> bool:
            asked.append(name)
            return False

        monkeypatch.setattr(StoreWorkArea, name, note)
    assert open_target(in_store, append=append).existing is not None
    assert asked == ([] if append else ["is_file"])


def test_a_dataset_that_is_published_between_two_looks(
    in_store: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, _ = in_store.read("manifest.json", at_most=1 << 20)
    in_store.delete("manifest.json")
    is_empty = StoreWorkArea.is_empty

    def publish(self: StoreWorkArea) -> bool:
        in_store.write("manifest.json", content)
        return is_empty(self)

    monkeypatch.setattr(StoreWorkArea, "is_empty", publish)
    target = open_target(in_store)
    assert target.existing is not None
    assert target.seen == hashlib.sha256(content).hexdigest()
