"""The whole, without processes: the benchmark's smoke run and the page of the documentation have them."""

from pathlib import Path

import pytest

from fitfeed.estimate import convert_sample as module
from fitfeed.estimate import run as run_module
from fitfeed.estimate.run import STEPS, run_estimate
from fitfeed.estimate.start import ConversionStart
from fitfeed.schemas.errors import UsageError
from tests.fitfeed.estimate.here_pool import HerePool
from tests.photos import copy_photos

START = ConversionStart(seconds=7.0, is_measured=True)


@pytest.mark.slow
def test_every_way_is_measured(clothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ShardPool", HerePool)
    monkeypatch.setattr(run_module, "conversion_start", lambda folder: START)
    source = copy_photos(clothing / "train", tmp_path / "source", ("dress", "pants"), count=8)
    next((source / "dress").iterdir()).write_bytes(b"no picture")
    steps: list[str] = []
    estimate = run_estimate(
        str(source), samples=32, sides=[64], image_size=(48, 48), seconds=0.1, progress=steps.append
    )
    assert sorted(set(steps), key=STEPS.index) == list(STEPS)
    assert steps == sorted(steps, key=STEPS.index)
    assert (estimate.sample.images, estimate.sample.copied, estimate.rejected) == (16, 16, 1)
    found = {(each.way.encoding, each.way.side): each for each in estimate.predictions}
    assert list(found) == [("keep", None), ("jpeg", None), ("jpeg", 64), ("png", 64), ("raw", 64)]
    assert found["raw", 64].bytes.value == pytest.approx(15 * 64 * 64 * 3, rel=0.05)
    for each in estimate.predictions:
        for interval in (each.bytes, each.seconds, each.images_per_second):
            assert 0 < interval.low <= interval.value <= interval.high
        assert each.seconds.low > estimate.start.seconds == 7.0
        assert (each.psnr is None) == (each.way.encoding != "jpeg")


def test_temporary_files_are_removed_after_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr(module, "ShardPool", HerePool)
    monkeypatch.setattr(run_module, "conversion_start", lambda folder: START)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(UsageError, match="can be converted"):
        run_estimate(str(tmp_path / "source"))
    assert list(temporary.iterdir()) == []
