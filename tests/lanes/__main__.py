"""Writes what this lane converts and feeds, for `tests.lanes.compare`: `python -m tests.lanes FOLDER`."""

import json
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from fitfeed.pipelines import make_pipeline, open_dataset
from fitfeed.pipelines.needed_package import is_installed
from tests.lanes import ways
from tests.lanes.batches import EPOCHS_OF, KEPT, Arrays, feed
from tests.lanes.compare import (
    ALIKE,
    BATCHES_NAME,
    FILES_NAME,
    PLAIN,
    VERSIONS_NAME,
    WAYS_NAME,
    arrays_differ,
)
from tests.lanes.conversions import convert_all, digests_of

PACKAGES = (
    *(
        "tensorflow",
        "keras",
        "jax",
        "torch",
        "numpy",
        "opencv-python-headless",
        "pillow",
        "simplejpeg",
        "h5py",
    ),
    *("pyarrow", "protobuf", "numba", "apache-beam"),
)


def versions() -> dict[str, str]:
    """Python's version, and those of the packages that are installed here."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


def main(folder: Path) -> int:
    """Converts and feeds all that there is, and compares all ways to get batches; returns the exit status.

    Where there is no TensorFlow, there is no `make_pipeline`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    different = []
    with tempfile.TemporaryDirectory(prefix="fitfeed-lanes-") as temporary:
        datasets = convert_all(Path(temporary))
        batches: Arrays = {}
        for name in EPOCHS_OF:
            fed = feed(datasets, name)
            batches |= {f"{name}, {part}": array for part, array in fed.items()}
            if is_installed("tensorflow"):
                by_pipeline = feed(datasets, name, make_pipeline)
                found = {part: arrays_differ(fed[part], by_pipeline[part]) for part in fed}
                different += [
                    f"make_pipeline, {name}, {part}: {how}" for part, how in found.items() if how != ALIKE
                ]
        files = {name: digests_of(dataset) for name, dataset in datasets.items()}
        digests = ways.digests_of(open_dataset(datasets[KEPT]))
    different += [
        f"{way}, {name}: another digest" for name, of in digests.items() for way in of if of[way] != of[PLAIN]
    ]
    (folder / VERSIONS_NAME).write_text(json.dumps(versions(), indent=1))
    (folder / FILES_NAME).write_text(json.dumps(files, indent=1))
    (folder / WAYS_NAME).write_text(json.dumps(digests, indent=1))
    np.savez_compressed(folder / BATCHES_NAME, **batches)  # type: ignore[arg-type]  # taken for allow_pickle, a keyword
    for name in different:
        print(f"Not the batches of make_loader: {name}", file=sys.stderr)  # noqa: T201
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
