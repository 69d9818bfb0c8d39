"""Histograms of a dataset in the terminal: how many images each class has, and how often pixels have each brightness.

classes    daisy  ██████████████████████████████ 512
           rose   █████▉                         101
pixels     red    ▁▂▃▄▄▅▆▇█▇▆▅▄▄▃▂▁▁
           0                     255
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from tqdm.utils import disp_len, disp_trim

from fitfeed.schemas.bit_depth import levels_of
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.text import printable

MIN_COLUMNS = 60
"""In fewer columns, numbers alone are easier to read."""

MAX_BAR = 40
MAX_NAME = 24
"""Columns of a bar, and of a name."""

MAX_CLASSES = 12
"""Of more classes, the largest and the smallest are shown."""

BINS = 32
"""Columns of a histogram of pixels; each is of 8 values, or 2,048."""

EIGHTHS = " ▏▎▍▌▋▊▉█"
HEIGHTS = " ▁▂▃▄▅▆▇█"

INDENT = " " * 11


def histogram_lines(manifest: Manifest, columns: int | None) -> list[str]:
    """The histograms of a dataset.

    Args:
        manifest: Of the dataset.
        columns: Width of the terminal; None if there is none, or if it cannot show bars.

    Returns:
        The lines; none where the terminal is not wide enough.
    """
    if columns is None or columns < MIN_COLUMNS:
        return []
    totals = [
        sum(counts)
        for counts in zip(*(split.class_counts for split in manifest.splits.values()), strict=True)
    ]
    pixels = manifest.splits[manifest.statistics.split].counts
    return [
        *class_bars(manifest.class_names, totals, columns),
        *pixel_bars(pixels, levels_of(manifest.features.image.depth) - 1),
    ]


def class_bars(names: Sequence[str], counts: Sequence[int], columns: int) -> list[str]:
    """A bar for each class, of all splits together; of many classes, for the largest and the smallest.

    Args:
        names: The classes.
        counts: Images of each.
        columns: Width of the terminal.
    """
    if not names or not any(counts):
        return []
    chosen = list(zip(names, counts, strict=True))
    left_out = len(chosen) - MAX_CLASSES
    if left_out > 0:
        chosen.sort(key=lambda item: -item[1])
        chosen = [*chosen[: MAX_CLASSES // 2], *chosen[-MAX_CLASSES // 2 :]]
    shown = [disp_trim(printable(name), MAX_NAME) for name, _ in chosen]
    width = max(map(disp_len, shown))
    room = min(MAX_BAR, columns - len(INDENT) - width - len(f"  {max(counts):,} ") - 1)
    lines = [
        f"{INDENT}{name}{' ' * (width - disp_len(name))}  {_bar(count / max(counts), room)} {count:,}"
        for name, (_, count) in zip(shown, chosen, strict=True)
    ]
    if left_out > 0:
        lines.insert(MAX_CLASSES // 2, f"{INDENT}... {left_out:,} more classes between them")
    return ["classes" + lines[0][len("classes") :], *lines[1:]]


def pixel_bars(histogram: npt.NDArray[np.int64], brightest: int) -> list[str]:
    """A row of bars for each channel.

    Args:
        histogram: How often each value occurs: int64 (channels, 256 or 65536).
        brightest: The largest value.
    """
    binned = histogram.reshape(len(histogram), BINS, -1).sum(axis=2)
    highest = max(1, int(binned.max()))
    names = ("red", "green", "blue") if len(binned) == 3 else ("gray",)
    lines = [
        f"{INDENT}{name:<5}  {''.join(_of(HEIGHTS, count / highest) for count in channel.tolist())}".rstrip()
        for name, channel in zip(names, binned, strict=True)
    ]
    axis = f"{INDENT}{'':<5}  0{brightest:>{BINS - 1}}"
    return ["pixels" + lines[0][len("pixels") :], *lines[1:], axis]


def _bar(share: float, room: int) -> str:
    """A horizontal bar in eighths of a column, padded to the room. What is not 0 is seen."""
    eighths = max(round(share * room * 8), 1 if share else 0)
    whole, rest = divmod(eighths, 8)
    return f"{EIGHTHS[-1] * whole}{EIGHTHS[rest] if rest else ''}".ljust(room)


def _of(characters: str, share: float) -> str:
    """The character of a height: the first only for nothing at all."""
    return characters[max(round(share * (len(characters) - 1)), 1 if share else 0)]
