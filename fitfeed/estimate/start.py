"""Measures what a conversion takes before its first image and after its last one, on this machine."""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fitfeed.converters.images.encode import encode_png
from fitfeed.schemas.processes.child_process import ChildProcess, discard_output

USUAL_S = 1.7
"""That of the machine of docs/performance.md, of which `benchmarks/results/startup.json` has five: Beam is imported, processes start,
the dataset is published. It stands in where none can be measured."""

MAX_S = 120.0
"""After so long, something hangs that a conversion would show."""


@dataclass(frozen=True, kw_only=True)
class ConversionStart:
    """What a conversion takes besides its images.

    Attributes:
        seconds: By the clock.
        is_measured: Whether it is that of this machine; if not, it is `USUAL_S`.
    """

    seconds: float
    is_measured: bool


USUAL = ConversionStart(seconds=USUAL_S, is_measured=False)


def conversion_start(folder: Path) -> ConversionStart:
    """Converts one tiny picture in a process of its own, as the command would.

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
        return USUAL
    limit = threading.Timer(MAX_S, child.kill)
    try:
        limit.start()
        code = child.wait()
    finally:
        limit.cancel()
        child.kill()
        child.wait()  # or after Ctrl-C, it would still write to a folder that is being removed
    return USUAL if code else ConversionStart(seconds=time.perf_counter() - began, is_measured=True)


def convert_picture(setup: bytes) -> None:
    """What the process does.

    Args:
        setup: The folder.
    """
    # A line of progress is on that terminal, and why it failed, the user's own conversion says.
    discard_output(1, 2)
    from fitfeed.beam_jobs.convert import convert

    folder = Path(os.fsdecode(setup))
    convert(folder / "source", folder / "dataset", labels="none")
