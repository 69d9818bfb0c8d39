"""A store that does not do what it must publishes nothing: it ignores conditions, or takes less than it is given."""

from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import RemoteError, UsageError
from fitfeed.schemas.manifest import MANIFEST_NAME
from fitfeed.schemas.storage import store
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.tfds_info import TFDS_NAMES
from tests.beam_jobs.draw import draw
from tests.beam_jobs.test_datasets_in_stores import OPTIONS, stored
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw(tmp_path / "photos", range(6))


@pytest.fixture
def place() -> Place:
    return memory_place()


@pytest.mark.parametrize("answer", ["ignores them", "refuses them"])
def test_a_store_without_conditions(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    put = obstore.put

    def unconditional(*arguments: Any, mode: object = None, **named: Any) -> Any:
        if answer == "refuses them" and mode is not None:
            raise GenericError("Server returned non-2xx status code: 501 Not Implemented")
        return put(*arguments, **named)

    monkeypatch.setattr(obstore, "put", unconditional)
    with pytest.raises(UsageError, match=r"cannot write to DATASET memory:.*on a condition.*If-None-Match"):
        convert(photos, str(place), OPTIONS)
    assert stored(place) == {}


@pytest.mark.parametrize(
    "name",
    [
        "train-00001-of-00002.tfrecord",
        "train.index.arrow",
        "rejects.jsonl",
        "duplicates.arrow",
        "sources.arrow",
        "manifest.json",
        "features.json",
        "dataset_info.json",
    ],
)
@pytest.mark.parametrize("overwrite", [False, True], ids=["new", "overwrite"])
def test_a_store_that_takes_less_without_an_error_is_named(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch, name: str, overwrite: bool
) -> None:
    (photos / "cat" / "bad.png").write_bytes(b"no picture")
    if overwrite:
        convert(photos, str(place), ConvertOptions(shards=2, size=(3, 3)), max_bad=1)
    put = obstore.put
    replaced = overwrite and not name.endswith(".json")  # the others are staged, and copied by the store
    folder = "shards/" if replaced and name.startswith("train-") else ""

    def less(client: Any, key: str, content: Any, **named: Any) -> Any:
        is_it = key.endswith(f"/{folder}{name}") and (
            replaced == (".work/" in key) or name == "sources.arrow"
        )
        if is_it:
            content = (content if isinstance(content, bytes) else content.read_bytes())[:-1]
        return put(client, key, content, **named)

    monkeypatch.setattr(obstore, "put", less)
    with pytest.raises(RemoteError, match=r"\d+ bytes were put, and the object has \d+") as caught:
        convert(photos, str(place), OPTIONS, max_bad=1, overwrite=overwrite)
    assert caught.value.exit_status == 6
    assert (MANIFEST_NAME in stored(place)) == (overwrite or name in ("manifest.json", *TFDS_NAMES))
    monkeypatch.undo()
    convert(photos, str(place), OPTIONS, max_bad=1, overwrite=overwrite or name == "manifest.json")
    assert verify_dataset(str(place)).ok


def test_what_is_put_in_parts_is_not_read_where_the_answer_names_it_otherwise(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some servers answer with another ETag than a listing has."""
    put, get = obstore.put, obstore.get
    read: list[str] = []

    def otherwise(client: Any, key: str, content: Any, **named: Any) -> Any:
        answer = put(client, key, content, **named)
        return {**answer, "e_tag": '"complete"'} if isinstance(content, Path) else answer

    def noted(client: Any, key: str, **named: Any) -> Any:
        read.append(key)
        return get(client, key, **named)

    monkeypatch.setattr(store, "PART_BYTES", 16)
    monkeypatch.setattr(obstore, "put", otherwise)
    monkeypatch.setattr(obstore, "get", noted)
    convert(photos, str(place), OPTIONS)
    assert not [key for key in read if key.endswith((".tfrecord", ".index.arrow"))]
    assert verify_dataset(str(place)).ok
