"""Images without labels, from the source to training."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitfeed import make_pipeline, open_dataset, verify_dataset
from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import UsageError
from tests.without_beam import convert, without_beam


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flat")
    for number, name in enumerate(("1.png", "2.png", "more/3.png", "more/deep/4.png")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((12, 10, 3), 40 * number, np.uint8)).save(path)
    return folder


@pytest.mark.parametrize("given", [{}, {"format": "hdf5", "encoding": "raw", "size": (8, 8)}])
def test_the_whole_way(photos: Path, tmp_path: Path, given: dict[str, object]) -> None:
    folder = tmp_path / "dataset"
    options = ConvertOptions(split={"train": 0.5, "test": 0.5}, **given)  # type: ignore[arg-type]
    made = convert(photos, folder, options, labels="none").manifest
    assert made.features.labels == {}
    assert made.class_names == []
    assert not verify_dataset(folder).findings
    dataset = open_dataset(folder)
    keys: list[str] = []
    for split in dataset.splits:
        records = dataset.records(split)
        assert all(set(records[i]) == {"image", "key"} for i in range(len(records)))
        batches = make_pipeline(
            dataset, split, batch_size=1, image_size=(8, 8), labels=None, normalize=None, output="dict"
        )
        found = {batch["key"].numpy()[0].decode(): batch["image"].numpy()[0] for batch in batches}
        for key, image in found.items():
            number = int(Path(key).stem) - 1
            np.testing.assert_array_equal(image, np.full((8, 8, 3), 40 * number))
        keys += found
    assert sorted(keys) == ["1.png", "2.png", "more/3.png", "more/deep/4.png"]
    alone = make_pipeline(dataset, "train", batch_size=1, image_size=(8, 8), labels=None)
    assert next(iter(alone)).shape == (1, 8, 8, 3)  # no tuple
    with pytest.raises(UsageError, match=r"have no labels\. Pass labels=None"):
        make_pipeline(dataset, "train", batch_size=1, image_size=(8, 8))


def test_the_commands(photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "dataset")
    convert_it = ["convert", str(photos), folder, "--labels", "none", "--size", "8"]
    with without_beam():
        assert main([*convert_it, "--quiet"]) == 0
        assert main([*convert_it, "--json"]) == 0
        document = json.loads(capfd.readouterr().out)
        assert document["up_to_date"]
        assert document["class_names"] == []
        assert main([*convert_it, "--append", "--quiet"]) == 0
    assert main(["inspect", folder]) == 0
    assert "labels=None" in capfd.readouterr().out
    assert main(["preview", folder, "-o", str(tmp_path / "sheet.png")]) == 0
    assert (tmp_path / "sheet.png").stat().st_size
