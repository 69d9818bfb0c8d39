"""Decides when worker processes are worth their start."""

from fitfeed.schemas.cpus import available_cpus

THREADS_KEEP_UP = 4
"""CPUs that threads can keep busy. With more, others are idle while workers start."""

BREAK_EVEN_S = 1.2
"""Seconds of work of all CPUs after which workers start, if CPUs are few. A start takes 1.2 s of one CPU, mostly of the
time in which threads wait for each other, and workers are then a fifth faster (docs/adr/0034-workers-are-forked.md)."""

SPARE_S = 0.5
"""The same where CPUs are idle: enough to tell a look at one batch from an epoch."""

FORKED_S = 0.2
"""The same where another pipeline's workers are there: they can be forked, in 0.05 s each."""


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
