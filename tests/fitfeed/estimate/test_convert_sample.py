"""What is read from the conversion of a sample."""

from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.estimate import convert_sample as module
from fitfeed.estimate.compare import compare
from fitfeed.estimate.convert_sample import convert_sample, seconds_per_image
from fitfeed.estimate.feeding import shorter_side
from fitfeed.estimate.sample import SourceSample, take_sample
from fitfeed.estimate.ways import Way
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import UsageError
from tests.fitfeed.estimate.here_pool import HerePool
from tests.without_beam import convert


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes take half a second to start."""
    monkeypatch.setattr(module, "ShardPool", HerePool)


@pytest.fixture
def sample(few_photos: Path, tmp_path: Path) -> SourceSample:
    """All eight photographs, so that what is found is the truth."""
    return take_sample(str(few_photos), tmp_path / "sample", count=16, singles=2)


@pytest.mark.parametrize(
    "way",
    [
        Way(encoding="keep"),
        Way(encoding="jpeg", quality=50),
        Way(encoding="png", side=40),
        Way(encoding="raw", side=24),
    ],
)
def test_bytes_are_those_of_a_conversion(
    sample: SourceSample, way: Way, few_photos: Path, tmp_path: Path
) -> None:
    converted = convert_sample(sample, way, tmp_path / "dataset", workers=1)
    options = way.options()
    convert(few_photos, tmp_path / "truth", options, labels="none")
    truth = sum(split.bytes for split in open_dataset(tmp_path / "truth").splits.values())
    assert sum(converted.image_bytes) == pytest.approx(truth, rel=0.01)
    assert all(seconds > 0 for seconds in converted.image_s)
    assert (converted.parts, converted.rejected) == (sample.parts, 0)
    assert not (tmp_path / "dataset" / ".work").exists()


def test_what_cannot_be_converted_is_counted_and_takes_no_bytes(
    few_photos: Path, tmp_path: Path, sample: SourceSample
) -> None:
    good = convert_sample(sample, Way(encoding="keep"), tmp_path / "good", workers=1)
    (next((sample.folder / "part1").iterdir())).write_bytes(b"no picture")
    found = convert_sample(sample, Way(encoding="keep"), tmp_path / "dataset", workers=1)
    assert found.rejected == 1
    assert found.parts == [part for part in sample.parts if part != "part1"]
    assert found.image_bytes[1] < good.image_bytes[1] / 10


def test_nothing_but_rubbish_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.jpg").write_bytes(b"no picture")
    sample = take_sample(str(tmp_path / "source"), tmp_path / "sample", count=16, singles=2)
    with pytest.raises(UsageError, match="none of the 1 images of the sample can be converted"):
        convert_sample(sample, Way(encoding="keep"), tmp_path / "dataset", workers=1)


def test_what_jpeg_loses_is_told_from_the_original_at_that_size(sample: SourceSample, tmp_path: Path) -> None:
    datasets = {}
    for name, way in {
        "png": Way(encoding="png", side=64),
        "fine": Way(encoding="jpeg", side=64, quality=95),
        "coarse": Way(encoding="jpeg", side=64, quality=20),
    }.items():
        datasets[name] = convert_sample(sample, way, tmp_path / name, workers=1).dataset
    fine, coarse, equal = (
        compare(datasets[name], datasets["png"], sample.parts) for name in ("fine", "coarse", "png")
    )
    assert fine.psnr is not None
    assert coarse.psnr is not None
    assert coarse.psnr + 3 < fine.psnr < 60
    assert fine.ssim is not None
    assert coarse.ssim is not None
    assert 0.5 < coarse.ssim < fine.ssim < 1
    assert equal.psnr is None
    assert shorter_side(datasets["png"], sample.parts) == 64


def test_a_shard_itself_does_not_count() -> None:
    """12 images of 5 ms, in shards that take 20 ms besides."""
    assert seconds_per_image([(12, 0.080), (6, 0.050)], 0.025) == pytest.approx([0.005, 0.005])


def test_of_one_image_nothing_is_subtracted() -> None:
    assert seconds_per_image([(1, 0.03), (2, 0.02)], 0.025) == pytest.approx([0.03, 0.01])


def test_options_are_those_of_convert() -> None:
    assert Way(encoding="raw", side=24).options() == ConvertOptions(encoding="raw", size=(24, 24))
