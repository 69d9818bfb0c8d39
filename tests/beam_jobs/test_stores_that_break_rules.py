"""A store that does not do what it must publishes nothing: it ignores conditions, or takes less than it is given."""

from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.exceptions import GenericError

from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import ConversionError, OvertakenError, UsageError
from fitfeed.schemas.manifest import MANIFEST_NAME
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.test_datasets_in_stores import OPTIONS, draw, stored
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


@pytest.mark.parametrize("name", ["train-00001-of-00002.tfrecord", "train.index.arrow", "rejects.jsonl"])
def test_a_store_that_takes_less_without_an_error_publishes_nothing(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (photos / "cat" / "bad.png").write_bytes(b"no picture")
    put = obstore.put

    def less(client: Any, key: str, content: Any, **named: Any) -> Any:
        if key.endswith(f"flowers/{name}"):
            content = content.read_bytes()[:-1]
        return put(client, key, content, **named)

    monkeypatch.setattr(obstore, "put", less)
    with pytest.raises((ConversionError, OvertakenError), match="Run the same command again"):
        convert(photos, str(place), OPTIONS, max_bad=1)
    assert MANIFEST_NAME not in stored(place)
    monkeypatch.undo()
    convert(photos, str(place), OPTIONS, max_bad=1)
    assert verify_dataset(str(place)).ok
