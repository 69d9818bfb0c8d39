"""Measures training on an accelerator: steps of ResNet-50 on batches of `make_loader`, and on one batch that stays there.

If both take the same time, the loader keeps the accelerator busy. Neither TensorFlow nor Keras, torchvision or a network is
needed: the models are written in `training_steps`. Each framework has a process of its own, so that it has all of the
device's memory, and one that fails leaves the others.

Two steps are queued, as in training where nobody looks at each loss. A contestant waits for the step before the last,
and then asks for its next batch; the rest of its time is that of the device.

    python benchmarks/accelerator.py --dataset flowers --json accelerator.json
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.material import link_sample
from benchmarks.measure import ROOT, Result
from benchmarks.training_steps.step import Network, TrainingStep
from fitfeed.beam_jobs import convert
from fitfeed.pipelines import RandomFlip, RandomResizedCrop, make_loader, open_dataset
from fitfeed.schemas.cpus import available_cpus

ALONE = "loader alone"
"""Has no step: it shows what the loader could feed."""

FRAMEWORKS = (ALONE, "jax", "torch")

SIDE = 224

QUEUED = 2
"""Steps that the device has to do while the next batch is asked for."""

FINISHED = 6
"""Steps before the clock starts: as long as nobody asked, the loader has finished a few batches."""

KEPT, FED, WAITING = "one batch on the device", "batches of the loader", "share of time in next()"


class Workload(NamedTuple):
    """How much is done.

    Attributes:
        network: The network.
        side: Height and width of the images.
        batch_size: Images of a step.
        seconds: Time of one measurement.
    """

    network: Network
    side: int
    batch_size: int
    seconds: float


class Rate(NamedTuple):
    """What one measurement gives.

    Attributes:
        images_s: Images per second.
        waiting: Share of the time that was spent in `next()`.
    """

    images_s: float
    waiting: float


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument(
        "--dataset", type=Path, help="a dataset of photographs (default: the sample, converted)"
    )
    parser.add_argument(
        "--frameworks", nargs="+", choices=FRAMEWORKS, default=_installed(), help="default: those installed"
    )
    parser.add_argument("--batch-size", type=int, default=256, help="images of a step (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="of one measurement (default: %(default)s)"
    )
    parser.add_argument("--processes", type=int, default=measure.WORKERS, help="default: one for each CPU")
    parser.add_argument("--only", choices=FRAMEWORKS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.smoke:
        options.batch_size, options.seconds, options.rounds = 4, 0.1, 1
    if options.only is not None:
        print(json.dumps(measured(options)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        options.dataset = options.dataset or _sample(Path(folder), images=64 if options.smoke else 12_000)
        results, devices, failed = [], {}, []
        for framework in options.frameworks:
            print(f"== {framework}", flush=True)
            part = _in_own_process(framework, options)
            if part is None:
                failed.append(framework)
                continue
            devices[framework] = part["device"]
            results += _results(framework, part["results"])
            print(measure.table(results), flush=True)  # the whole takes minutes
    settings = {
        "devices": devices,
        "failed": failed,
        "batch_size": options.batch_size,
        "seconds": options.seconds,
        "processes": options.processes,
    }
    print(", ".join(f"{name}: {value}" for name, value in settings.items()), flush=True)
    measure.report("accelerator", results, options, **settings)
    return 1 if failed else 0


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Measures one framework, in a process of its own."""
    workload = Workload(Network(), SIDE, options.batch_size, options.seconds)
    if options.smoke:
        workload = workload._replace(network=Network((1, 1), 8), side=32)
    dataset = open_dataset(options.dataset)
    loader = make_loader(
        dataset,
        "train",
        batch_size=workload.batch_size,
        image_size=(workload.side, workload.side),
        augment=[RandomResizedCrop(), RandomFlip("horizontal")],
        dtype="bfloat16",
        processes=options.processes,
    )
    if options.only == ALONE:
        fed = _endless(lambda: iter(loader))
        next(fed)
        rates = [rate(_no_step, fed, workload) for _ in range(options.rounds)]
        return {"device": f"{available_cpus()} CPUs", "results": {FED: rates}}
    step = _step(options.only, workload.network)
    fed = _endless(lambda: iter(step.batches(loader)))
    kept = next(fed)
    began = time.perf_counter()
    for _ in range(3):  # compiles, and chooses algorithms
        step.value(step(*kept))
    print(f"ready in {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    contestants: dict[str, Callable[[], Rate]] = {
        KEPT: partial(rate, step, _endless(lambda: iter([kept])), workload),
        FED: partial(rate, step, fed, workload),
    }
    return {"device": step.device, "results": measure.alternate(contestants, rounds=options.rounds)}


def rate(step: TrainingStep | Callable[..., Any], batches: Iterator[Any], workload: Workload) -> Rate:
    """Takes steps for some time.

    Args:
        step: The step; a plain function has nothing to wait for.
        batches: Endless batches.
        workload: How long.
    """
    wait = getattr(step, "value", _no_step)
    for _ in range(FINISHED):
        wait(step(*next(batches)))
    queued: deque[Any] = deque()
    began, waited, steps = time.perf_counter(), 0.0, 0
    while time.perf_counter() - began < workload.seconds:
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        queued.append(step(*batch))
        del batch  # its memory may be used again
        steps += 1
        if len(queued) > QUEUED:
            wait(queued.popleft())
    while queued:
        wait(queued.popleft())
    took = time.perf_counter() - began
    return Rate(steps * workload.batch_size / took, waited / took)


def _no_step(*_: Any) -> None:
    """Looks at nothing."""


def _step(framework: str, network: Network) -> TrainingStep:
    if framework == "jax":
        from benchmarks.training_steps.jax_step import JaxStep

        return JaxStep(network)
    from benchmarks.training_steps.torch_step import TorchStep

    return TorchStep(network)


def _endless(epoch: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    while True:
        yield from epoch()


def _in_own_process(framework: str, options: argparse.Namespace) -> dict[str, Any] | None:
    """Measures a framework; None if that failed, which its own error output explains."""
    command = [
        sys.executable, __file__, "--only", framework, "--dataset", str(options.dataset), "--rounds", str(options.rounds),
        "--batch-size", str(options.batch_size), "--seconds", str(options.seconds), "--processes", str(options.processes),
        *(["--smoke"] if options.smoke else []),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"{framework} failed, with exit status {done.returncode}", flush=True)
        return None
    part: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return part


def _results(framework: str, rates: dict[str, list[list[float]]]) -> list[Result]:
    images = {name: [images_s for images_s, _ in values] for name, values in rates.items()}
    waiting = [waiting for _, waiting in rates[FED]]
    return [
        *measure.compared(framework, images, unit="images/s", floor=KEPT if KEPT in images else FED),
        Result(case=framework, contestant=WAITING, unit="of 1", values=waiting),
    ]


def _installed() -> list[str]:
    return [name for name in FRAMEWORKS if name == ALONE or importlib.util.find_spec(name)]


def _sample(folder: Path, *, images: int) -> Path:
    link_sample(folder / "source", images)
    convert(folder / "source", folder / "dataset")
    return folder / "dataset"


if __name__ == "__main__":
    sys.exit(main())
