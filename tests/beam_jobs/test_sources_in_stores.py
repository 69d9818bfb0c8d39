"""The same images, in a folder or in a store, give the same dataset."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.beam_jobs import plan_conversion
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.reading.sources_reader import SourcesReader
from fitfeed.converters.shards import write_shard as write_shard_module
from fitfeed.converters.source_file import SourceRoot
from fitfeed.converters.verify import verify_dataset
from fitfeed.output.summary import up_to_date_line
from fitfeed.schemas.errors import NotFoundError, TooManyRejectsError, UsageError
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.side_tables import read_sources
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Place
from tests.deep import png
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert


def fill(folder: Path) -> Path:
    """Eight images in two classes, and what is ignored beside them."""
    for number in range(8):
        name = folder / ("cat", "dog")[number % 2] / f"{number}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_bytes(png(np.full((4, 5, 3), number * 20, np.uint8)))
    (folder / "cat" / "note.txt").write_text("x")
    (folder / "dog" / ".hidden").write_text("x")
    return folder


def upload(folder: Path) -> Place:
    place = memory_place()  # called as the folder is: names of sources are in the manifest
    for path in folder.rglob("*"):
        if path.is_file():
            place.write(path.relative_to(folder).as_posix(), path.read_bytes())
    return place


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return fill(tmp_path / "flowers")


def content(dataset: Path) -> dict[str, Any]:
    """All that must be the same: not the hash of the address, and not what only saves work."""
    files = {path.name: path.read_bytes() for path in dataset.iterdir() if path.name != "sources.arrow"}
    manifest = json.loads(files.pop("manifest.json"))
    for source in manifest["sources"]:
        source["uri"] = None
    del manifest["fingerprint"]
    return {**files, "manifest": manifest}


def both(photos: Path, **given: Any) -> Path:
    """Converts a folder, and the same in a store."""
    local, far = (photos.parent / name for name in ("local", "far"))
    place = upload(photos)

    def there(value: Any) -> Any:
        if isinstance(value, Path) and value.is_relative_to(photos):
            return str(place.below(value.relative_to(photos).as_posix()))
        return {key: there(each) for key, each in value.items()} if isinstance(value, dict) else value

    source = given.pop("source", photos)
    convert(source, local, **given)
    convert(
        str(place) if source == photos else there(source),
        far,
        **{key: there(each) for key, each in given.items()},
    )
    assert content(far) == content(local)
    assert verify_dataset(far).ok
    return far


def test_class_folders(photos: Path) -> None:
    manifest = read_manifest(both(photos, options=ConvertOptions(shards=2)))
    assert manifest.splits["train"].examples == 8
    assert manifest.sources[0].uri is not None
    text = json.dumps(manifest.model_dump(mode="json"))
    assert "memory://" not in text


def test_tables_lists_and_masks(photos: Path) -> None:
    rows = []
    for number in range(8):
        name = f"{('cat', 'dog')[number % 2]}/{number}.png"
        mask = f"masks/{number}.png"
        (photos / "masks").mkdir(exist_ok=True)
        (photos / mask).write_bytes(png(np.full((4, 5, 1), number, np.uint8)))
        rows.append(f"{name},{number}.5,{mask}\n")
    (photos / "labels.csv").write_text("path,score,region\n" + "".join(rows))
    (photos / "test.txt").write_text("cat/0.png\ndog/1\n")
    (photos / "out.txt").write_text("dog/7.png\n")
    options = ConvertOptions(label_columns=("score:float", "region:mask"))
    both(photos, source=photos / "labels.csv", options=options)
    for name in ("local", "far"):
        shutil.rmtree(photos.parent / name)
    lists = {"test": photos / "test.txt"}
    given: dict[str, Any] = {"split_lists": lists, "leave_out": photos / "out.txt"}
    far = both(photos, labels=photos / "labels.csv", options=options, **given)
    assert {name: split.examples for name, split in read_manifest(far).splits.items()} == {
        "train": 5,
        "test": 2,
    }


def test_masks_by_name(photos: Path) -> None:
    for path in list(photos.rglob("*.png")):
        path.with_name(f"{path.stem}_mask.png").write_bytes(png(np.full((4, 5, 1), 1, np.uint8)))
    both(photos, options=ConvertOptions(mask_from="{dir}/{stem}_mask.png"))


def test_nothing_is_read_of_what_is_the_same(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, dataset = upload(photos), tmp_path / "dataset"
    convert(str(place), dataset)
    known = read_sources(LocalPlace(dataset))
    assert known.column("etag").to_pylist() == [
        place.find(key).identity for key in known.column("key").to_pylist()
    ]
    assert known.column("mtime_ns").to_pylist() == [0] * 8
    read: list[str] = []
    real = type(place).read

    def reading(place: Place, name: str, **given: Any) -> Any:
        read.append(name)
        return real(place, name, **given)

    monkeypatch.setattr(type(place), "read", reading)
    again = convert(str(place), dataset)
    assert again.up_to_date
    assert (
        up_to_date_line("x", again.comparison) == "x is up to date: compared 8 sizes and ETags; nothing to do"
    )
    assert convert(str(place), dataset, append=True).up_to_date
    assert read == []
    assert convert(str(place), dataset, check_content=True).up_to_date
    assert len(read) == 8
    place.write("cat/0.png", (photos / "cat" / "0.png").read_bytes())  # the same bytes: another ETag here
    assert convert(str(place), dataset).up_to_date
    assert read[8:] == ["cat/0.png"]
    assert convert(str(place), dataset).up_to_date  # it is known again
    assert len(read) == 9
    (dataset / "sources.arrow").unlink()
    assert convert(str(place), dataset).up_to_date
    assert len(read) == 17


def test_another_content_of_the_same_size_is_noticed(photos: Path, tmp_path: Path) -> None:
    place, dataset = upload(photos), tmp_path / "dataset"
    convert(str(place), dataset)
    place.write("cat/0.png", (photos / "cat" / "0.png").read_bytes()[:-1] + b"x")
    with pytest.raises(UsageError, match=r"another content now \(1, for example cat/0\.png\)"):
        convert(str(place), dataset)
    with pytest.raises(UsageError, match=r"cat/0\.png: as many bytes, but others"):
        convert(str(place), dataset, append=True)


def test_new_images_are_appended(photos: Path, tmp_path: Path) -> None:
    place, dataset = upload(photos), tmp_path / "dataset"
    convert(str(place), dataset)
    place.write("cat/new.png", png(np.full((4, 5, 3), 250, np.uint8)))
    assert convert(str(place), dataset, append=True).added == {"train": 1}
    assert convert(str(place), dataset, append=True).up_to_date
    assert read_sources(LocalPlace(dataset)).num_rows == 9


@pytest.mark.parametrize("change", ["gone", "other"])
def test_what_changes_after_it_was_planned_is_rejected(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    place, dataset = upload(photos), tmp_path / "dataset"
    real = SourcesReader

    def opening(roots: Iterable[SourceRoot]) -> SourcesReader:
        if change == "gone":
            place.delete("dog/1.png")
        else:
            place.write("dog/1.png", (photos / "dog" / "3.png").read_bytes())
        return real(roots)

    with monkeypatch.context() as patching:
        patching.setattr(write_shard_module, "SourcesReader", opening)
        with pytest.raises(TooManyRejectsError, match="vanished"):
            convert(str(place), dataset)
    assert convert(str(place), dataset).manifest.splits["train"].examples == (7 if change == "gone" else 8)


def test_finished_shards_of_what_has_changed_are_written_again(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, dataset = upload(photos), tmp_path / "dataset"
    place.write("dog/bad.png", b"no image")
    options = ConvertOptions(shards=3)
    with pytest.raises(TooManyRejectsError):
        convert(str(place), dataset, options)
    place.delete("dog/bad.png")
    convert(str(place), dataset, options)
    assert read_manifest(dataset).splits["train"].examples == 8


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    place = memory_place()
    with pytest.raises(NotFoundError, match=f"SOURCE {place} does not exist"):
        plan_conversion(str(place), tmp_path / "dataset")
    with pytest.raises(NotFoundError, match=r"labels\.csv does not exist"):
        plan_conversion(
            str(upload(fill(tmp_path / "flowers"))), tmp_path / "dataset", labels=f"{place}/labels.csv"
        )


def test_a_folder_and_a_store_are_one_dataset(photos: Path, tmp_path: Path) -> None:
    place, dataset = upload(photos), tmp_path / "dataset"
    sources = {"flowers": str(photos), "far": str(place)}
    manifest = convert(sources, dataset).manifest
    assert manifest.splits["train"].examples == 16
    assert [source.uri is None for source in manifest.sources] == [True, False]
    assert convert(sources, dataset).up_to_date
    place.write("cat/0.png", (photos / "cat" / "0.png").read_bytes()[:-1] + b"x")
    with pytest.raises(UsageError, match=r"another content now \(1, for example far/cat/0\.png\)"):
        convert(sources, dataset)
