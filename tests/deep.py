"""Files of 16 bits with every value known, written from the formats' descriptions alone."""

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.uint16]
COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file (PNG 1.2, section 3.2)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples: npt.NDArray[Any], *extra: bytes) -> bytes:
    """A PNG of uint16 or uint8 (height, width, 1 to 4), without filters; `extra` chunks before the pixels."""
    height, width, count = samples.shape
    depth = 8 * samples.itemsize
    header = struct.pack(">IIBBBBB", width, height, depth, COLOR_TYPES[count], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in samples)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) + pixels + chunk(b"IEND", b"")


def transparent(*value: int) -> bytes:
    """A tRNS chunk that calls one 16-bit grey value, or colour, transparent."""
    return chunk(b"tRNS", struct.pack(f">{len(value)}H", *value))


def turned(orientation: int) -> bytes:
    """An eXIf chunk with an orientation."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    return chunk(b"eXIf", b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0))


def tiff(
    samples: Samples,
    *,
    order: str = "<",
    orientation: int = 1,
    extra: int | None = None,
    planar: bool = False,
    photometric: int | None = None,
) -> bytes:
    """An uncompressed TIFF of one strip, or with `planar` of one for each sample (TIFF 6.0).

    Args:
        samples: uint16 (height, width, 1 to 4).
        order: "<" or ">".
        orientation: 1 to 8.
        extra: What the last sample is: 0 unspecified, 1 associated alpha, 2 unassociated alpha.
        planar: Whether samples are stored apart.
        photometric: 0 white is zero, 1 black is zero, 2 RGB.
    """
    height, width, count = samples.shape
    planes = [samples[..., i] for i in range(count)] if planar else [samples]
    strips = [np.ascontiguousarray(plane).astype(f"{order}u2").tobytes() for plane in planes]
    meaning = photometric if photometric is not None else 2 if count > 2 else 1
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [16] * count), 259: ("H", [1]),
        262: ("H", [meaning]), 273: ("I", [0] * len(strips)), 274: ("H", [orientation]), 277: ("H", [count]),
        278: ("I", [height]), 279: ("I", [len(strip) for strip in strips]), 284: ("H", [2 if planar else 1]),
    }  # fmt: skip
    if extra is not None:
        tags[338] = ("H", [extra])
    behind = 8 + 2 + 12 * len(tags) + 4
    values_end = behind + sum(size for kind, values in tags.values() if (size := _size(kind, values)) > 4)
    starts = values_end + np.cumsum([0, *map(len, strips)])[:-1]
    tags[273] = ("I", starts.tolist())
    entries, outside = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        content = struct.pack(f"{order}{len(values)}{kind}", *values)
        where = content.ljust(4, b"\0")
        if len(content) > 4:
            where = struct.pack(f"{order}I", behind + len(outside))
            outside += content
        entries += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(values)) + where
    mark = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", 0)
    return mark + struct.pack(f"{order}I", 8) + directory + outside + b"".join(strips)


def _size(kind: str, values: list[int]) -> int:
    return len(values) * {"H": 2, "I": 4}[kind]


def noise(*shape: int, seed: int = 0) -> Samples:
    """uint16 of all values."""
    return np.random.default_rng(seed).integers(0, 65_536, shape, np.uint16)
