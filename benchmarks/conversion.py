"""One conversion by `fitfeed.beam_jobs.convert`; prints the trace of its progress as JSON.

Other benchmarks start this as a process of its own.
"""

import argparse
import json
import sys
import time
from pathlib import Path

from typing_extensions import override

from fitfeed.beam_jobs import convert
from fitfeed.beam_jobs.progress import NoProgress
from fitfeed.converters.options import ConvertOptions


class Trace(NoProgress):
    """Remembers when which number of images was done."""

    def __init__(self) -> None:
        """Starts empty."""
        self.points: list[tuple[float, int]] = []

    @override
    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        self.points.append((time.monotonic(), images))


def main() -> int:
    """Converts; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--format", choices=["tfrecord", "hdf5"], default="tfrecord")
    parser.add_argument("--encoding", choices=["keep", "jpeg", "png", "raw"])
    parser.add_argument("--size", type=int, help="target size of both sides")
    parser.add_argument("--workers", type=int)
    arguments = parser.parse_args()
    options = ConvertOptions(
        format=arguments.format,
        encoding=arguments.encoding,
        size=arguments.size and (arguments.size, arguments.size),
    )
    trace = Trace()
    convert(arguments.source, arguments.dataset, options, workers=arguments.workers, progress=trace)
    json.dump(trace.points, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
