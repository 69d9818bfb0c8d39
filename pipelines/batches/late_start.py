"""Decides when worker processes are worth their start."""

from fitfeed.schemas.cpus import available_cpus

THREADS_KEEP_UP = 4
"""CPUs that threads can keep busy. With more, others are idle while workers start."""

BREAK_EVEN_S = 9.0
"""Seconds of work of all CPUs after which workers start, if CPUs are few. They take 0.9 s of all CPUs to start, and are
then a fifth faster. So a start costs a tenth of what has been done, at most, and what never starts them ends sooner."""

SPARE_S = 0.5
"""The same where CPUs are idle: enough to tell a look at one batch from an epoch."""


def workers_are_due(cpu_s: float, cpus: int | None = None) -> bool:
    """Returns whether workers should be started.

    Args:
        cpu_s: CPU time that threads have spent on images. Waiting for the model, the disk or other programs is none: it
            makes a start take longer, too.
        cpus: CPUs that this process may use. None: as they are.
    """
    cpus = cpus or available_cpus()
    if cpus <= THREADS_KEEP_UP:
        return cpu_s >= BREAK_EVEN_S * cpus
    return cpu_s >= SPARE_S * THREADS_KEEP_UP
