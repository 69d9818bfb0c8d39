"""Decides when worker processes are worth their start."""

from fitfeed.schemas.cpus import available_cpus

THREADS_KEEP_UP = 4
"""CPUs that threads can keep busy. With more, others are idle while workers start."""

START_S = 1.2
"""CPU seconds of a start. Where an epoch has more work, workers start at once: they have earned it before the second one ends."""

LOOK_S = 0.1
"""At once is after so many CPU seconds: enough to tell a look at some batches from an epoch."""

BREAK_EVEN_S = 1.2
"""Seconds of work of all CPUs after which workers start where epochs are shorter, if CPUs are few
(docs/adr/0050-workers-start-at-once-for-long-epochs.md)."""

SPARE_S = 0.5
"""The same where CPUs are idle: enough to tell a look at one batch from an epoch."""

FORKED_S = 0.2
"""The same where another pipeline's workers are there: they can be forked, in 0.05 s each."""


def workers_are_due(cpu_s: float, *, epoch_s: float, can_fork: bool, cpus: int | None = None) -> bool:
    """Returns whether workers should be started.

    Args:
        cpu_s: CPU time that threads have spent on images. Waiting for the model, the disk or other programs is none: it
            makes a start take longer, too.
        epoch_s: CPU time that the images of an epoch take.
        can_fork: Whether what workers are forked from is there already.
        cpus: CPUs that this process may use. None: as they are.
    """
    cpus = cpus or available_cpus()
    if can_fork:
        return cpu_s >= FORKED_S * min(cpus, THREADS_KEEP_UP)
    if epoch_s >= START_S:
        return cpu_s >= LOOK_S
    if cpus <= THREADS_KEEP_UP:
        return cpu_s >= BREAK_EVEN_S * cpus
    return cpu_s >= SPARE_S * THREADS_KEEP_UP
