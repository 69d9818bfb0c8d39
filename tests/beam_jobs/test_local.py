"""The local run, with Beam and worker processes."""

from pathlib import Path

import psutil
import pytest
from typing_extensions import override

from fitfeed.beam_jobs import convert
from fitfeed.beam_jobs.progress import NoProgress
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import ConversionError


@pytest.mark.slow
def test_local_run_opens_no_port(few_photos: Path, tmp_path: Path) -> None:
    watch = _PortWatch()
    convert(few_photos, tmp_path / "dataset", ConvertOptions(encoding="raw", size=(8, 8)), progress=watch)
    assert watch.looked > 0
    assert watch.opened == set()


@pytest.mark.slow
def test_an_error_of_a_step_has_its_own_lines(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ConversionError("the disk is full:", "  a\nb.jpg [while running away]", "Make room.")

    monkeypatch.setattr("fitfeed.beam_jobs.pipeline.publish", fail)
    with pytest.raises(ConversionError) as raised:
        convert(few_photos, tmp_path / "dataset", ConvertOptions(encoding="raw", size=(8, 8)))
    assert raised.value.args == ("the disk is full:", r"  a\nb.jpg [while running away]", "Make room.")


@pytest.mark.slow
def test_a_notebook_keeps_no_temporary_folder(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, Beam does not remove the folder that it makes for each pipeline."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("apache_beam.pipeline.is_in_ipython", lambda: True)
    convert(few_photos, tmp_path / "dataset", ConvertOptions(encoding="raw", size=(8, 8)))
    assert not [*(tmp_path / "temporary").glob("beam-*")]


def _listening_ports() -> set[int]:
    return {c.laddr.port for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN}


class _PortWatch(NoProgress):
    def __init__(self) -> None:
        self._before = _listening_ports()
        self.opened: set[int] = set()
        self.looked = 0

    @override
    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        self.looked += 1
        self.opened |= _listening_ports() - self._before
