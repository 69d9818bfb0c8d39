"""Runs on Beam's other runners."""

from pathlib import Path

import pytest

from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import UsageError
from tests.folders import contents


def test_another_runner_gives_the_same_dataset(clothing: Path, tmp_path: Path) -> None:
    options = ConvertOptions(encoding="raw", size=(16, 16))
    convert(clothing / "test", tmp_path / "local", options)
    reports: list[tuple[int, int, int]] = []

    class Progress:
        def start(self, *, images: int, shards: int) -> None:
            pass

        def update(self, images: int, rejects: int, source_bytes: int) -> None:
            reports.append((images, rejects, source_bytes))

    convert(
        clothing / "test", tmp_path / "beam", options, runner="BundleBasedDirectRunner", progress=Progress()
    )
    assert contents(tmp_path / "beam") == contents(tmp_path / "local")
    assert reports[-1][:2] == (66, 0)


@pytest.mark.parametrize("runner", ["DirectRunner", "directrunner"])
def test_direct_runner_is_answered_with_a_hint(clothing: Path, tmp_path: Path, runner: str) -> None:
    with pytest.raises(UsageError, match="Use --runner local"):
        convert(clothing, tmp_path / "dataset", runner=runner)


def test_unknown_runner(clothing: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="NoSuchRunner"):
        convert(clothing, tmp_path / "dataset", runner="NoSuchRunner")
    assert not (tmp_path / "dataset").exists()
