"""Small files that would take gigabytes or hours are refused at once; ordinary ones are not."""

import io
import struct
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from fitfeed.converters.images.decode import FORMATS, decode_image
from fitfeed.converters.images.decompression_bombs import hidden_bomb, repeats_values
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.sources.image_names import IMAGE_EXTENSIONS
from tests.fuzz.whole_images import images

OPTIONS = ConvertOptions()


def saved(format_: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(stream, format_, **options)
    return stream.getvalue()


def tags(count: int, size: int) -> bytes:
    """A TIFF structure whose tags all claim the same bytes."""
    entries = b"".join(struct.pack("<HHII", 1000 + i, 7, size, 8) for i in range(count))
    return (b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4)).ljust(size + 8, b"x")


def with_exif(blob: bytes) -> bytes:
    segments = b"".join(
        b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part
        for part in (blob[at : at + 60_000] for at in range(0, len(blob), 60_000))
    )
    picture = saved("JPEG")
    return picture[:2] + segments + picture[2:]


def with_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    picture = saved("PNG")
    return picture[:-12] + struct.pack(">I", len(content)) + kind + content + checksum + picture[-12:]


def many_scans() -> bytes:
    picture = saved("JPEG", progressive=True)
    last = picture.rfind(b"\xff\xda")
    return picture[:-2] + picture[last:-2] * 600 + picture[-2:]


def long_comment() -> bytes:
    picture = saved("GIF")
    at = picture.index(b",\0\0\0\0")
    return picture[:at] + b"!\xfe" + (b"\xff" + b"c" * 255) * 40_000 + b"\0" + picture[at:]


def wide_webp() -> bytes:
    header = b"VP8X" + struct.pack("<II", 10, 2) + (16_382).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 4 + len(header)) + b"WEBP" + header


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (tags(3000, 100_000), "TIFF whose tags claim"),
        (with_exif(tags(4000, 55_000)), "JPEG whose Exif tags claim"),
        (with_exif(tags(5000, 200_000)), "JPEG whose Exif tags claim"),
        (many_scans(), "more than 500 scans"),
        (long_comment(), "bytes of comments"),
        (wide_webp(), "16383 x 16383 pixels"),
        (with_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(60_000_000))), "Decompressed data too large"),
    ],
    ids=["tiff", "exif", "split exif", "scans", "comment", "webp", "text"],
)
def test_hidden_bombs_are_refused_at_once(data: bytes, detail: str) -> None:
    started = time.process_time()
    with pytest.raises(ImageError, match=detail) as caught:
        decode_image(data, OPTIONS)
    assert caught.value.reason == "bomb"
    assert time.process_time() - started < 1


def test_exif_bomb_in_a_good_png_costs_nothing_but_its_orientation() -> None:
    started = time.process_time()
    assert decode_image(with_chunk(b"eXIf", tags(5000, 200_000)), OPTIONS).pixels.shape == (48, 64, 3)
    assert time.process_time() - started < 1


def test_ordinary_files_hide_no_bomb(clothing: Path) -> None:
    photographs = [path.read_bytes() for path in clothing.rglob("*.jpg")]
    assert {hidden_bomb(data, max_pixels=OPTIONS.max_pixels) for data in [*images(), *photographs]} == {None}


def test_values_that_two_tags_share_are_no_bomb() -> None:
    assert not repeats_values(tags(2, 500_000))
    assert repeats_values(tags(4, 500_000))
    assert not repeats_values(b"Exif\0\0MM\0*")


def test_directories_in_a_circle_end() -> None:
    circle = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 34665, 4, 1, 8, 8)
    assert not repeats_values(circle)


def test_only_decoders_for_the_extensions_that_we_take_are_open() -> None:
    Image.init()
    extensions = {
        name: {ending[1:] for ending, format_ in Image.EXTENSION.items() if format_ == name}
        for name in FORMATS
    }
    assert {name for name in FORMATS if not extensions[name] & IMAGE_EXTENSIONS} == set()
    assert not {"EPS", "FITS", "WMF", "HDF5", "GRIB"} & set(FORMATS)


def test_ghostscript_is_never_started() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "EPS")
    with pytest.raises(ImageError) as caught:
        decode_image(stream.getvalue(), OPTIONS)
    assert caught.value.reason == "not_an_image"


def test_details_are_the_same_in_every_run() -> None:
    details = set()
    for _ in range(2):
        with pytest.raises(ImageError) as caught:
            decode_image(b"II*\0garbage" * 20, OPTIONS)
        details.add(caught.value.detail)
    assert len(details) == 1
    assert "0x" not in details.pop()
    assert ImageError("corrupt", "a\nb" * 1000).detail.count("\n") == 0
    assert len(ImageError("corrupt", "a" * 1000).detail) < 310


def test_frames_of_a_damaged_animation_are_counted_without_a_fault(nasty: Path) -> None:
    verdicts = set()
    animation = (nasty / "formats" / "animated.gif").read_bytes()
    for cut in range(20, len(animation), 7):
        for frames in ("first", "reject"):
            try:
                decode_image(animation[:cut], ConvertOptions(frames=frames))
            except ImageError as error:
                verdicts.add(error.reason)
    assert verdicts <= {"corrupt", "truncated", "not_an_image", "unsupported_format"}
