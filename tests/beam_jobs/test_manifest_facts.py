"""What a whole conversion counts for the manifest: sources, profiles, depths, values of masks."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from fitfeed.cli import main
from fitfeed.converters.option_parts.storage import Encoding
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.features import MaskFeature
from fitfeed.schemas.manifest import Manifest, read_manifest
from tests.deep import noise, png
from tests.without_beam import convert, without_beam

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def facts(manifest: Manifest) -> tuple[dict[str, int], dict[int, int], int | None]:
    return manifest.profiles, manifest.depths, manifest.largest_value


def make_photo(path: Path, seed: int, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two JPEG, one with a profile; a PNG with one; two PNG of 16 bits, one of which has at most 12."""
    source = tmp_path / "mixed"
    make_photo(source / "a" / "plain.jpg", 1)
    make_photo(source / "a" / "profile.jpg", 2, icc_profile=SRGB)
    make_photo(source / "b" / "profile.png", 3, icc_profile=SRGB)
    (source / "a" / "deep.png").write_bytes(png(noise(6, 8, 3, seed=4)))
    (source / "b" / "twelve.png").write_bytes(png(noise(6, 8, 3, seed=5) >> 4))
    return source


def test_profiles_and_depths_are_counted_and_grow(mixed: Path, tmp_path: Path) -> None:
    later = tmp_path / "later" / "b"
    later.mkdir(parents=True)
    for name in ("profile.png", "twelve.png"):
        (mixed / "b" / name).rename(later / name)
    dataset = tmp_path / "dataset"
    manifest = convert(mixed, dataset).manifest
    assert len(manifest.profiles) == 1
    (name,) = manifest.profiles
    assert "sRGB" in name
    assert facts(manifest) == ({name: 1}, {8: 2, 16: 1}, None)
    appended = convert(later.parent, dataset, append=True).manifest
    assert facts(appended) == ({name: 2}, {8: 3, 16: 2}, None)
    assert facts(read_manifest(dataset)) == facts(appended)
    assert [source.model_dump() for source in appended.sources] == [
        {"name": "mixed", "kind": "folder", "uri": None},
        {"name": "later", "kind": "folder", "uri": None},
    ]


def test_the_largest_value_is_of_all_splits(mixed: Path, tmp_path: Path) -> None:
    options = ConvertOptions(depth=16, split={"train": 0.5, "test": 0.5})
    assert convert(mixed, tmp_path / "all", options).manifest.largest_value == 65_535
    for path in mixed.glob("a/*"):
        path.unlink()
    (mixed / "b" / "profile.png").unlink()
    few = convert(mixed, tmp_path / "few", ConvertOptions(depth=16)).manifest
    assert few.largest_value == int((noise(6, 8, 3, seed=5) >> 4).max())
    assert few.depths == {16: 1}


@pytest.mark.parametrize("encoding", ["keep", "raw"])
def test_values_of_masks_are_counted_without_what_is_dropped(tmp_path: Path, encoding: Encoding) -> None:
    source = tmp_path / "scans"
    source.mkdir()
    rows = []
    for number in range(4):
        make_photo(source / f"{number}.png", number)
        mask = np.full((6, 8), number * 10, np.uint8)
        mask[0, 0] = 255
        Image.fromarray(mask).save(source / f"{number}-lesion.png")
        rows.append(f"{number}.png,{number}-lesion.png")
    shutil.copyfile(source / "3.png", source / "4.png")  # with the mask of another
    rows.append("4.png,3-lesion.png")
    (source / "table.csv").write_text("\n".join(["path,lesion", *rows]))
    size = (6, 8) if encoding == "raw" else None
    for duplicates, of_thirty, of_255 in (("keep", 94, 5), ("drop", 47, 4)):
        options = ConvertOptions(
            label_columns=("lesion:mask",),
            encoding=encoding,
            size=size,
            duplicates=duplicates,  # type: ignore[arg-type]
        )
        dataset = tmp_path / duplicates
        feature = convert(source / "table.csv", dataset, options).manifest.features.labels["label"]
        assert isinstance(feature, MaskFeature)
        assert feature.values == {0: 47, 10: 47, 20: 47, 30: of_thirty, 255: of_255}
        assert verify_dataset(dataset).ok
    content = json.loads((tmp_path / "drop" / "manifest.json").read_text())
    assert content["features"]["label"]["values"]["30"] == 47
    assert content["sources"] == [{"name": "scans", "kind": "table", "uri": None}]
    content["features"]["label"]["values"]["30"] = 46
    (tmp_path / "drop" / "manifest.json").write_text(json.dumps(content))
    (finding,) = verify_dataset(tmp_path / "drop").findings
    assert "count 191 pixels, its images have 192" in finding.detail


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            [],
            "depth      2 images have more than 8 bits, which --depth 16 keeps; their largest value is 65535",
        ),
        (["--depth", "16"], "largest    65535 of 65535, in any channel of any split"),
    ],
)
def test_the_summary_tells_of_bits(
    mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    with without_beam():
        assert main(["convert", str(mixed), str(tmp_path / "dataset"), *arguments]) == 0
    assert line in capsys.readouterr().out.splitlines()


def test_the_command_lists_them(mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert(mixed, tmp_path / "dataset")
    assert main(["inspect", str(tmp_path / "dataset"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["depths"] == {"8": 3, "16": 2}
    assert sum(document["profiles"].values()) == 2
    assert document["largest_value"] is None
    assert document["sources"][0]["name"] == "mixed"
