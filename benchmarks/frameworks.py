"""Measures the same batches in each framework, and PyTorch's `DataLoader` on the same files.

F8: JPEG of 256 pixels, a random part of each resized to 224 x 224 and flipped at random, float32 normalised, batches of 128, on this
machine's CPUs: what it costs to hand NumPy arrays over to TensorFlow, PyTorch and JAX. All but `DataLoader` take bit for bit the same
batches, from as many worker processes as there are CPUs. All are divided by `make_loader`, NumPy arrays. `floor` decodes and resizes the
same bytes in as many threads, and does nothing else.

Every contestant runs in a process of its own; they take turns. What is not installed is left out, and says so.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.feed_peers import prepare, race
from benchmarks.measure import Result
from fitfeed.schemas.cpus import available_cpus

CONTESTANTS = {
    "make_loader": ("numpy_based", "fitfeed", None),
    "floor": ("tensorflow_based", "floor", None),
    "make_pipeline": ("tensorflow_based", "fitfeed", "tensorflow"),
    "make_loader, torch": ("torch_based", "fitfeed", "torch"),
    "make_loader, jax": ("jax_based", "fitfeed", "jax"),
    "TorchExamples in DataLoader": ("torch_based", "fitfeed_examples", "torch"),
    "DataLoader on files": ("torch_based", "pytorch", "torch"),
}
"""Name to module, function, and what must be installed."""


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=5)
    parser.add_argument("--images", type=int, default=1564, help="in an epoch (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--only", action="append", metavar="NAME", help="of the contestants; may repeat")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds, options.batch_size = 48, 1, 16
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        results = run(Path(folder), options)
    settings = {"images": options.images, "batch_size": options.batch_size, "workers": available_cpus()}
    measure.report("frameworks", results, options, **settings)
    return 0


def run(folder: Path, options: argparse.Namespace) -> list[Result]:
    """Converts, and lets those take part that are installed."""
    task = prepare(folder, options)
    return race("F8 jpeg 256, float32", CONTESTANTS, task, options, floor="make_loader")


if __name__ == "__main__":
    sys.exit(main())
