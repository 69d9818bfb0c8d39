"""How many images per second a pipeline makes, from what each stage takes."""

import dataclasses
import math
import os
from dataclasses import dataclass
from typing import Literal

from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.schemas.cpus import available_cpus

Resource = Literal["cpus", "workers", "disk", "interpreter", "memory"]
"""What a pipeline can run out of."""


@dataclass(frozen=True, kw_only=True)
class Machinery:
    """What executes the stages.

    Attributes:
        cpus: CPUs that this process may use.
        workers: Threads or processes that make batches.
        kind: Which of the two. Threads share one interpreter lock.
        copies: Whether they are threads that only copy stored pixels, each a whole batch, without the lock.
        machine_cpus: CPUs of the machine, those included that this process may not use.
        memory_bytes_per_s: Bytes that all CPUs together can copy; None if nobody has measured it.
    """

    cpus: int
    workers: int
    kind: Literal["threads", "processes"] = "processes"
    copies: bool = False
    machine_cpus: int = 0
    memory_bytes_per_s: float | None = None

    @classmethod
    def of_this_machine(cls, worker_processes: int, *, copying_threads: int = 0) -> "Machinery":
        """Returns what makes batches here.

        Args:
            worker_processes: So many do; 0: threads, one for each CPU.
            copying_threads: So many threads copy whole batches instead; 0: something else is done.
        """
        cpus = available_cpus()
        return cls(
            cpus=cpus,
            workers=worker_processes or copying_threads or cpus,
            kind="processes" if worker_processes else "threads",
            copies=not worker_processes and copying_threads > 0,
            machine_cpus=os.cpu_count() or 1,
        )

    def with_cpus(self, cpus: int) -> "Machinery":
        """Returns the same on other CPUs, with a worker for each that is added. What they copy together stays as it is."""
        return dataclasses.replace(self, cpus=cpus, workers=max(1, self.workers + cpus - self.cpus))


def resource_rates(times: StageTimes, machinery: Machinery) -> dict[Resource, float]:
    """Images per second that each resource allows, if it were the only one that is scarce.

    Args:
        times: What an image takes.
        machinery: What executes it.
    """
    holds_lock = holds_lock_s(times) if machinery.kind == "threads" else times.main_cpu_s
    memory = machinery.memory_bytes_per_s
    return {
        "cpus": _per_second(times.cpu_s / machinery.cpus),
        # A worker that waits for the disk uses no CPU, so there may be more workers than CPUs.
        "workers": _per_second(times.worker_s / machinery.workers),
        "disk": math.inf if times.max_read_rate is None else times.max_read_rate,
        "interpreter": _per_second(holds_lock),
        "memory": math.inf if memory is None else _per_second(times.copied_bytes / memory),
    }


def holds_lock_s(times: StageTimes) -> float:
    """Seconds for an image in which threads, and the main process, hold the lock that they share."""
    return times.main_cpu_s + times.lock_s


def feed_rate(times: StageTimes, machinery: Machinery) -> float:
    """Images per second, if nobody waits for the consumer: what the scarcest resource allows."""
    return min(resource_rates(times, machinery).values())


def cpus_for(rate: float, times: StageTimes, machinery: Machinery, *, consumer_s: float = 0.0) -> int | None:
    """The CPUs that make so many images per second, with a worker for each that is added; None if no number does.

    Args:
        rate: Images per second.
        times: What an image takes.
        machinery: What executes it now. Never fewer CPUs than these are the answer.
        consumer_s: Seconds of a CPU that each image takes a consumer on the same CPUs.
    """
    others = resource_rates(times, machinery)
    if min(others["disk"], others["interpreter"], others["memory"]) < rate:
        return None
    more_workers = max(0, math.ceil(rate * times.worker_s - 1e-9) - machinery.workers)
    return max(machinery.cpus + more_workers, math.ceil(rate * (times.cpu_s + consumer_s) - 1e-9))


def _per_second(seconds: float) -> float:
    return 1 / seconds if seconds > 0 else math.inf
