"""How values are written on the command line: sizes, shares, limits."""

import argparse
import math
import re
from decimal import Decimal


def parse_size(text: str) -> tuple[int, int]:
    """`N` or `HxW` to (height, width) in pixels."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if match is None or "0" in (match[1].lstrip("0") or "0", (match[2] or "1").lstrip("0") or "0"):
        msg = f"expected a positive number of pixels, N or HxW (height x width). Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]), int(match[2] or match[1])


def parse_sides(text: str) -> list[int]:
    """`192,256` to sides in pixels, each once."""
    parts = [part.strip() for part in text.split(",")]
    sides = sorted({int(part) for part in parts if re.fullmatch(r"\d{1,5}", part)})
    if len(sides) != len(parts) or not all(sides):
        msg = f"expected positive numbers of pixels such as 192,256, each once. Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return sides


def parse_bytes(text: str) -> int:
    """`128MiB`, `1GB` or a plain number to bytes."""
    from pydantic import ByteSize, TypeAdapter

    # ByteSize lets anything follow the unit, as in "1GB, or so", and takes bits.
    written = re.fullmatch(r"\d+(\.\d+)?\s*(([KMG]i?)?B)?", text, re.IGNORECASE)
    size = TypeAdapter(ByteSize).validate_python(text) if written else 0
    if not size:
        msg = f"expected a size above 0 such as 128MiB, 1GB or 1000000. Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(size)


def parse_count(text: str) -> int:
    """`200M`, `2e8`, `1.5G` or a plain number to a number. K, M and G are powers of 1000."""
    written = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)(?:[eE]\+?(\d{1,2})|([KMGkmg]))?", text.strip())
    power = 0
    if written is not None:
        power = int(written[2] or 0) + 3 * " kmg".find((written[3] or " ").lower())
    number = Decimal(written[1]).scaleb(power) if written is not None else Decimal(0)
    if number < 1 or number != int(number):
        msg = f"expected a whole number above 0 such as 200M, 2e8 or 200000000. Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(number)


def parse_white(text: str) -> int:
    """A value of 16 bits."""
    if not re.fullmatch(r"-?\d{1,9}", text):
        msg = (
            "expected the value that is white, 1 to 65535, such as 4095 for twelve bits. The summary of a conversion "
            f"without --white says which value fits. Received: {text!r}"
        )
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def parse_color(text: str) -> tuple[int, int, int]:
    """`R,G,B` to three numbers, each 0 to 255."""
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) <= 255 for part in parts):
        msg = f"expected R,G,B, each 0 to 255. Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    red, green, blue = map(int, parts)
    return red, green, blue


def parse_split(text: str) -> dict[str, float]:
    """`train=0.8,validation=0.2` to shares by name."""
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, written = part.partition("=")
        try:
            share = float(written)
        except ValueError:
            msg = f"expected NAME=SHARE,... such as train=0.8,validation=0.2. Received: {text!r}"
            raise argparse.ArgumentTypeError(msg) from None
        if name.strip() in shares:
            msg = f"split {name.strip()!r} is named twice. Received: {text!r}"
            raise argparse.ArgumentTypeError(msg)
        shares[name.strip()] = share
    return shares


def parse_separator(text: str) -> str:
    r"""A separator as it is, or `tab`, `\t` or `space`, which are hard to type."""
    return {"tab": "\t", "\\t": "\t", "space": " "}.get(text.lower(), text)


def parse_split_folders(text: str) -> dict[str, str]:
    """`Training=train,fold1` to splits by folder name; a folder without a split is one of its own name. `none`: no folder."""
    if text.strip().lower() == "none":
        return {}
    splits: dict[str, str] = {}
    for part in text.split(","):
        written, equals, split = part.strip().rpartition("=")
        folder = written if equals else split
        if not folder or not split or folder in splits:
            msg = f"expected FOLDER=SPLIT,... such as Training=train,Testing=test, each folder once; or none. Received: {text!r}"
            raise argparse.ArgumentTypeError(msg)
        splits[folder] = split
    return splits


def parse_max_bad(text: str) -> int | float:
    """`N` to a number of files, `P%` to a share of them."""
    match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)%", text.strip())
    if match is None or (match[2] and float(match[2]) > 100):
        msg = f"expected a number of files such as 10, or a share such as 0.5%. Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]) if match[1] else float(match[2]) / 100


def check_number(options: argparse.Namespace, name: str, least: float, most: float | None = None) -> None:
    """Refuses a number that means nothing.

    Args:
        options: Of the command line.
        name: Of the option, with `_`. One that was not given is None.
        least: The smallest number.
        most: The largest one; None: there is none.

    Raises:
        UsageError: Naming the option.
    """
    from fitfeed.schemas.errors import UsageError

    value = getattr(options, name)
    if value is not None and not least <= value <= (math.inf if most is None else most):
        bounds = f"from {least}" if most is None else f"from {least} to {most}"
        msg = f"--{name.replace('_', '-')} expects a number {bounds}. Received: {value:g}"
        raise UsageError(msg)
