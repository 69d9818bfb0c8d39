"""A shard in a store that is replaced while the next launch runs is never published."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.publishing import publish as publishing
from fitfeed.converters.staging import commit
from fitfeed.converters.staging.staging import Staging
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import ConversionError, OvertakenError
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.draw import draw
from tests.beam_jobs.test_datasets_in_stores import OPTIONS
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw(tmp_path / "photos", range(6))


@pytest.fixture
def place() -> Place:
    return memory_place()


@pytest.mark.parametrize("before", ["require_files_of", "find_duplicates"])
@pytest.mark.parametrize("overwrite", [False, True], ids=["new", "overwrite"])
def test_a_finished_shard_that_is_replaced_is_noticed(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch, before: str, overwrite: bool
) -> None:
    """A shard of an earlier launch is compared at the beginning, and may be replaced hours later, before publication."""
    given: dict[str, Any] = {"overwrite": overwrite}
    shard = "train-00000-of-00002.tfrecord"
    if overwrite:
        convert(photos, str(place), ConvertOptions(shards=3))
        monkeypatch.setattr(commit, "put_manifest", _interrupted)
    else:
        monkeypatch.setattr(Staging, "commit_new", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert(photos, str(place), OPTIONS, **given)
    monkeypatch.undo()
    original = getattr(publishing, before)

    def late(*arguments: Any) -> Any:
        data, _ = place.read(shard, at_most=1 << 20)
        place.write(shard, bytes(len(data)))
        return original(*arguments)

    monkeypatch.setattr(publishing, before, late)
    with pytest.raises((ConversionError, OvertakenError)):
        convert(photos, str(place), OPTIONS, **given)
    monkeypatch.undo()
    convert(photos, str(place), OPTIONS, **given)
    assert verify_dataset(str(place)).ok


def _interrupted(*arguments: object, **named: object) -> None:
    raise KeyboardInterrupt
