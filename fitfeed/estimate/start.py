"""Measures what a conversion takes before its first image and after its last one, on this machine."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from fitfeed.converters.images.encode import encode_png

USUAL_S = 2.5
"""That of the machine of docs/performance.md: Beam is imported, processes start, the dataset is published. It stands in where the
command cannot be run."""

MAX_S = 120.0
"""After so long, something hangs that a conversion would show."""


def start_seconds(folder: Path) -> float:
    """Converts one tiny picture by the command, in a process of its own as a user would, and returns the seconds.

    Args:
        folder: An empty folder for the picture and its dataset.
    """
    source = folder / "source"
    source.mkdir(parents=True)
    (source / "a.png").write_bytes(encode_png(np.zeros((8, 8, 3), np.uint8)))
    command = [sys.executable, "-m", "fitfeed", "convert", str(source), str(folder / "dataset")]
    began = time.perf_counter()
    try:
        subprocess.run(
            [*command, "--labels", "none", "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=MAX_S,
        )
    except (OSError, subprocess.SubprocessError):
        return USUAL_S
    return time.perf_counter() - began
