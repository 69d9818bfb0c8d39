"""What could be changed about a pipeline, and what its stages would then take."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.schemas.bit_depth import Depth

ChangeKind = Literal["size", "encoding", "processes", "workers", "cpus", "uint8", "operations"]

ROOM_TO_CROP = 8 / 7
"""A stored side for an output side of 1: 256 for 224, as random crops are usually made."""

WORTH_SMALLER = 0.8
"""Images are worth converting again if their shorter side becomes so much of what it is, or less."""

DECODE_POWER, AUGMENT_SHARE = 0.7, 0.5
"""How decoding depends on the number of pixels, and which part of augmentation does. From 533 x 400 to 256 pixels, 0.41 of the
pixels take 0.54 of the time to decode, and 0.55 to crop and resize (docs/performance.md)."""

VALUE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "uint16": 2, "uint8": 1}
"""Bytes of a value, for each type that a batch can have."""


@dataclass(frozen=True, kw_only=True)
class StoredImages:
    """What is known of the images of a dataset and of what a pipeline makes of them.

    Attributes:
        height: As stored, median.
        width: As stored, median.
        encoding: How most of them are stored.
        depth: Bits per value.
        image_size: (height, width) that the pipeline makes; None: as stored.
        normalizes: Whether the pipeline makes floats.
        dtype: Of the batch.
        operations: How many augmentations it has.
        may_fork: Whether worker processes can do what it does: there is no function that lives in the script only.
    """

    height: int
    width: int
    encoding: Literal["jpeg", "png", "raw"]
    depth: Depth = 8
    image_size: tuple[int, int] | None = None
    normalizes: bool = True
    dtype: str = "float32"
    operations: int = 0
    may_fork: bool = True

    @property
    def smaller_side(self) -> int | None:
        """The `--size` that leaves random crops some room; None if the images are hardly larger."""
        if self.image_size is None or self.encoding == "raw":
            return None
        exact = max(self.image_size) * ROOM_TO_CROP
        step = 32 if exact >= 128 else 8
        side = math.ceil(exact / step - 1e-9) * step
        return side if side <= WORTH_SMALLER * min(self.height, self.width) else None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing to change.

    Attributes:
        kind: Which of them.
        action: What to do, as an imperative without a full stop.
        times: What the stages take after it.
        machinery: What executes them after it.
        is_measured: Whether `times` or `rate` were measured. If not, `times` are foretold from what they are now.
        rate: Images per second that the whole makes after it, if somebody has tried; None: `times` and `machinery` say it.
    """

    kind: ChangeKind
    action: str
    times: StageTimes
    machinery: Machinery
    is_measured: bool = False
    rate: float | None = None


def possible_changes(
    times: StageTimes,
    machinery: Machinery,
    images: StoredImages,
    *,
    measured: Mapping[ChangeKind, StageTimes] | None = None,
    rates: Mapping[ChangeKind, float] | None = None,
    operation: str | None = None,
) -> list[Change]:
    """Lists what could be changed.

    Args:
        times: What the stages take now.
        machinery: What executes them now.
        images: What is stored.
        measured: What the stages take after a change, where somebody has tried. Others are foretold.
        rates: Images per second of the whole after a change, where somebody has tried that.
        operation: The augmentation that costs most, if somebody has measured which.
    """
    measured = {} if measured is None else measured
    rates = {} if rates is None else rates
    found: list[Change] = []
    for kind, action, foretold in _other_work(times, images, operation):
        after = measured.get(kind, foretold)
        if after is not None:
            found.append(
                Change(
                    kind=kind,
                    action=action,
                    times=after,
                    machinery=machinery,
                    is_measured=kind in measured or kind in rates,
                    rate=rates.get(kind),
                )
            )
    for kind, action, other in _other_machinery(times, machinery, images):
        found.append(Change(kind=kind, action=action, times=times, machinery=other))
    return found


def _other_work(
    times: StageTimes, images: StoredImages, operation: str | None
) -> Iterator[tuple[ChangeKind, str, StageTimes | None]]:
    """Changes after which an image is less work; None where only a measurement could say how much less."""
    side = images.smaller_side
    if side is not None:
        pixels = min(1.0, (side / min(images.height, images.width)) ** 2)
        yield "size", f"convert with `--size {side}`", smaller(times, pixels)
    if images.encoding == "png" and images.depth == 8:
        yield "encoding", "convert with `--encoding jpeg`", None
    if images.normalizes and images.depth == 8:
        action = "feed uint8 and normalize on the device: `dtype='uint8', normalize=None`, and `dataset.normalization()` in the model"
        yield "uint8", action, without_normalizing(times, images.dtype)
    if images.operations:
        yield "operations", *_fewer_operations(times, operation)


def _fewer_operations(times: StageTimes, operation: str | None) -> tuple[str, StageTimes | None]:
    """What to do about augmentations, and the stages after it."""
    names = {each.name: each.cpu_s for each in times.functions}
    if operation is None and max(names.values(), default=0.0) > times["augment"].cpu_s / 2:
        operation = max(names, key=lambda name: names[name])
    if operation in names:
        return f"leave out your function {operation}, or make it faster", times.without_function(operation)
    floor = times["augment"].floor_s
    fewer = None if floor is None else times.with_stage("augment", cpu_s=min(floor, times["augment"].cpu_s))
    if operation is None:
        return "use fewer augmentations", fewer
    return f"leave out {operation}, the augmentation that costs most", fewer


def _other_machinery(
    times: StageTimes, machinery: Machinery, images: StoredImages
) -> Iterator[tuple[ChangeKind, str, Machinery]]:
    """Changes after which more of the machine does the same work."""
    cpus, workers = machinery.cpus, machinery.workers
    # Threads that only copy do not wait for each other, so workers would be no faster, unless there are more of them.
    if machinery.kind == "threads" and cpus > (workers if machinery.copies else 1):
        first = "" if images.may_fork else "move your own functions to a module that can be imported, and "
        forked = dataclasses.replace(machinery, kind="processes", copies=False, workers=max(cpus, workers))
        yield "processes", f"{first}use worker processes: `processes={forked.workers}`", forked
    waits = times["read"].wait_s > times.worker_s / 2
    more = max(cpus, 2 * workers if waits else workers)
    if more > workers and machinery.kind == "processes":
        yield "workers", f"use more workers: `processes={more}`", dataclasses.replace(machinery, workers=more)
    all_cpus = max(machinery.machine_cpus, 2 if cpus == 1 else cpus)
    if all_cpus > cpus:
        those = (
            f"all {all_cpus} CPUs of this machine"
            if all_cpus <= machinery.machine_cpus
            else f"{all_cpus} CPUs"
        )
        yield "cpus", f"let this process use {those}", machinery.with_cpus(all_cpus)


def smaller(times: StageTimes, pixels: float) -> StageTimes:
    """Foretells what the stages take if the stored images have fewer pixels.

    Args:
        times: What they take now.
        pixels: The share of the pixels that is left, 0..1.
    """
    read, decode, augment = times["read"], times["decode"], times["augment"]
    times = times.with_stage("read", cpu_s=read.cpu_s * pixels, wait_s=read.wait_s * pixels)
    times = times.with_stage("decode", cpu_s=decode.cpu_s * pixels**DECODE_POWER)
    share = 1 - AUGMENT_SHARE * (1 - pixels)
    times = times.with_stage("augment", cpu_s=augment.cpu_s * share)
    rate = times.max_read_rate
    return dataclasses.replace(times, max_read_rate=None if rate is None else rate / max(pixels, 1e-9))


def without_normalizing(times: StageTimes, dtype: str) -> StageTimes:
    """Foretells what the stages take if images stay uint8: a quarter of the bytes of float32 is written.

    Args:
        times: What they take now.
        dtype: Of the batch now.
    """
    times = times.with_stage("normalize", cpu_s=0.0, floor_s=None)
    return dataclasses.replace(times, copied_bytes=times.copied_bytes / VALUE_BYTES[dtype])
