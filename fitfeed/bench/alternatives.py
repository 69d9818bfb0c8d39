"""Tries changes on a few images in memory, so that what they would bring is measured and not guessed."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fitfeed.bench.floors import Sample
from fitfeed.converters.images.encode import encode_jpeg
from fitfeed.converters.images.resize import shrink
from fitfeed.pipelines.arrays.buffer_pool import ThreadScratch
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.ops.mixup_cutmix import split_batch
from fitfeed.pipelines.batches.decode_window import decode_window_of
from fitfeed.pipelines.feed.function_times import operation_names
from fitfeed.schemas.payload import Pixels, decode_window

if TYPE_CHECKING:
    from fitfeed.bench.plan import BenchPlan
    from fitfeed.pipelines.stages.changes import ChangeKind, StoredImages
    from fitfeed.pipelines.stages.stage_times import StageTimes

QUALITY = 90
"""That of `fitfeed convert`."""

ROUNDS = 3

MAX_OPERATIONS = 12
"""Augmentations that are left out one by one. Of more, the last ones are not tried."""


def measured_changes(
    times: "StageTimes",
    sample: Sample,
    plan: "BenchPlan",
    images: "StoredImages",
    *,
    channels: int,
    progress: Callable[[], None] = lambda: None,
) -> tuple[dict["ChangeKind", "StageTimes"], str | None]:
    """Measures what stages take after another conversion, or without an augmentation.

    Args:
        times: What they take now.
        sample: Some images.
        plan: The pipeline.
        images: What is stored.
        channels: 1 or 3.
        progress: Called after each change.

    Returns:
        The times after each change, and the augmentation that costs most, as text.
    """
    found: dict[ChangeKind, StageTimes] = {}
    augment, _ = split_batch(list(plan.augment))
    now = _Work(sample.payloads, [each.shape for each in sample.pixels], images, channels)
    is_encoded = images.encoding != "raw"
    decode, render = now.cpu_s(augment, plan) if is_encoded else (0.0, 0.0)
    if is_encoded and images.depth == 8:
        side = images.smaller_side
        if side is not None:
            small = [_scaled(each, side) for each in sample.pixels]
            found["size"] = _after(times, decode, render, sample, small, plan, images, channels)
            progress()
        if images.encoding == "png":
            found["encoding"] = _after(times, decode, render, sample, sample.pixels, plan, images, channels)
            progress()
    slowest = None
    if is_encoded and augment:
        without: list[float] = []
        for place in range(min(len(augment), MAX_OPERATIONS)):
            rest = [*augment[:place], *augment[place + 1 :]]
            without.append(now.cpu_s(rest, plan)[1])
            progress()
        place = int(np.argmin(without))
        slowest = operation_names(augment)[place]
        kept = min(1.0, without[place] / render)
        rest_s = times["augment"].cpu_s * kept
        found["operations"] = times.without_function(slowest).with_stage("augment", cpu_s=rest_s)
    return found, slowest


def _after(
    times: "StageTimes",
    decode: float,
    render: float,
    sample: Sample,
    pixels: Sequence[Pixels],
    plan: "BenchPlan",
    images: "StoredImages",
    channels: int,
) -> "StageTimes":
    """The times if images were stored as these pixels in JPEG: each stage changes as the same stage in memory does."""
    payloads = [encode_jpeg(each, QUALITY) for each in pixels]
    augment, _ = split_batch(list(plan.augment))
    work = _Work(payloads, [each.shape for each in pixels], images, channels)
    new_decode, new_render = work.cpu_s(augment, plan)
    share = sum(map(len, payloads)) / sum(map(len, sample.payloads))
    read = times["read"]
    after = times.with_stage("read", cpu_s=read.cpu_s * min(1.0, share), wait_s=read.wait_s * min(1.0, share))
    after = after.with_stage("decode", cpu_s=times["decode"].cpu_s * new_decode / decode)
    return after.with_stage("augment", cpu_s=times["augment"].cpu_s * new_render / render)


class _Work:
    """Decodes and renders images in memory, as the stages of a pipeline do."""

    def __init__(
        self, payloads: Sequence[bytes], shapes: Sequence[Any], images: "StoredImages", channels: int
    ) -> None:
        self._payloads, self._images, self._channels = payloads, images, channels
        self._sizes = np.array([shape[:2] for shape in shapes])
        self._scratch = ThreadScratch()

    def cpu_s(self, augment: Sequence[Any], plan: "BenchPlan") -> tuple[float, float]:
        """CPU seconds for all images: of decoding, and of augmentation. The least of some rounds, as others only add to it."""
        program = Program(list(augment), image_size=plan.image_size, seed=0)
        rounds = [self._round(program, number) for number in range(ROUNDS + 1)][1:]
        return min(decode for decode, _ in rounds), min(render for _, render in rounds)

    def _round(self, program: Program, epoch: int) -> tuple[float, float]:
        numbers = np.arange(len(self._payloads))
        began = time.thread_time()
        compiled = program.compile(0, numbers, heights=self._sizes[:, 0], widths=self._sizes[:, 1])
        passes = compiled.passes
        rendering, decoding = time.thread_time() - began, 0.0
        for i, payload in enumerate(self._payloads):
            height, width = map(int, self._sizes[i])
            buffer = self._scratch.take("pixels", (height * width * self._channels,))
            began = time.thread_time()
            decoded = decode_window(
                memoryview(payload),
                decode_window_of(passes[i]),
                size=(height, width),
                channels=self._channels,
                depth=self._images.depth,
                buffer=buffer,
            )
            done = time.thread_time()
            size = program.output_size((height, width))
            program.render(decoded, compiled, i, size=size)
            decoding, rendering = decoding + done - began, rendering + time.thread_time() - done
        return decoding, rendering


def _scaled(pixels: Pixels, side: int) -> Pixels:
    """Shrinks the shorter side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / min(height, width))
    return shrink(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
