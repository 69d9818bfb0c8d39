"""The answer of `fitfeed bench` on a terminal, and as JSON."""

import math
from collections.abc import Iterator

from fitfeed.bench.load import MAX_LOAD
from fitfeed.bench.run import BenchResult
from fitfeed.output.table import aligned
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import OF_WORKERS, STAGES, Stage
from fitfeed.pipelines.stages.verdict import ExpectedChange
from fitfeed.schemas.strict_json import JsonObject


def stage_rate(result: BenchResult, stage: Stage) -> float | None:
    """Images per second of a stage, if it were the only one; None if it takes no time."""
    time, machinery = result.times[stage], result.machinery
    hands = min(machinery.workers, machinery.cpus) if stage in OF_WORKERS else 1
    return hands / time.seconds if time.seconds > 0 else None


def bench_lines(result: BenchResult, dataset: str) -> list[str]:
    """The table, the verdict, and what to do, as lines.

    Args:
        result: What was measured.
        dataset: As the user wrote it.
    """
    return [
        f"{dataset}, split {result.plan.split}: {_pipeline(result)}, made by {_hands(result.machinery)}",
        "",
        *aligned(_table(result)),
        "",
        *_verdict(result),
    ]


def bench_json(result: BenchResult, dataset: str) -> JsonObject:
    """The same as a document."""
    verdict, machinery, times = result.verdict, result.machinery, result.times
    size = result.plan.image_size
    return {
        "dataset": dataset,
        "split": result.plan.split,
        "batch_size": result.plan.batch_size,
        "image_size": None if size is None else list(size),
        "augment": [repr(each) for each in result.plan.augment],
        "dtype": result.plan.dtype,
        "stored": {
            "encoding": result.images.encoding,
            "median_height": result.images.height,
            "median_width": result.images.width,
        },
        "machine": {
            "cpus": machinery.cpus,
            "workers": machinery.workers,
            "kind": machinery.kind,
            "copied_bytes_per_second": machinery.memory_bytes_per_s,
        },
        "stages": {
            stage: {
                "images_per_second": stage_rate(result, stage),
                "cpu_us": 1e6 * times[stage].cpu_s,
                "wait_us": 1e6 * times[stage].wait_s,
                "floor_us": _us(times[stage].floor_s),
                "of_floor": times[stage].of_floor,
            }
            for stage in STAGES
        },
        "whole": {
            "images_per_second": verdict.rate,
            "cpu_us": 1e6 * times.cpu_s,
            "floor_images_per_second": result.floor_rate,
            "of_floor": _of_floor(result),
        },
        "disk": {
            "first_epoch_images_per_second": result.cold_rate,
            "later_epochs_from_memory": result.is_cached,
        },
        "load_before": result.load,
        "limit": verdict.limit,
        "slowest_stage": verdict.slowest,
        "verdict": verdict.sentence,
        "changes": [_change_json(each) for each in verdict.changes],
        "model": None
        if result.model is None
        else {
            "name": result.model.name,
            "device": result.model.on,
            "images_per_second": result.model.images_per_second,
            "step_seconds": result.model.step_s,
            "waiting": verdict.waiting if result.model.is_apart else None,
            "fit_waits": verdict.limit != "consumer" if result.model.is_apart else None,
        },
        "need": None
        if result.need is None
        else {"images_per_second": result.need, "ways": list(result.ways)},
        "seconds": result.seconds,
    }


def _table(result: BenchResult) -> list[list[str]]:
    rows = [["stage", "images/s", "CPU us/image", "floor us", "of the floor"]]
    for stage in STAGES:
        time = result.times[stage]
        rows.append(
            [
                stage,
                _number(stage_rate(result, stage)),
                f"{1e6 * time.cpu_s:,.1f}" if time.cpu_s else "-",
                "-" if time.floor_s is None else f"{1e6 * time.floor_s:,.1f}",
                _share(time.of_floor)
                + (f", and waits {1e6 * time.wait_s:,.0f} us" if time.wait_s > time.cpu_s else ""),
            ]
        )
    floor = result.times.floor_s
    cpu = f"{1e6 * result.times.cpu_s:,.1f}"
    whole = ["whole", _number(result.verdict.rate), cpu, "-" if floor is None else f"{1e6 * floor:,.1f}"]
    rows.append([*whole, _share(_of_floor(result))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [row[0], *(cell.rjust(width) for cell, width in zip(row[1:4], widths[1:4], strict=True)), row[4]]
        for row in rows
    ]


def _verdict(result: BenchResult) -> Iterator[str]:
    verdict = result.verdict
    if result.load > MAX_LOAD:
        yield (
            f"Other programs were busy ({result.load:.1f} for each CPU), so all of this is slower than it would be. "
            "Measure again on a quiet machine."
        )
    yield verdict.sentence
    if verdict.best is not None:
        beside = _beside(result)
        yield f"What would help most: {_promise(verdict.best, beside)}."
        for other in verdict.changes[1:]:
            yield f"  also: {_promise(other, beside)}"
    elif verdict.limit == "consumer":
        yield "Nothing about the data would help: only a smaller model, or a faster device for it."
    else:
        yield "No change that is known would help much: this is what the machine can do."
    if result.cold_rate is not None:
        later = (
            "later ones find them in memory"
            if result.is_cached
            else "later ones too, as memory cannot hold the split"
        )
        yield f"The disk delivers {result.cold_rate:,.0f} images/s in the first epoch; {later}."
    yield from _about_model(result)
    if result.need is not None:
        yield from _about_need(result, result.need)


def _about_model(result: BenchResult) -> Iterator[str]:
    model, verdict = result.model, result.verdict
    if model is None:
        return
    takes = f"{model.name} takes {model.images_per_second:,.0f} images/s on the {model.on} ({1e3 * model.step_s:,.0f} ms a step)"
    if verdict.shared_rate is not None:
        yield f"{takes}. It shares the CPUs with feeding, so fit will make about {verdict.shared_rate:,.0f} images/s."
    elif verdict.limit == "consumer":
        yield f"{takes}: fit will not wait for images."
    else:
        yield f"{takes}: fit will wait for images {100 * verdict.waiting:.0f}% of the time."
        if result.need is None and result.ways:
            yield f"What would end that: {'; or '.join(result.ways)}."


def _about_need(result: BenchResult, need: float) -> Iterator[str]:
    beside = _beside(result)
    if result.verdict.makes >= need:
        yield f"{need:,.0f} images/s{beside}: this machine makes them as it is."
    elif result.ways:
        yield f"{need:,.0f} images/s{beside} need: {'; or '.join(result.ways)}."
    else:
        yield f"{need:,.0f} images/s{beside}: nothing that is known reaches them."


def _beside(result: BenchResult) -> str:
    """The model, where what is made is what it leaves of the CPUs."""
    return "" if result.model is None or result.verdict.shared_rate is None else f" with {result.model.name}"


def _promise(expected: ExpectedChange, beside: str) -> str:
    change = expected.change
    how = "calculated"
    if change.is_measured:
        how = "measured" if change.rate is not None else "measured on a few images"
    return (
        f"{change.action}: {expected.rate:,.0f} images/s{beside}, {expected.gain:.1f} times as many ({how})"
    )


def _pipeline(result: BenchResult) -> str:
    plan, images = result.plan, result.images
    size = plan.image_size or (images.height, images.width)
    augment = f", {len(plan.augment)} augmentations" if plan.augment else ""
    return f"batches of {plan.batch_size}, {size[0]} x {size[1]} pixels, {plan.dtype}{augment}"


def _hands(machinery: Machinery) -> str:
    workers = {"threads": "thread", "processes": "worker process"}[machinery.kind]
    plural = "" if machinery.workers == 1 else "es" if workers.endswith("s") else "s"
    cpus = f"{machinery.cpus} CPU{'' if machinery.cpus == 1 else 's'}"
    return f"{machinery.workers} {workers}{plural} on {cpus}"


def _of_floor(result: BenchResult) -> float | None:
    floor = result.floor_rate
    return None if not floor else result.verdict.rate / floor


def _change_json(expected: ExpectedChange) -> JsonObject:
    return {
        "kind": expected.change.kind,
        "action": expected.change.action,
        "images_per_second": expected.rate,
        "gain": expected.gain,
        "is_measured": expected.change.is_measured,
    }


def _us(seconds: float | None) -> float | None:
    return None if seconds is None else 1e6 * seconds


def _number(rate: float | None) -> str:
    return "-" if rate is None or math.isinf(rate) else f"{rate:,.0f}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.2f}"
