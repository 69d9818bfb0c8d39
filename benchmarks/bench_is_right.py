"""Slows each stage for real, and holds what `fitfeed bench` says against what then happens.

Each case is a process of its own. The verdict must name what was slowed. Then each change that `fitfeed bench` proposes is made
(converted again, other arguments, more CPUs), and the gain that was foretold is divided by the gain that was measured, medians of
alternating runs: within 0.8 and 1.25 is right. On a machine where other programs run, the whole is slower by chance, and
neither gain means anything.
"""

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import measure
from benchmarks.measure import Result
from fitfeed.schemas.cpus import available_cpus

RIGHT = (0.8, 1.25)
"""A foretold gain divided by the measured one."""

SIDE = 224


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """Something that is slow.

    Attributes:
        limit: What the verdict must be.
        function: The function of the user that it must name; None: none.
        dataset: Name of a conversion.
        augment: Names of functions of `slow_functions`.
        bytes_per_s: Of a throttled disk.
        model: A slow consumer.
        cpus: How many may be used; None: all.
        processes: As for `make_pipeline`.
        image_size: (height, width) of the batch.
    """

    limit: str
    function: str | None = None
    dataset: str = "jpeg"
    augment: Sequence[str] = ()
    bytes_per_s: float | None = None
    model: str | None = None
    cpus: int | None = None
    processes: int | None = None
    image_size: tuple[int, int] | None = (SIDE, SIDE)


CASES = {
    "photographs": Case(limit="decode", dataset="keep"),
    "png": Case(limit="decode", dataset="png"),
    "throttled disk": Case(limit="disk", dataset="keep", bytes_per_s=8e6, processes=0),
    "heavy function": Case(limit="augmentation", function="blur", augment=["blur"], processes=0),
    "python function": Case(limit="interpreter", function="count", augment=["count"], processes=0),
    "numpy function": Case(limit="augmentation", function="arrange", augment=["arrange"], processes=2),
    "slow consumer": Case(limit="consumer", model="resnet50"),
    "one CPU": Case(limit="workers", cpus=1),
    "one worker": Case(limit="workers", processes=1),
    "raw pixels": Case(limit="memory", dataset="raw", image_size=None),
}


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else a machine without a GPU prints an error
    parser = measure.parser(__doc__, rounds=3)
    parser.add_argument("--images", type=int, default=782, help="in a dataset (default: %(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=6.0, help="of each measurement (default: %(default)s)"
    )
    parser.add_argument("--case", choices=CASES, action="append", help="only this one; may repeat")
    parser.add_argument("--datasets", type=Path, help=argparse.SUPPRESS)  # of a process for one case
    options = parser.parse_args()
    if options.smoke:
        options.images, options.rounds, options.seconds = 40, 1, 0.3
    if options.datasets is not None:
        print(json.dumps(run_case(CASES[options.case[0]], options)))
        return 0
    names = options.case or (["photographs", "one worker"] if options.smoke else list(CASES))
    with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
        make_datasets(Path(folder), options.images, {CASES[name].dataset for name in names})
        outcomes = {name: in_process(name, Path(folder), options) for name in names}
    measure.report(
        "bench_is_right",
        [result for name, outcome in outcomes.items() for result in results(name, outcome)],
        options,
        images=options.images,
        threads=available_cpus(),
    )
    wrong = [line for name, outcome in outcomes.items() for line in mistakes(name, outcome)]
    print("\n".join(wrong or ["all verdicts and gains are right"]))
    return 1 if wrong and not options.smoke else 0


def make_datasets(folder: Path, images: int, names: set[str]) -> None:
    """Converts photographs in the ways that the cases need."""
    from benchmarks.material import link_sample
    from fitfeed.beam_jobs import convert
    from fitfeed.converters.options import ConvertOptions

    conversions = {
        "keep": ConvertOptions(),
        "jpeg": ConvertOptions(size=(256, 256)),
        "png": ConvertOptions(size=(256, 256), encoding="png"),
        "raw": ConvertOptions(size=(SIDE, SIDE), encoding="raw", fit="cover"),
    }
    link_sample(folder / "source", images)
    for name in sorted(names):
        convert(folder / "source", folder / name, conversions[name])


def in_process(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Runs a case in a process of its own, so that CPUs and the disk are as it wants them."""
    command = [sys.executable, __file__, "--case", name, "--datasets", str(folder)]
    command += ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    outcome: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return outcome


def run_case(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """Measures a case, and each change that is proposed.

    Args:
        case: What is slow.
        options: The command line.
    """
    all_cpus = os.sched_getaffinity(0)
    if case.cpus is not None:
        os.sched_setaffinity(0, sorted(all_cpus)[: case.cpus])
    from benchmarks import slow_functions
    from fitfeed.bench.hand_over import whole_rate
    from fitfeed.bench.plan import make_plan
    from fitfeed.bench.run import run_bench
    from fitfeed.pipelines import RandomFlip, RandomResizedCrop, open_dataset

    dataset = open_dataset(options.datasets / case.dataset)
    ours = [RandomResizedCrop(), RandomFlip("horizontal")] if case.image_size else []
    augment: Any = [*ours, *(getattr(slow_functions, name) for name in case.augment)]
    if case.bytes_per_s is not None:
        slow_functions.ThrottledDisk(case.bytes_per_s)
    plan = make_plan(dataset, image_size=case.image_size, augment=augment, processes=case.processes)
    result = run_bench(dataset, plan, model=case.model, seconds=options.seconds)

    timed = partial(whole_rate, seconds=options.seconds)
    runs: dict[str, Callable[[], float]] = {"now": partial(timed, dataset, plan)}
    # A throttle is of one process, so worker processes would have one each.
    hidden = ("processes", "workers") if case.bytes_per_s is not None else ()
    tried = [each for each in result.verdict.changes if each.change.kind not in hidden]
    for each in tried:
        changed = dataclasses.replace(plan)
        other = dataset
        match each.change.kind:
            case "size":
                other = open_dataset(
                    converted(options.datasets, case.dataset, size=result.images.smaller_side)
                )
            case "encoding":
                other = open_dataset(converted(options.datasets, case.dataset, encoding="jpeg"))
            case "processes" | "workers":
                changed = dataclasses.replace(plan, processes=each.change.machinery.workers)
            case "uint8":
                changed = dataclasses.replace(plan, dtype="uint8")
            case "operations":
                rest = [op for op in augment if name_of(op) not in each.change.action]
                changed = dataclasses.replace(plan, augment=rest)
            case "cpus":
                pass
        runs[each.change.kind] = partial(
            with_cpus, all_cpus if each.change.kind == "cpus" else None, timed, other, changed
        )
    rates = measure.alternate(runs, rounds=options.rounds)
    return {
        "expected": case.limit,
        "expected_function": case.function,
        "limit": result.verdict.limit,
        "function": result.verdict.function,
        "sentence": result.verdict.sentence,
        "cpu_us": {stage: 1e6 * time.cpu_s for stage, time in result.times.stages.items()},
        "efficiency": result.verdict.efficiency,
        "rates": rates,
        "foretold": {each.change.kind: each.gain for each in tried},
    }


def name_of(operation: Any) -> str:
    """As `fitfeed bench` names it."""
    return str(getattr(operation, "__name__", None) or repr(operation))


def converted(folder: Path, name: str, **changed: Any) -> Path:
    """Converts the photographs of a case once more, as was proposed."""
    from fitfeed.beam_jobs import convert
    from fitfeed.converters.options import ConvertOptions

    size = (256, 256) if name == "png" else None
    settings = {"size": size, **changed}
    if isinstance(settings["size"], int):
        settings["size"] = (settings["size"], settings["size"])
    target = folder / f"{name}-{'-'.join(map(str, changed.values()))}"
    convert(folder / "source", target, ConvertOptions(**settings))
    return target


def with_cpus(cpus: set[int] | None, timed: Callable[..., float], dataset: Any, plan: Any) -> float:
    """Measures with other CPUs, and takes them back."""
    before = os.sched_getaffinity(0)
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    try:
        return timed(dataset, plan)
    finally:
        os.sched_setaffinity(0, before)


def gains(outcome: dict[str, Any]) -> dict[str, list[float]]:
    """Foretold gain divided by the measured one, of each change, by round."""
    now = statistics.median(outcome["rates"]["now"])
    return {
        kind: [foretold / (rate / now) for rate in outcome["rates"][kind]]
        for kind, foretold in outcome["foretold"].items()
    }


def verdicts(outcome: dict[str, Any]) -> tuple[str, str]:
    """What was said to limit, and what should have been."""
    pairs = [("limit", "function"), ("expected", "expected_function")]
    said, expected = (
        f"{outcome[limit]}, {outcome[function]}" if outcome[function] else outcome[limit]
        for limit, function in pairs
    )
    return said, expected


def results(name: str, outcome: dict[str, Any]) -> list[Result]:
    """The lines of a case."""
    said, expected = verdicts(outcome)
    right = "right" if said == expected else f"WRONG, expected {expected}"
    lines = [
        Result(
            case=name,
            contestant=f"verdict: {said} ({right})",
            unit="images/s",
            values=outcome["rates"]["now"],
        )
    ]
    for kind, ratios in gains(outcome).items():
        foretold = outcome["foretold"][kind]
        lines += [
            Result(
                case=name,
                contestant=f"after {kind}, foretold x {foretold:.2f}",
                unit="images/s",
                values=outcome["rates"][kind],
            ),
            Result(case=name, contestant=f"gain of {kind}, foretold / measured", unit="ratio", values=ratios),
        ]
    return lines


def mistakes(name: str, outcome: dict[str, Any]) -> list[str]:
    """What is wrong about a case, as lines."""
    found = []
    said, expected = verdicts(outcome)
    if said != expected:
        found.append(f"{name}: expected {expected}. {outcome['sentence']} {outcome['cpu_us']}")
    for kind, ratios in gains(outcome).items():
        ratio = statistics.median(ratios)
        if not RIGHT[0] <= ratio <= RIGHT[1]:
            found.append(f"{name}: the gain of {kind} was foretold as {ratio:.2f} of what it is")
    return found


if __name__ == "__main__":
    sys.exit(main())
