"""Measures `make_pipeline` against the loaders that people use, on the same pictures, to the same batches.

F6, F7: JPEG of 256 pixels, a random part of each resized to 224 x 224 and flipped at random,
float32 normalised, batches of 128. The floor decodes and resizes the same bytes from memory in as
many threads, and does nothing else. F5: raw 224 x 224 uint8 pixels in HDF5.

Every contestant runs in a process of its own, with as many workers as there are CPUs; they take
turns. One that is not installed is left out: `pip install '.[bench]'` installs them all. Images per
second of CPU time count all processes of a contestant.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.loaders.material import Task
from benchmarks.material import link_sample
from benchmarks.measure import ROOT, Result
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.cpus import available_cpus

SIDE = 224

JPEG = {
    "floor": ("tensorflow_based", "floor", None),
    "fitfeed": ("tensorflow_based", "fitfeed", None),
    "fitfeed, threads": ("tensorflow_based", "fitfeed_threads", None),
    "tf.data by hand": ("tensorflow_based", "by_hand", None),
    "TFDS": ("tensorflow_based", "tfds", "tensorflow_datasets"),
    "Grain, threads": ("jax_based", "threads", "grain"),
    "Grain, processes": ("jax_based", "processes", "grain"),
    "WebDataset": ("torch_based", "webdataset", "webdataset"),
    "LitData": ("torch_based", "litdata", "litdata"),
    "MosaicML Streaming": ("torch_based", "mosaic", "streaming"),
    "PyTorch DataLoader": ("torch_based", "pytorch", "torch"),
    "fitfeed, make_loader.torch": ("torch_based", "fitfeed", "torch"),
    "fitfeed in DataLoader": ("torch_based", "fitfeed_examples", "torch"),
    "image_dataset_from_directory": ("tensorflow_based", "keras_folder", None),
    "ImageDataGenerator": ("tensorflow_based", "image_data_generator", "scipy"),
}
"""Name to module, function, and what must be installed."""

HDF5 = {
    "fitfeed": ("tensorflow_based", "raw_hdf5", None),
    "from_generator over h5py": ("tensorflow_based", "h5py_generator", None),
}


class Contestant:
    """A loader in its process."""

    def __init__(self, module: str, function: str, task: Task) -> None:
        """Starts it, and waits until its first epoch is over.

        Raises:
            RuntimeError: If it failed.
        """
        command = [sys.executable, "-m", "benchmarks.loaders", module, function, task.to_json()]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  stop() closes it
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        self._answer()

    def measure(self) -> dict[str, float]:
        """Images per second: `wall` by the clock, `cpu` per second of CPU time."""
        assert self._process.stdin is not None  # noqa: S101  asked for
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """Ends it with all its workers."""
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None  # noqa: S101  asked for
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            msg = f"it ended with exit status {self._process.returncode}:\n{self._log.read()[-2000:]}"
            raise RuntimeError(msg)
        answer: dict[str, float] = json.loads(line)
        return answer


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=1564, help="in an epoch (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--only", action="append", metavar="NAME", help="of the contestants; may repeat")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds, options.batch_size = 48, 1, 16
        options.only = options.only or ["floor", "fitfeed", "image_dataset_from_directory"]
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    settings = {"images": options.images, "batch_size": options.batch_size, "workers": available_cpus()}
    measure.report("feed_peers", results, options, **settings)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Runs both cases."""
    task = prepare(folder, options)
    raw = ConvertOptions(encoding="raw", size=(SIDE, SIDE), format="hdf5")
    convert(folder / "source", folder / "raw_hdf5", raw)
    return [
        *race("F6, F7 jpeg 256, float32", JPEG, task, options, floor="floor"),
        *race("F5 raw 224 in HDF5, uint8", HDF5, task, options, floor="from_generator over h5py"),
    ]


def prepare(folder: Path, options: argparse.Namespace) -> Task:
    """Converts photographs to JPEG of 256 pixels; returns what a loader is told of them."""
    link_sample(folder / "source", options.images)
    convert(folder / "source", folder / "jpeg", ConvertOptions(size=(256, 256)))
    statistics = open_dataset(folder / "jpeg").statistics
    return Task(
        str(folder), SIDE, options.batch_size, available_cpus(), list(statistics.mean), list(statistics.std)
    )


def race(
    case: str,
    contestants: Mapping[str, tuple[str, str, str | None]],
    task: Task,
    options: argparse.Namespace,
    *,
    floor: str,
) -> list[Result]:
    """Measures those of the contestants that are installed and wanted."""
    started: dict[str, Contestant] = {}
    try:
        for name, (module, function, needs) in contestants.items():
            if options.only is not None and name not in options.only:
                continue
            if needs is not None and find_spec(needs) is None:
                print(f"{name} is left out: {needs} is not installed", file=sys.stderr)
                continue
            try:
                started[name] = Contestant(module, function, task)
            except RuntimeError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
        rates = measure.alternate(
            {name: contestant.measure for name, contestant in started.items()}, rounds=options.rounds
        )
    finally:
        for contestant in started.values():
            contestant.stop()
    if floor not in rates:
        return []
    wall = {name: [rate["wall"] for rate in values] for name, values in rates.items()}
    cpu = {name: [rate["cpu"] for rate in values] for name, values in rates.items()}
    return [
        *measure.compared(case, wall, unit="images/s", floor=floor),
        *measure.compared(case, cpu, unit="images/CPU-s", floor=floor),
    ]


if __name__ == "__main__":
    sys.exit(main())
