"""What the summary says of the files, besides their pixels."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.output.source_facts import depth_lines, depth_warnings, mask_values, profile_lines
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.features import MaskFeature
from fitfeed.schemas.manifest import Manifest, read_manifest
from tests.without_beam import convert, without_beam


def make_scans(folder: Path, white: int, *, first: int = 0, count: int = 6) -> Path:
    """Gray PNG of 16 bits with values from 0 to `white`."""
    for number in range(first, first + count):
        (folder / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        pixels = np.linspace(0, white, 192).astype(np.uint16).reshape(12, 16)
        cv2.imwrite(str(folder / "ab"[number % 2] / f"{number}.png"), np.roll(pixels, number))
    return folder


def converted(source: Path, dataset: Path, **options: Any) -> Manifest:
    return convert(source, dataset, ConvertOptions(**options)).manifest


def test_dark_scans_are_warned_of_with_what_keeps_them(tmp_path: Path) -> None:
    source = make_scans(tmp_path / "scans", 3900)
    dark = converted(source, tmp_path / "dark")
    assert depth_lines(dark) == [
        "depth      6 images have more than 8 bits, which --depth 16 keeps; their largest value is 3900"
    ]
    assert depth_warnings(dark) == [
        "the brightest value of 6 images with more than 8 bits is 3900 of 65535, so in 8 bits they have 16 levels of 256; "
        "--white 4095 says that they have 12 bits, --depth 16 keeps all bits"
    ]
    assert len(np.unique(open_dataset(tmp_path / "dark").records("train")[0]["image"])) == 16
    bright = converted(source, tmp_path / "bright", white=4095)
    assert depth_warnings(bright) == []
    assert len(np.unique(open_dataset(tmp_path / "bright").records("train")[0]["image"])) > 150
    deep = converted(source, tmp_path / "deep", depth=16)
    assert deep.deep_sources is None
    assert depth_lines(deep) == [
        "largest    3900 of 65535, in any channel of any split (--white 4095 says that they have 12 bits)"
    ]


def test_clipped_images_are_counted_and_an_append_adds_to_them(tmp_path: Path) -> None:
    source = make_scans(tmp_path / "scans", 3900)
    first = converted(source, tmp_path / "dataset", white=4000)
    assert first.deep_sources is not None
    assert (first.deep_sources.largest, first.deep_sources.clipped) == (3900, 0)
    make_scans(source, 9000, first=6, count=2)
    convert(source, tmp_path / "dataset", append=True)
    grown = read_manifest(tmp_path / "dataset")
    assert grown.deep_sources is not None
    assert (grown.deep_sources.largest, grown.deep_sources.clipped) == (9000, 2)
    assert depth_warnings(grown) == [
        "2 images have values above --white 4000, which are white now; the largest is 9000"
    ]


def test_the_summary_warns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, dataset = make_scans(tmp_path / "scans", 900), tmp_path / "dataset"
    with without_beam():
        assert main(["convert", str(source), str(dataset)]) == 0
    assert "warning: the brightest value of 6 images" in capsys.readouterr().out
    with without_beam():
        assert main(["convert", str(source), str(tmp_path / "white"), "--white", "1023"]) == 0
    assert "warning" not in capsys.readouterr().out


def test_images_that_use_their_bits_are_only_counted(tmp_path: Path) -> None:
    manifest = converted(make_scans(tmp_path / "scans", 65_535), tmp_path / "dataset")
    assert depth_lines(manifest) == [
        "depth      6 images have more than 8 bits, which --depth 16 keeps; their largest value is 65535"
    ]
    assert depth_warnings(manifest) == []


def test_profiles_are_listed_if_one_is_not_srgb(tmp_path: Path) -> None:
    manifest = converted(make_scans(tmp_path / "scans", 255), tmp_path / "dataset")
    assert profile_lines(manifest) == []
    assert profile_lines(manifest.model_copy(update={"profiles": {"sRGB IEC61966-2.1": 6}})) == []
    wide = manifest.model_copy(update={"profiles": {"Display P3": 2, "sRGB": 1}})
    assert profile_lines(wide) == [
        "profiles   2 Display P3: stored as they are, without conversion (--color srgb converts them)"
    ]
    options = {**manifest.options, "color": "srgb"}
    assert profile_lines(wide.model_copy(update={"options": options})) == [
        "profiles   2 Display P3: converted to sRGB"
    ]


def test_values_of_a_mask_have_shares() -> None:
    def shown(values: dict[int, int]) -> str:
        return mask_values(MaskFeature(shape=(None, None, 1), encoding="png", values=values))

    assert shown({0: 972, 1: 28}) == "values 0 (97.2%), 1 (2.8%)"
    assert shown({0: 999_999, 7: 1}) == "values 0 (100%), 7 (0.0001%)"
    assert shown(dict.fromkeys(range(67), 1)).endswith("11 (1.49%) and 55 more")


def test_masks_in_jpeg_are_refused_until_they_are_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two classes: 0, and 200 in a circle, whose border JPEG fills with other numbers."""
    rows = ["image,lesion"]
    for number in range(4):
        image = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        mask = cv2.circle(np.zeros((40, 40), np.uint8), (20, 20), 9 + number, 200, -1)
        for name, pixels in ((f"{number}.png", image), (f"m{number}.jpg", mask), (f"m{number}.png", mask)):
            assert cv2.imwrite(str(tmp_path / name), pixels)
        rows.append(f"{number}.png,m{number}.jpg")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows))
    command = ["convert", str(table), str(tmp_path / "dataset"), "--label-column", "lesion:mask"]
    with without_beam():
        assert main(command) == 3
        error = capsys.readouterr().err
        assert "0.png: label_invalid: its label, m0.jpg: JPEG changes values" in error
        assert main([*command, "--lossy-masks", "accept"]) == 0
    assert "label      values 0 (" in capsys.readouterr().out
    (feature,) = read_manifest(tmp_path / "dataset").features.labels.values()
    assert isinstance(feature, MaskFeature)
    assert len(feature.values) > 20
    table.write_text("\n".join(rows).replace(".jpg", ".png"))
    with without_beam():
        assert main([*command, "--overwrite"]) == 0
    assert ", 200 (" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "dataset")]) == 0
    assert "encoding png; values 0 (" in capsys.readouterr().out
