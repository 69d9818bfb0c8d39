"""What one source says about this worker."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WorkerStatement:
    """Which of how many workers this process is, says a source.

    Attributes:
        source: A framework or environment variables, by the name that users know.
        worker: (index, count) among the processes.
        shard: (index, count) of what this process should read. It differs from `worker` where several
            processes have one model between them, and need the same examples.
    """

    source: str
    worker: tuple[int, int]
    shard: tuple[int, int]

    def __str__(self) -> str:
        """Returns it as part of a sentence."""
        index, count = self.worker
        return f"by {self.source} this is worker {index} of {count}"
