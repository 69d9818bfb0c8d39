"""What a file is, told from its first bytes."""

import pytest

from fitfeed.converters.images.diagnose import jpeg_frame, unidentified

NO = ValueError("cannot identify image file")
APP0 = b"\xff\xe0\x00\x04ab"


def sof(marker: int, precision: int = 8) -> bytes:
    return bytes([0xFF, marker, 0, 11, precision, 0, 1, 0, 1, 1, 1, 0x11, 0])


@pytest.mark.parametrize(
    ("data", "marker"),
    [
        (b"\xff\xd8" + sof(0xC0), 0xC0),
        (b"\xff\xd8" + APP0 + sof(0xC2), 0xC2),
        (b"\xff\xd8\xff\xff" + APP0 + sof(0xC3), 0xC3),  # fill bytes
        (b"\xff\xd8\xff\xc4\x00\x02" + sof(0xC1), 0xC1),  # Huffman tables are not a frame
        (b"\xff\xd8" + APP0 + b"\xff\xda\x00\x02" + sof(0xC0), None),
        (b"\xff\xd8" + APP0 + b"\x00" + sof(0xC0), None),
        (b"\xff\xd8\xff", None),
        (b"", None),
    ],
)
def test_the_frame_of_a_jpeg(data: bytes, marker: int | None) -> None:
    assert jpeg_frame(data) == marker


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"\xff\xd8" + APP0 + sof(0xC1, 12), "unsupported_format", "JPEG with 12 bits per sample"),
        (b"\xff\xd8" + APP0 + sof(0xC0), "corrupt", "JPEG with a damaged header"),
        (b"\x89PNG\r\n\x1a\n", "corrupt", "PNG with a damaged header"),
        (b"\x00PNG\r\n\x1a\n", "corrupt", "signature"),
        (b"GIF89a\0\0\1\0", "zero_dimension", "width or height of 0"),
        (b"GIF89a\1\0\1\0", "corrupt", "GIF"),
        (b"BM123", "corrupt", "BMP"),
        (b"II*\0", "corrupt", "TIFF"),
        (b"\xff\x0a", "unsupported_format", "JPEG XL"),
        (bytes(128) + b"DICM\x02\0", "unsupported_format", "DICOM cannot be decoded here"),
        (b"<?xml version='1.0'?><svg>", "unsupported_format", "SVG"),
        (b"\0" * 50, "not_an_image", "only zero bytes"),
        (b"version https://git-lfs.github.com/spec/v1", "not_an_image", "git lfs pull"),
        (b"  <!DOCTYPE html><html>", "not_an_image", "HTML"),
        (b"hello", "not_an_image", "no known image format"),
    ],
)
def test_what_cannot_be_opened_is_named(data: bytes, reason: str, said: str) -> None:
    found, detail = unidentified(data, NO)
    assert found == reason
    assert said in detail


def test_what_the_decoder_says_counts_too() -> None:
    jpeg = b"\xff\xd8" + APP0
    assert unidentified(jpeg, OSError("Truncated File Read"))[0] == "truncated"
    assert unidentified(jpeg + b"\xff\xd9\0\n", OSError("Truncated File Read"))[0] == "corrupt"
    assert unidentified(b"\x89PNG", ValueError("Decompressed data too large"))[0] == "bomb"
