"""Decides when worker processes are worth their start."""

from fitfeed.schemas.cpus import available_cpus

THREADS_KEEP_UP = 4
"""CPUs that threads can keep busy. With more, others are idle while workers start."""

IMAGE_S, PIXEL_S = 200e-6, 8e-9
"""CPU seconds of an image and of each of its stored pixels, about: enough to tell a small epoch before its first batch."""

PREPARE_S = 0.3
"""CPU seconds of an epoch that are worth a fork server, which starts beside the first batch
(docs/adr/0063-workers-prepare-beside-the-first-batch.md)."""

BREAK_EVEN_S = 1.2
"""Seconds of work of all CPUs after which workers start where epochs are smaller, if CPUs are few."""

SPARE_S = 0.5
"""The same where CPUs are idle: enough to tell a look at one batch from an epoch."""

FORKED_S = 0.2
"""The same where what workers are forked from is there: they can be forked, in 0.05 s each."""


def epoch_cpu_s(images: int, pixels: float) -> float:
    """Guesses the CPU time that the images of an epoch take, before one of them is decoded.

    Args:
        images: How many.
        pixels: Stored pixels of an image, on average.
    """
    return images * (IMAGE_S + PIXEL_S * pixels)


def workers_are_due(cpu_s: float, *, can_fork: bool, cpus: int | None = None) -> bool:
    """Returns whether workers should be started.

    Args:
        cpu_s: CPU time that threads have spent on images. Waiting for the model, the disk or other programs is none: it
            makes a start take longer, too.
        can_fork: Whether what workers are forked from is there already.
        cpus: CPUs that this process may use. None: as they are.
    """
    cpus = cpus or available_cpus()
    if can_fork:
        return cpu_s >= FORKED_S * min(cpus, THREADS_KEEP_UP)
    if cpus <= THREADS_KEEP_UP:
        return cpu_s >= BREAK_EVEN_S * cpus
    return cpu_s >= SPARE_S * THREADS_KEEP_UP
