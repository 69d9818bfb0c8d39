"""Which worker this is by RANK and WORLD_SIZE, which `torchrun` and many schedulers set."""

import os

from fitfeed.pipelines.hosts.worker_statement import WorkerStatement
from fitfeed.schemas.errors import UsageError


def rank_statement() -> WorkerStatement | None:
    """Returns what RANK and WORLD_SIZE say. None: neither is set.

    Raises:
        UsageError: If only one of them is set, or they are not a rank and a number of processes.
    """
    given = {name: os.environ.get(name) for name in ("RANK", "WORLD_SIZE")}
    if set(given.values()) == {None}:
        return None
    received = " and ".join(
        f"{name} not set" if value is None else f"{name}={value!r}" for name, value in given.items()
    )
    try:
        worker = int(given["RANK"] or ""), int(given["WORLD_SIZE"] or "")
    except ValueError:
        worker = -1, 0
    if not 0 <= worker[0] < worker[1]:
        msg = (
            f"RANK and WORLD_SIZE are expected together, as whole numbers with 0 <= RANK < WORLD_SIZE. "
            f"Received: {received}. Set both or none of them, or write shard=(index, count)."
        )
        raise UsageError(msg)
    return WorkerStatement(source="RANK and WORLD_SIZE", worker=worker, shard=worker)
