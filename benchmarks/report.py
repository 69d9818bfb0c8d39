"""Measures `fitfeed report` of a dataset of a million examples in a thousand classes: seconds, CPU seconds, bytes of the page.

The pictures are noise of 128 x 128 pixels, which takes more bytes than any photograph. Each is in the dataset many times, as
links to its shard. The promise is 20 s and 10 MB.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import simplejpeg

from benchmarks import measure
from benchmarks.measure import Result
from benchmarks.scale_material import repeat_dataset
from fitfeed import ConvertOptions, convert
from fitfeed.schemas.manifest import read_manifest

CLASSES, EXAMPLES = 1000, 1_000_000
EACH = 10
"""Different pictures of each class."""

SIDE = 128
SMOKE = (20, 1000)
MAX_SECONDS, MAX_MB = 20.0, 10.0


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    options = parser.parse_args()
    classes, examples = SMOKE if options.smoke else (CLASSES, EXAMPLES)
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as name:
        folder = Path(name)
        write_source(folder / "source", classes)
        split = {"train": 0.8, "validation": 0.1, "test": 0.1}
        convert(folder / "source", folder / "small", ConvertOptions(split=split, shards=1))
        repeat_dataset(folder / "small", folder / "large", times=examples // (classes * EACH))
        found = sum(part.examples for part in read_manifest(folder / "large").splits.values())
        runs = [make_page(folder) for _ in range(options.rounds)]
    case = f"page of {found:,} examples in {classes:,} classes"
    limits = {"seconds": MAX_SECONDS, "MB": MAX_MB}
    results = [
        Result(
            case=case,
            contestant="fitfeed report",
            unit=unit,
            values=[run[unit] for run in runs],
            limit=limits.get(unit),
        )
        for unit in ("seconds", "CPU seconds", "MB")
    ]
    measure.report("report", results, options, classes=classes, examples=found)
    return 0


def write_source(folder: Path, classes: int) -> None:
    """Fills a source folder with JPEG files of noise."""
    for number in range(classes):
        (folder / f"class{number:04}").mkdir(parents=True)
        pictures = np.random.default_rng(number).integers(0, 256, (EACH, SIDE, SIDE, 3), np.uint8)
        for place, pixels in enumerate(pictures):
            path = folder / f"class{number:04}" / f"{number:04}_{place}.jpg"
            path.write_bytes(simplejpeg.encode_jpeg(pixels, quality=90))


def make_page(folder: Path) -> dict[str, float]:
    """Makes the page in a process of its own: what it took, and its size."""
    before, cpu = time.perf_counter(), _cpu_seconds()
    command = [
        sys.executable,
        "-m",
        "fitfeed",
        "report",
        str(folder / "large"),
        "-o",
        str(folder / "page.html"),
        "--json",
    ]
    made = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {
        "seconds": time.perf_counter() - before,
        "CPU seconds": _cpu_seconds() - cpu,
        "MB": made["bytes"] / 1e6,
    }


def _cpu_seconds() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
