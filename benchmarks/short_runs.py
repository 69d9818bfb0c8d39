"""Measures short trainings: whether the default number of worker processes is ever slower than it need be.

Some images are read for some epochs, with an eighth as many for validation after each, as `fit` does. Each run is a
process of its own and is timed from its first batch to the end of its last epoch, without what TensorFlow takes to load.
The default, threads alone (`processes=0`) and workers from the first batch take turns. The shortest of several runs counts, since other
programs only ever make a run longer. CPU time is that of the process and its workers.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.material import link_sample
from fitfeed.beam_jobs import convert
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.cpus import available_cpus

ROOT = Path(__file__).resolve().parents[1]

IMAGES, EPOCHS = (100, 1000, 10_000), (1, 2, 5)

MAX_RATIO = 1.1
"""The default may take a tenth longer than the better of the two."""

PROGRAM = """
import json, resource, sys, time
from fitfeed import CenterCrop, RandomFlip, RandomResizedCrop, make_pipeline
dataset, epochs, processes = json.loads(sys.argv[1])
options = {"batch_size": 32, "image_size": (96, 96), "processes": processes}
train = make_pipeline(dataset, "train", augment=[RandomResizedCrop(), RandomFlip("horizontal")], **options)
val = make_pipeline(dataset, "validation", augment=[CenterCrop()], **options)

def cpu_s():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

used, began = cpu_s(), time.perf_counter()
for _ in range(epochs):
    for pipeline in (train, val):
        for _ in pipeline:
            pass
took = time.perf_counter() - began
del pipeline, train, val  # the workers end, and their time counts
time.sleep(0.5)
print(json.dumps([took, cpu_s() - used]))
"""


def main() -> int:
    """Prints a line for each number of images and epochs; the exit status says whether the default is good enough."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=IMAGES, help="for training")
    parser.add_argument("--epochs", type=int, nargs="+", default=EPOCHS)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each kind")
    arguments = parser.parse_args()
    good = True
    print("images  epochs  default        threads        workers        default / better")
    for images in arguments.images:
        with tempfile.TemporaryDirectory() as folder:
            dataset = material(Path(folder), images)
            for epochs in arguments.epochs:
                good &= compare(dataset, images, epochs, arguments.repeats)
    return 0 if good else 1


def material(folder: Path, images: int) -> Path:
    """Converts some photographs, and an eighth as many for validation, to 128 pixels."""
    for split, count in (("train", images), ("validation", -(-images // 8))):
        link_sample(folder / "photos" / split, count)
    convert(folder / "photos", folder / "dataset", ConvertOptions(size=(128, 128)), allow_leaks=True)
    return folder / "dataset"


def compare(dataset: Path, images: int, epochs: int, repeats: int) -> bool:
    """Prints a line, and returns whether the default was as good as it should be."""
    kinds: list[int | None] = [None, 0, available_cpus()]
    runs = [[run(dataset, epochs, processes) for processes in kinds] for _ in range(repeats)]
    best = [min(own) for own in zip(*runs, strict=True)]
    ratio: float = best[0][0] / min(best[1][0], best[2][0])
    cells = "  ".join(f"{took:5.2f} s {cpu:5.2f} s" for took, cpu in best)
    print(f"{images:6}  {epochs:6}  {cells}  {ratio:.2f}", flush=True)
    return ratio <= MAX_RATIO


def run(dataset: Path, epochs: int, processes: int | None) -> tuple[float, float]:
    """Returns the seconds that a run takes, and its CPU seconds."""
    arguments = json.dumps([str(dataset), epochs, processes])
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    took, cpu = json.loads(result.stdout)
    return took, cpu


if __name__ == "__main__":
    sys.exit(main())
