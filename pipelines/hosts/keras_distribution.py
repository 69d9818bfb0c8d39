"""Which worker this is by `keras.distribution`, and whether Keras shares out the dataset, too."""

import sys
from typing import Any

from fitfeed.pipelines.hosts.worker_statement import WorkerStatement
from fitfeed.schemas.errors import UsageError


def keras_statement() -> WorkerStatement | None:
    """Returns what the distribution of Keras says. None: none is set, or it has one process only."""
    distribution = _of_several_processes()
    if distribution is None:
        return None
    # Keras has several processes on JAX only, whose devices run already, as the distribution has listed them.
    process = sys.modules["jax"].process_index()
    # Processes that have one model between them (ModelParallel) need the same examples.
    parts = min(distribution.num_model_replicas, distribution.num_processes)
    return WorkerStatement(
        source=f"keras.distribution.{type(distribution).__name__}",
        worker=(process, distribution.num_processes),
        shard=(distribution.data_shard_id, parts),
    )


def keras_shares_out() -> bool:
    """Returns whether Keras will divide what it is given among several processes."""
    distribution = _of_several_processes()
    return distribution is not None and distribution.auto_shard_dataset


def check_shared_out_once(shard: tuple[int, int]) -> None:
    """Checks that Keras does not divide a part of a split again.

    Args:
        shard: (index, count) of what this process reads.

    Raises:
        UsageError: If it would.
    """
    if shard[1] > 1 and keras_shares_out():
        name = type(_of_several_processes()).__name__
        msg = (
            f"keras.distribution.{name} would share out again what make_pipeline has shared out, so most examples would be lost. "
            f"Received: shard={shard}, auto_shard_dataset=True. Write keras.distribution.{name}(auto_shard_dataset=False), "
            f"or leave out shard, where each process reads everything."
        )
        raise UsageError(msg)


def _of_several_processes() -> Any:
    keras = sys.modules.get("keras")
    distribution = None if keras is None else keras.distribution.distribution()
    return distribution if distribution is not None and distribution.num_processes > 1 else None
