"""Whole files of every format that we read, to be damaged."""

import io
import struct
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tests import deep, icc

ROOT = Path(__file__).parents[2]
NASTY = ROOT / "tests" / "data" / "nasty"
MAX_SEED_BYTES = 60_000


@cache
def images() -> tuple[bytes, ...]:
    """Real files, hostile ones, and pictures in all formats that Pillow can write, plus some by hand."""
    folders = sorted(path for path in NASTY.rglob("*") if path.is_file() and path.parts[-2] != "containers")
    photographs = sorted((ROOT / "examples" / "clothing" / "test").rglob("*.jpg"))[::10]
    files = [path.read_bytes() for path in [*folders, *photographs] if path.name != "expected.csv"]
    # One of a kind counts as much as a hundred JPEGs: the rare formats several times.
    rare = [*_written(), *_by_hand(), *_deep(), *_with_profiles()]
    return tuple([data for data in files if 0 < len(data) <= MAX_SEED_BYTES] + rare * 2)


def _picture() -> Image.Image:
    rows, columns = np.mgrid[0:37, 0:53]
    return Image.fromarray(np.stack([rows * 6, columns * 4, rows ^ columns], axis=2).astype(np.uint8))


def _written() -> list[bytes]:
    rgb = _picture()
    gray, palette, rgba = rgb.convert("L"), rgb.quantize(16), rgb.convert("RGBA")
    rgba.putalpha(gray)
    wanted: list[tuple[Image.Image, str, dict[str, Any]]] = [
        *[
            (rgb, name, {})
            for name in ("BMP", "DIB", "DDS", "PCX", "PPM", "QOI", "SGI", "TGA", "AVIF", "PNG")
        ],
        *[
            (rgb, "TIFF", dict[str, Any](compression=kind))
            for kind in ("raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate")
        ],
        *[
            (rgb.convert("1"), "TIFF", dict[str, Any](compression=kind))
            for kind in ("group3", "group4", "packbits")
        ],
        (rgb.convert("CMYK"), "TIFF", {"compression": "tiff_lzw"}),
        (rgb.convert("LAB"), "TIFF", {}),
        (rgb.convert("F"), "TIFF", {}),
        (rgba, "TIFF", {"tiffinfo": {270: "text" * 20}, "big_tiff": True}),
        (gray, "TGA", {"compression": "tga_rle"}),
        (palette, "TGA", {"compression": "tga_rle"}),
        (palette, "PCX", {}),
        (palette, "GIF", {"interlace": True}),
        (palette, "GIF", {"save_all": True, "append_images": [palette.rotate(90), palette.rotate(180)]}),
        (rgba, "WEBP", {"lossless": True}),
        (rgba, "WEBP", {"save_all": True, "append_images": [rgba.rotate(90)], "exif": b"Exif\0\0II*\0"}),
        (rgba, "AVIF", {"save_all": True, "append_images": [rgba.rotate(90)]}),
        (rgba, "JPEG2000", {"irreversible": True}),
        (rgb, "JPEG2000", {"tile_size": (16, 16), "num_resolutions": 3}),
        (rgb, "JPEG2000", {"no_jp2": True}),
        (rgba, "ICO", {"sizes": [(16, 16), (32, 32)]}),
        (rgba, "ICO", {"sizes": [(16, 16)], "bitmap_format": "bmp"}),
        (rgba.resize((32, 32)), "ICNS", {}),
        (rgba, "DDS", {"pixel_format": "DXT5"}),
        (rgba, "PNG", {"exif": _exif(), "dpi": (72, 72), "icc_profile": b"x" * 300}),
        (rgb, "JPEG", {"exif": _exif(), "comment": "text", "icc_profile": b"x" * 300}),
        (rgb, "JPEG", {"progressive": True, "subsampling": 0, "restart_marker_blocks": 2}),
        (rgb.convert("1"), "XBM", {}),
        (rgb, "MPO", {"save_all": True, "append_images": [rgb.rotate(180)]}),
        (gray, "PPM", {}),
        (rgb.convert("I"), "PPM", {}),
        (rgb.convert("I;16"), "PNG", {}),
    ]
    return [_saved(image, name, options) for image, name, options in wanted]


def _saved(image: Image.Image, name: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker" * 5
    exif.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
    return exif.tobytes()


def _deep() -> list[bytes]:
    """Colours and transparency of 16 bits."""
    return [
        deep.png(deep.noise(9, 7, 3)),
        deep.png(deep.noise(9, 7, 4)),
        deep.png(deep.noise(9, 7, 1), deep.transparent(7)),
        deep.tiff(deep.noise(9, 7, 3), order=">", orientation=6),
        deep.tiff(deep.noise(9, 7, 3), planar=True),
        deep.tiff(deep.noise(9, 7, 4), extra=2),
        cv2.imencode(".tif", deep.noise(9, 7, 3))[1].tobytes(),  # LZW
    ]


def _with_profiles() -> list[bytes]:
    """Colors, grays and inks of other profiles than sRGB."""
    rgb = _picture()
    wide = icc.matrix_profile(icc.DISPLAY_P3, 2.2, "Display P3")
    return [
        _saved(rgb, "JPEG", {"icc_profile": wide}),
        _saved(rgb, "PNG", {"icc_profile": wide}),
        _saved(rgb.convert("L"), "TIFF", {"icc_profile": icc.gray_profile(1.8, "gray")}),
        _saved(rgb.convert("CMYK"), "JPEG", {"icc_profile": icc.ink_profile("press")}),
        b"P5 7 5 4095 " + deep.noise(7, 5).tobytes(),
    ]


def _by_hand() -> list[bytes]:
    """Formats that Pillow reads, but does not write."""
    pcx = _saved(_picture(), "PCX", {})
    ico = _saved(_picture().convert("RGBA"), "ICO", {"sizes": [(16, 16)], "bitmap_format": "bmp"})
    rows = ",\n".join(f'"{"".join(".#"[(x ^ y) & 1] for x in range(20))}"' for y in range(12))
    xpm = f'/* XPM */\nstatic char *x[] = {{\n"20 12 2 1",\n"# c #FF0000",\n". c None",\n{rows}\n}};\n'
    psd = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, 12, 20, 8, 3)
    psd += struct.pack(">III", 0, 0, 0) + struct.pack(">H", 0) + bytes(range(240)) * 3
    frame = struct.pack("<IHH8x", 16 + 6 + 200, 0xF1FA, 1) + struct.pack("<IH", 206, 16) + bytes(200)
    fli = struct.pack("<IHHHHHHI", 128 + len(frame), 0xAF11, 1, 20, 10, 8, 3, 5).ljust(128, b"\0") + frame
    return [
        struct.pack("<III", 0x3ADE68B1, 12, 0) + pcx,  # DCX
        ico[:2] + b"\2" + ico[3:],  # CUR
        xpm.encode(),
        psd,
        fli,
        b"P1\n# text\n4 3\n" + b"0 1 1 0\n" * 3,
        b"P3 4 3 255\n" + b"0 128 255 " * 12,
        b"Pf\n4 3\n-1.0\n" + bytes(48),
    ]
