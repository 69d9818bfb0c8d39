"""Recognizes files that are one of several in which HDF5 keeps what belongs together."""

import re
from pathlib import Path

HEAD_BYTES = 4096


def part_of_more(path: Path, head: bytes) -> str | None:
    """What a file is that is one of several in which HDF5 keeps one; None if it is not.

    Args:
        path: The file.
        head: Its first bytes.
    """
    if b"NCSAmult" in head:
        return (
            "the metadata part of a split HDF5 file. Open both parts by the name without -m.h5: "
            'h5py.File(NAME, "r", driver="split")'
        )
    if b"NCSAfami" in head:
        at = head.index(b"NCSAfami") + 8
        return _family(path, int.from_bytes(head[at : at + 8], "little"))
    first = _first_member(path)
    if first is not None and b"NCSAfami" in (start := _start(first)):
        at = start.index(b"NCSAfami") + 8
        return _family(first, int.from_bytes(start[at : at + 8], "little"))
    return None


def _family(first: Path, size: int) -> str:
    name = str(first)
    if (number := _number(first)) is not None:  # as printf writes it: `data_%05d.h5`
        width = len(number[0])
        numbered = (
            f"{first.name[: number.start()]}%{f'0{width}' if width > 1 else ''}d{first.name[number.end() :]}"
        )
        name = str(first.with_name(numbered))
    return (
        f'a member of an HDF5 family of files of {size:,} bytes each. Open all of them: h5py.File("{name}", "r", '
        f'driver="family", memb_size={size}). Or join them: h5repart {name} whole.h5'
    )


def _first_member(path: Path) -> Path | None:
    """The member 0 of the family that a file of this name may be in; None if there is none."""
    number = _number(path)
    if number is None or not int(number[0]):
        return None
    for zeros in ("0" * len(number[0]), "0"):
        first = path.with_name(path.name[: number.start()] + zeros + path.name[number.end() :])
        if first.is_file():
            return first
    return None


def _number(path: Path) -> re.Match[str] | None:
    """The last number in a name, but for that of its suffix, such as `.h5`."""
    return next(reversed(list(re.finditer(r"\d+", path.stem))), None)


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(HEAD_BYTES)
