"""ICC profiles by hand, from the format's description alone (ICC.1:2001-04): matrices and curves, grays, inks."""

import struct
from collections.abc import Sequence

Matrix = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]

SRGB: Matrix = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))
ADOBE_RGB: Matrix = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
DISPLAY_P3: Matrix = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
PROPHOTO: Matrix = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
"""CIE XYZ of red, green and blue at their brightest, adapted to D50."""

D50 = (0.9642, 1.0, 0.8249)


def matrix_profile(primaries: Matrix, gamma: float, name: str) -> bytes:
    """A profile of a monitor: brightness is the value to the power of gamma."""
    tags = {b"wtpt": _xyz(D50)}
    for letter, color in zip((b"r", b"g", b"b"), primaries, strict=True):
        tags |= {letter + b"XYZ": _xyz(color), letter + b"TRC": _curve(gamma)}
    return profile(tags, name, space=b"RGB ")


def gray_profile(gamma: float, name: str) -> bytes:
    """The same of a gray one."""
    return profile({b"wtpt": _xyz(D50), b"kTRC": _curve(gamma)}, name, space=b"GRAY")


def ink_profile(name: str) -> bytes:
    """A printer whose four inks are all black: lightness is 100 x (1 - C) x (1 - M) x (1 - Y) x (1 - K)."""
    steps = bytes(range(256))
    corners = b"\xff\x80\x80" + b"\x00\x80\x80" * 15  # no ink first: L* = 100, a* = b* = 0
    matrix = struct.pack(">9i", *(65_536 * (i % 4 == 0) for i in range(9)))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + steps * 4 + corners + steps * 3
    return profile({b"wtpt": _xyz(D50), b"A2B0": table}, name, space=b"CMYK", kind=b"prtr", between=b"Lab ")


def profile(
    tags: dict[bytes, bytes], name: str, *, space: bytes, kind: bytes = b"mntr", between: bytes = b"XYZ "
) -> bytes:
    """A profile of version 2.4 with these tags, a name and a copyright."""
    text = name.encode() + b"\0"
    named = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79)
    tags = {b"desc": named, b"cprt": b"text\0\0\0\0none\0", **tags}
    tags = {key: value + bytes(-len(value) % 4) for key, value in tags.items()}
    place = 132 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for key, value in tags.items():
        table += struct.pack(">4sII", key, place + len(body), len(value))
        body += value
    head = struct.pack(">I4xI4s4s4s", place + len(body), 0x02400000, kind, space, between)
    head += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(D50)
    return head.ljust(128, b"\0") + table + body


def _fixed(values: Sequence[float]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65_536)) for value in values)


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
