"""Camera raw and DICOM are called what they are, and a thumbnail is never taken for the photograph."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from fitfeed.beam_jobs import plan_conversion
from fitfeed.converters.foreign_formats import EXTENSIONS, is_dicom, raw_by_content, raw_by_name
from fitfeed.converters.images.decode import decode_image
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.output.source_facts import ignored_lines
from fitfeed.output.summary import conversion_lines, dry_run_lines
from fitfeed.schemas.errors import TooManyRejectsError, UsageError
from tests.without_beam import convert


def tiff(tags: dict[int, int | bytes]) -> bytes:
    """A small TIFF that Pillow opens, with some tags more."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
    stream = io.BytesIO()
    Image.new("RGB", (16, 12)).save(stream, "TIFF", tiffinfo=directory)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(400), "CR2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(400), "CR3"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(400), "RAF"),
        (b"IIRO\x08\0\0\0" + bytes(400), "ORF"),
        (b"IIU\0\x18\0\0\0" + bytes(400), "RW2"),
        (tiff({50706: b"\1\4\0\0"}), "DNG"),
        (tiff({254: 1, 330: 8}), "TIFF with a thumbnail first"),
    ],
    ids=["cr2", "cr3", "raf", "orf", "rw2", "dng", "nef"],
)
def test_raw_files_are_named_by_their_content(data: bytes, kind: str) -> None:
    with pytest.raises(
        ImageError, match=rf"camera raw \({kind}\) cannot be decoded here; develop it"
    ) as caught:
        decode_image(data, ConvertOptions())
    assert caught.value.reason == "unsupported_format"


@pytest.mark.parametrize("tags", [{}, {254: 1}, {254: 0, 330: 8}], ids=["plain", "reduced", "with others"])
def test_other_tiff_files_are_images(tags: dict[int, int | bytes]) -> None:
    assert decode_image(tiff(tags), ConvertOptions()).pixels.shape == (12, 16, 3)


@pytest.mark.parametrize("name", ["a/b.CR2", "x.nef", "photo.of.dng", "ä.ARW"])
def test_raw_files_are_named_by_their_extension(name: str) -> None:
    assert raw_by_name(name) is not None
    assert name.rpartition(".")[2].upper() in str(raw_by_name(name))


def test_other_names_are_images() -> None:
    assert [raw_by_name(name) for name in ("a.tif", "a.cr2/b.jpg", "nef", "raw/1.png", "")] == [None] * 5
    assert all(extension.islower() for extension in EXTENSIONS)


def test_other_content_is_tried() -> None:
    for data in (b"", b"II*\0", b"MM\0*" + bytes(9), b"\xff\xd8\xff", b"\0\0\0\x18ftypheic"):
        assert raw_by_content(data) is None


def test_dicom_is_known_by_its_mark() -> None:
    assert is_dicom(bytes(128) + b"DICM")
    assert not is_dicom(bytes(128) + b"DIC")
    assert not is_dicom(b"DICM")


def test_a_thumbnail_in_a_raw_file_is_not_converted(tmp_path: Path) -> None:
    """Pillow would open it: 16 x 12 pixels instead of the photograph."""
    folder = tmp_path / "photos" / "a"
    folder.mkdir(parents=True)
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(folder / "1.png")
    (folder / "1.nef").write_bytes(tiff({}))
    with pytest.raises(TooManyRejectsError, match=r"a/1.nef: unsupported_format: camera raw \(NEF\)"):
        convert(tmp_path / "photos", tmp_path / "dataset")
    assert (
        convert(tmp_path / "photos", tmp_path / "dataset", max_bad=1).manifest.splits["train"].examples == 1
    )


def scans(folder: Path, names: list[str]) -> None:
    """Files that begin as DICOM does."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(bytes(128) + b"DICM" + bytes(200))


def test_ignored_scans_are_counted_and_warned_of(tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "a"
    scans(folder, ["1.dcm", "2.DCM", "IM0001"])
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(folder / "1.png")
    (folder / "notes.txt").write_text("text")
    planned = plan_conversion(tmp_path / "photos", tmp_path / "dataset")
    conversion = convert(tmp_path / "photos", tmp_path / "dataset")
    assert conversion.ignored_extensions == {".dcm": 2, ".txt": 1, "without extension": 1}
    (warning,) = (line for line in conversion.warnings if "DICOM" in line)
    assert warning.startswith(
        "3 files are DICOM, which is ignored, a/1.dcm for example. DICOM cannot be decoded"
    )
    assert warning in planned.plan.warnings
    for lines in (conversion_lines(conversion, "d"), dry_run_lines(planned, "d")):
        assert "           ignored: 2 .dcm, 1 .txt, 1 without extension" in lines
    rejects = (tmp_path / "dataset" / "rejects.jsonl").read_text()
    assert rejects.count("DICOM cannot be decoded here") == 3


def test_a_folder_of_scans_only_is_refused_with_what_to_do(tmp_path: Path) -> None:
    scans(tmp_path / "scans" / "a", ["1.dcm", "2.dcm"])
    with pytest.raises(
        UsageError, match=r"2 other files were ignored: 2 .dcm. DICOM cannot be .* to 16-bit PNG"
    ):
        plan_conversion(tmp_path / "scans", tmp_path / "dataset")


def test_many_kinds_are_shown_in_one_line() -> None:
    assert ignored_lines({}) == []
    assert ignored_lines({f".{number}": 1 for number in range(40)})[0].endswith("1 .11 and 28 kinds more")
