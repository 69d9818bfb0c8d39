"""Measures what a conversion takes before its first image and after its last one, on this machine."""

import os
import threading
import time
from pathlib import Path

import numpy as np

from fitfeed.converters.images.encode import encode_png
from fitfeed.schemas.processes.child_process import ChildProcess

USUAL_S = 2.5
"""That of the machine of docs/performance.md: Beam is imported, processes start, the dataset is published. It stands in where no
process can be started."""

MAX_S = 120.0
"""After so long, something hangs that a conversion would show."""


def start_seconds(folder: Path) -> float:
    """Converts one tiny picture in a process of its own, as the command would, and returns the seconds.

    Args:
        folder: An empty folder for the picture and its dataset.
    """
    source = folder / "source"
    source.mkdir(parents=True)
    (source / "a.png").write_bytes(encode_png(np.zeros((8, 8, 3), np.uint8)))
    began = time.perf_counter()
    try:
        child = ChildProcess(convert_picture, os.fsencode(folder))
    except OSError:
        return USUAL_S
    limit = threading.Timer(MAX_S, child.kill)
    limit.start()
    try:
        code = child.wait()
    finally:
        limit.cancel()
        child.kill()
    return USUAL_S if code else time.perf_counter() - began


def convert_picture(setup: bytes) -> None:
    """What the process does.

    Args:
        setup: The folder.
    """
    from fitfeed.beam_jobs.convert import convert

    folder = Path(os.fsdecode(setup))
    convert(folder / "source", folder / "dataset", labels="none")
