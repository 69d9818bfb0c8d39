"""Launches of a job on an engine that is stopped where a test wants, and what is there afterwards."""

from pathlib import Path
from typing import Any

from fitfeed.beam_jobs import ConversionResult
from fitfeed.beam_jobs import convert as convert_anywhere
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.staging.staging import Staging
from fitfeed.schemas.side_tables import SIDE_TABLES
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.stepped_engine import SteppedEngine
from tests.without_beam import convert as convert_here

OPTIONS = ConvertOptions(shards=3)
OTHER = ConvertOptions(shards=3, size=(3, 3))
RUNNER = "Stepped"


def stored(place: Place) -> dict[str, bytes]:
    return {
        found.name: place.read(found.name, at_most=found.bytes)[0]
        for found in place.files(deep=True)
        if found.name not in SIDE_TABLES
    }


def launch(photos: Path, place: Place, options: ConvertOptions = OPTIONS, **given: Any) -> ConversionResult:
    return convert_anywhere(photos, str(place), options, **{"runner": RUNNER, **given})


def left_at(engine: SteppedEngine, stage: str, photos: Path, place: Place, **given: Any) -> ConversionResult:
    """A job that was started, reached a stage, and whose command is gone."""
    engine.stop_at = stage
    result = launch(photos, place, detach=True, **given)
    assert engine.jobs[-1].stopped.wait(60)
    return result


def require_clean(photos: Path, place: Place, options: ConvertOptions, expected: dict[str, bytes]) -> None:
    """All is as after one local run, once the next command has answered that nothing is to be done."""
    assert convert_here(photos, str(place), options).up_to_date
    assert stored(place) == expected
    assert not Staging(place).root.exists()
