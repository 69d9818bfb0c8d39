"""Measures the functions of the user in `augment`: what a call takes, and how long it holds the interpreter lock."""

import dataclasses
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from select import select
from typing import Any

import numpy as np

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.compiler.user_functions import Albumentations, is_from
from fitfeed.pipelines.augment.ops.mixup_cutmix import split_batch
from fitfeed.pipelines.stages.stage_clock import queued_of_thread
from fitfeed.pipelines.stages.stage_times import FunctionTime, StageTimes
from fitfeed.schemas.payload import Pixels

OWN_LOCK_S = 63e-6
"""What our own stages hold the lock for an image, on the machine of docs/performance.md. It is calls of libraries that decode, resize
and normalize. Those that only read hold it for next to nothing."""

MAX_BYTES = 64 * 2**20
"""Of copies of images that a function is called with, unless one image has more: a function may change its argument."""

CALLS, MAX_S = 24, 1.0
"""Of each function, or fewer if it is slow: at least one."""

_MEASURING = threading.Lock()
"""The interval that is set for a measurement is that of the whole process."""

SHORT_S = 2e-4
"""A thread that waits for the lock takes a tenth of a millisecond to wake up. Shorter calls are taken to hold it."""


def with_functions(
    times: StageTimes, augment: Sequence[Any], images: Sequence[Pixels], *, image_size: tuple[int, int] | None
) -> StageTimes:
    """Adds to times what functions of the user take, and for how long threads hold the interpreter lock.

    Args:
        times: Of the stages.
        augment: Augmentations. Only functions of the user, which may be anything, are measured.
        images: Some images as they are stored. Those that cannot be augmented are left out: training may skip them. A function
            without any is not measured.
        image_size: (height, width) that the pipeline makes; None: as stored.
    """
    single, _ = split_batch(list(augment))
    arguments = {
        place: _arguments(single[:place], images, image_size)
        for place, function in enumerate(single)
        if not isinstance(function, Augmentation)
    }
    names = operation_names(single)
    functions = tuple(
        _measured(single[place], names[place], seen) for place, seen in arguments.items() if seen
    )
    calls_s = sum(each.cpu_s for each in functions)
    ours_s = sum(times[stage].cpu_s for stage in ("decode", "augment", "normalize")) - calls_s
    lock_s = min(OWN_LOCK_S, max(0.0, ours_s)) + sum(each.lock_s for each in functions)
    return dataclasses.replace(times, functions=functions, lock_s=lock_s)


def operation_name(operation: Any) -> str:
    """What the user calls an augmentation or a function."""
    if isinstance(operation, Augmentation):
        return repr(operation)
    return str(getattr(operation, "__name__", None) or type(operation).__name__)


def operation_names(augment: Sequence[Any]) -> list[str]:
    """What the user calls each augmentation or function of a list. Those of the same name, such as `<lambda>`, have their place beside it."""
    names = [operation_name(each) for each in augment]
    return [
        f"{name} (augment[{place}])" if names.count(name) > 1 else name for place, name in enumerate(names)
    ]


def _arguments(
    before: Sequence[Any], images: Sequence[Pixels], image_size: tuple[int, int] | None
) -> list[Pixels]:
    """Returns the images as a function gets them, after the augmentations before it: of their size, above all."""
    seen: list[Pixels] = []

    def see(pixels: Pixels) -> Pixels:
        seen.append(pixels.copy())
        return pixels

    if not images:
        return []
    program = Program([*before, see], image_size=image_size, seed=0)
    shapes = np.array([pixels.shape[:2] for pixels in images])
    compiled = program.compile(0, np.arange(len(images)), heights=shapes[:, 0], widths=shapes[:, 1])
    for i, pixels in enumerate(images):
        height, width = pixels.shape[:2]
        with suppress(Exception):
            program.render(pixels, compiled, i, size=program.output_size((height, width)))
    return seen


def _measured(function: Any, name: str, images: Sequence[Pixels]) -> FunctionTime:
    """Calls a function, while another thread wants the interpreter lock all the time, and takes it where it can.

    The CPU time of that thread would say how often it could, but only if there is a CPU for it. So what counts is how long it
    could have run, whether a CPU was free or not:

        function      |- holds the lock -|- does not ----------------------|- wants it back -|- holds it ...
        other thread  |- wants it -------|- runs -|- ready, and has no CPU --- runs ---------|- wants it ...
                                         |---------- ready: "free" and "blocked" ------------|
    """
    call: Callable[[Pixels], object] = function
    if is_from(function, "albumentations"):
        seeded = Albumentations(function)
        call = lambda pixels: seeded(pixels, 0)  # noqa: E731
    calls = max(1, min(CALLS, MAX_BYTES // max(1, max(pixels.nbytes for pixels in images)) - 1))
    copies = [images[n % len(images)].copy() for n in range(calls + 1)]
    call(copies.pop())  # what is compiled or loaded by a first call is not counted
    stop = threading.Event()

    def want_lock() -> None:
        while not stop.is_set():
            select([], [], [], 0)  # gives the lock to whoever waits for it, and does not sleep

    other = threading.Thread(target=want_lock, daemon=True)
    with _MEASURING:
        interval = sys.getswitchinterval()
        try:
            sys.setswitchinterval(60.0)  # nobody takes the lock from a function that does not give it
            other.start()
            before, spent, deadline = _moments(other), list[float](), time.monotonic() + MAX_S
            for pixels in copies:
                began = time.thread_time()
                call(pixels)
                spent.append(time.thread_time() - began)
                if time.monotonic() > deadline:
                    break
            passed, cpu, queued, ready = (
                after - was for was, after in zip(before, _moments(other), strict=True)
            )
        finally:
            stop.set()
            sys.setswitchinterval(interval)
            if other.ident is not None:
                other.join()
    each = statistics.mean(spent)  # as a stage has it: images differ in size
    if each < SHORT_S:
        return FunctionTime(name=name, cpu_s=each, lock_s=each)
    blocked = passed - cpu - queued
    free = min(1.0, max(0.0, (ready - blocked) / (cpu + queued)))
    return FunctionTime(name=name, cpu_s=each, lock_s=each * (1 - free))


def _moments(other: threading.Thread) -> tuple[float, float, float, float]:
    """Time as it passes, CPU time and queueing of this thread, and how long another one was ready to run."""
    others = time.clock_gettime(time.pthread_getcpuclockid(other.ident or 0))
    ready = others + queued_of_thread(f"self/task/{other.native_id}")
    return time.perf_counter(), time.thread_time(), queued_of_thread(), ready
