"""Compares what lanes converted and fed: `python -m tests.lanes.compare FOLDER ...`, the newest lane last.

It needs NumPy only, so any lane's interpreter will do.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

VERSIONS_NAME, FILES_NAME, BATCHES_NAME, WAYS_NAME = "versions.json", "files.json", "batches.npz", "ways.json"
ALIKE = "the same"
PLAIN = "plain calls"
"""Of the function that makes a batch: what the digests of all ways to get batches are compared with."""
EXACT = frozenset({"cut out, flipped, images", "raw pixels, images", "mixed, images"})
"""Images that are neither resized nor warped, so that OpenCV's version does not matter."""


@dataclass(frozen=True)
class Lane:
    """What `python -m tests.lanes` wrote.

    Attributes:
        name: Name of the folder.
        versions: Package to version.
        files: Name of a conversion to the digests of its files.
        batches: Name of epochs and part to an array.
    """

    name: str
    versions: dict[str, str]
    files: dict[str, dict[str, str]]
    batches: dict[str, npt.NDArray[Any]]

    @classmethod
    def read(cls, folder: Path) -> "Lane":
        """Reads a lane's folder."""
        with np.load(folder / BATCHES_NAME) as arrays:
            batches = dict(arrays)
        return cls(
            folder.name,
            json.loads((folder / VERSIONS_NAME).read_text()),
            json.loads((folder / FILES_NAME).read_text()),
            batches,
        )

    @property
    def opencv(self) -> str:
        """The first number of OpenCV's version: another one warps images differently."""
        return self.versions["opencv-python-headless"].partition(".")[0]


def files_differ(one: dict[str, str], other: dict[str, str]) -> str:
    """What is different between the files of two datasets, or `ALIKE`."""
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return f"differ: {', '.join(names)}" if names else ALIKE


def arrays_differ(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> str:
    """How different two arrays are, or `ALIKE`."""
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return f"{one.shape} {one.dtype}, {other.shape} {other.dtype}"
    if one.tobytes() == other.tobytes():
        return ALIKE
    off = np.abs(one.astype(np.float64) - other.astype(np.float64))
    share = np.count_nonzero(off) / off.size
    return f"{share:.1%} differ, by {np.quantile(off[off > 0], 0.5):.3g} (median) to {off.max():.3g}"


def table(lanes: Sequence[Lane], parts: dict[str, list[str]]) -> list[str]:
    """Rows of a table of Markdown, with a column for each lane."""
    head = ["| | " + " | ".join(lane.name for lane in lanes) + " |", "|---" * (len(lanes) + 1) + "|"]
    return head + [f"| {name} | " + " | ".join(cells) + " |" for name, cells in parts.items()]


def compare(lanes: Sequence[Lane]) -> tuple[list[str], list[str]]:
    """Compares each lane with the last.

    Returns:
        Lines of a page with three tables, and what is different although it must not be.
    """
    last = lanes[-1]
    packages = {name: [lane.versions[name] for lane in lanes] for name in last.versions}
    files = {
        name: [files_differ(lane.files.get(name, {}), last.files[name]) for lane in lanes]
        for name in last.files
    }
    batches = {
        name: [arrays_differ(lane.batches[name], last.batches[name]) for lane in lanes]
        for name in last.batches
    }
    wrong = [
        f"{lane.name}: {name}: {cells[i]}"
        for rows in (files, batches)
        for name, cells in rows.items()
        for i, lane in enumerate(lanes)
        if cells[i] != ALIKE and (not _is_resampled(name) or lane.opencv == last.opencv)
    ]
    lines = [*table(lanes, packages), "", *table(lanes, files), "", *table(lanes, batches)]
    return lines, wrong


def _is_resampled(name: str) -> bool:
    return name.endswith(", images") and name not in EXACT


def main(folders: Sequence[Path]) -> int:
    """Prints the tables; returns the exit status."""
    lines, wrong = compare([Lane.read(folder) for folder in folders])
    print("\n".join(lines))  # noqa: T201
    for line in wrong:
        print(f"Not the same in all lanes: {line}", file=sys.stderr)  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
