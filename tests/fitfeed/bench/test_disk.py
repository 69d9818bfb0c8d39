"""The disk is asked, and memory too."""

from pathlib import Path

from fitfeed.bench import disk
from fitfeed.pipelines import Dataset


def test_the_disk_is_asked(photos: Dataset) -> None:
    assert disk.cold_rate(photos, "train", threads=2, rows=range(8)) > 0
    assert disk.read_rate(photos.records("train"), threads=3, rows=range(8)) > 0


def test_a_split_fits_into_memory_or_not(photos: Dataset, tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 1 kB\nMemAvailable: 1 kB\n")
    assert not disk.fits_in_memory(photos, "train", meminfo=meminfo)
    assert disk.fits_in_memory(photos, "train")
