"""A file of each format that claims a huge picture: a conversion rejects it, as image and as mask, and decodes nothing."""

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
import simplejpeg
from PIL import Image, ImageFile

from fitfeed.converters.images.decode import FORMATS, decode_image
from fitfeed.converters.images.masks import decode_mask
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import ImageError
from tests.forged import SIDE, jpeg_claiming, png_claiming

OPTIONS = ConvertOptions()
LITTLE_16, BIG_16 = struct.pack("<HH", SIDE, SIDE), struct.pack(">HH", SIDE, SIDE)
LITTLE_32, BIG_32 = struct.pack("<II", SIDE, SIDE), struct.pack(">II", SIDE, SIDE)
SMALL_BIG_32 = struct.pack(">II", 8, 8)


def saved(format_: str, mode: str = "RGB", **options: Any) -> bytes:
    """A picture of 8 x 8 pixels."""
    file = io.BytesIO()
    Image.new(mode, (8, 8)).save(file, format_, **options)
    return file.getvalue()


def patched(data: bytes, at: int, size: bytes) -> bytes:
    return data[:at] + size + data[at + len(size) :]


def tiff() -> bytes:
    data = saved("TIFF")
    for tag in (256, 257):
        at = data.index(struct.pack("<H", tag), int.from_bytes(data[4:8], "little"))
        data = patched(data, at, struct.pack("<HHII", tag, 4, 1, SIDE))
    return data


def webp() -> bytes:
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (SIDE - 1).to_bytes(3, "little") * 2
    body = b"WEBP" + extended + saved("WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_2000() -> bytes:
    data = saved("JPEG2000", no_jp2=False)
    return data.replace(SMALL_BIG_32, BIG_32)


def avif() -> bytes:
    """libavif takes no more than 16,384 pixels a side by itself, which is still more than is allowed."""
    data = saved("AVIF")
    return patched(data, data.index(b"ispe") + 8, struct.pack(">II", 16_000, 16_000))


def icns() -> bytes:
    picture = png_claiming(SIDE, SIDE)
    entry = b"ic07" + struct.pack(">I", 8 + len(picture)) + picture
    return b"icns" + struct.pack(">I", 8 + len(entry)) + entry


def ico(kind: int) -> bytes:
    picture = png_claiming(SIDE, SIDE)
    directory = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(picture), 22)
    return struct.pack("<HHH", 0, kind, 1) + directory + picture


def cur() -> bytes:
    bitmap = struct.pack("<IIIHHIIIIII", 40, SIDE, 2 * SIDE, 1, 24, 0, 0, 0, 0, 0, 0)
    directory = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(bitmap), 22)
    return struct.pack("<HHH", 0, 2, 1) + directory + bitmap


def fli() -> bytes:
    return struct.pack("<IHHHHH", 128, 0xAF11, 1, SIDE, SIDE, 8) + bytes(130)


def psd() -> bytes:
    return b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, SIDE, SIDE, 8, 3) + bytes(14)


def dcx() -> bytes:
    page = patched(saved("PCX"), 8, LITTLE_16)
    return struct.pack("<III", 987654321, 12, 0) + page


FORGED: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: jpeg_claiming(SIDE, SIDE),
    "PNG": lambda: png_claiming(SIDE, SIDE),
    "GIF": lambda: patched(saved("GIF"), 6, LITTLE_16),
    "BMP": lambda: patched(saved("BMP"), 18, LITTLE_32),
    "PPM": lambda: b"P6 %d %d 255\n" % (SIDE, SIDE),
    "WEBP": webp,
    "TIFF": tiff,
    "AVIF": avif,
    "CUR": cur,
    "DCX": dcx,
    "DDS": lambda: patched(saved("DDS"), 12, LITTLE_32),
    "DIB": lambda: patched(saved("DIB"), 4, LITTLE_32),
    "FLI": fli,
    "ICNS": icns,
    "ICO": lambda: ico(1),
    "JPEG2000": jpeg_2000,
    "PCX": lambda: patched(saved("PCX"), 8, LITTLE_16),
    "PSD": psd,
    "QOI": lambda: b"qoif" + BIG_32 + b"\3\0" + bytes(8),
    "SGI": lambda: patched(saved("SGI"), 6, BIG_16),
    "XBM": lambda: (
        b"#define a_width %d\n#define a_height %d\nstatic char a_bits[] = {\n0x00};" % (SIDE, SIDE)
    ),
    "XPM": lambda: b'/* XPM */\nstatic char *a[] = {\n"%d %d 1 1",\n"a c #000000",\n' % (SIDE, SIDE),
    "TGA": lambda: patched(saved("TGA"), 12, LITTLE_16),
}


@pytest.mark.parametrize("decode", [decode_image, decode_mask])
@pytest.mark.parametrize("format_", FORMATS)
def test_no_decoder_sees_a_forged_size(monkeypatch: pytest.MonkeyPatch, format_: str, decode: Any) -> None:
    def load(*arguments: Any, **options: Any) -> None:
        pytest.fail("a decoder was asked")

    data = FORGED[format_]()
    assert len(data) < 5000
    monkeypatch.setattr(simplejpeg, "decode_jpeg", load)
    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    monkeypatch.setattr(Image, "new", load)
    with pytest.raises(ImageError) as caught:
        decode(data, OPTIONS)
    # The header of an ICNS file says that it has colors, which a mask must not have.
    assert caught.value.reason == ("label_invalid" if (format_, decode) == ("ICNS", decode_mask) else "bomb")
