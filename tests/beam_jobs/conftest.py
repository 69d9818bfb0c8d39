"""A source that grows, and a dataset made from what was there first."""

import shutil
from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from tests.beam_jobs.growing import SMALL
from tests.without_beam import convert


@pytest.fixture
def photos(clothing: Path, tmp_path: Path) -> Path:
    """Two splits and three classes, six images of each."""
    for split in ("train", "validation"):
        for name in ("dress", "hat", "pants"):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for path in sorted((clothing / "train" / name).iterdir())[
                slice(6) if split == "train" else slice(6, 10)
            ]:
                shutil.copyfile(path, folder / path.name)
    return tmp_path / "photos"


@pytest.fixture
def later(photos: Path, tmp_path: Path) -> Path:
    """Some of them, taken out: they come later."""
    folder = tmp_path / "later"
    for path in [*sorted(photos.glob("train/*/*"))[::3], *sorted(photos.glob("validation/hat/*"))[:2]]:
        target = folder / path.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    return folder


@pytest.fixture
def small_dataset(photos: Path, later: Path, tmp_path: Path) -> Path:
    convert(photos, tmp_path / "dataset", ConvertOptions(**SMALL))
    return tmp_path / "dataset"
