"""Decides which part of a split this process reads, and says so."""

import logging
from collections.abc import Sequence
from typing import Literal

from fitfeed.pipelines.hosts.jax_processes import jax_statement
from fitfeed.pipelines.hosts.keras_distribution import keras_shares_out, keras_statement
from fitfeed.pipelines.hosts.rank_variables import rank_statement
from fitfeed.pipelines.hosts.tensorflow_cluster import tensorflow_statement
from fitfeed.pipelines.hosts.worker_statement import WorkerStatement
from fitfeed.schemas.errors import UsageError

Shard = tuple[int, int] | Literal["auto"] | None

WHOLE = (0, 1)

_logger = logging.getLogger("fitfeed.pipelines")


def choose_shard(shard: Shard, *, split: str | Sequence[str], shuffle: bool) -> tuple[int, int]:
    """Returns the (index, count) that a pipeline reads.

    A split that is not shuffled is evaluated on. It is read as a whole by each worker: parts of equal steps would
    have to leave out examples, or count some twice.

    Args:
        shard: As for `make_pipeline`. A pair is returned as it is.
        split: Name of the split, or of several, for what is said.
        shuffle: Whether it is shuffled.

    Raises:
        UsageError: If this worker is asked for, and what sets it cannot be read or contradicts something else.
    """
    if shard is None:
        if shuffle:
            _advise(split)
        return WHOLE
    if not isinstance(shard, str) or shard != "auto":
        return shard
    statement = _agreed(_statements())
    chosen = statement.shard if statement is not None and shuffle else WHOLE
    _logger.warning("shard='auto' is %s for %r: %s.", chosen, split, _reason(statement, shuffle=shuffle))
    return chosen


def _statements() -> list[WorkerStatement]:
    # Keras runs on JAX, and knows more: which processes need the same examples.
    found = (tensorflow_statement(), keras_statement() or jax_statement(), rank_statement())
    return [statement for statement in found if statement is not None]


def _agreed(statements: Sequence[WorkerStatement]) -> WorkerStatement | None:
    """Returns the first statement, if no other contradicts it."""
    for other in statements[1:]:
        if other.worker != statements[0].worker:
            msg = (
                f"{statements[0]}, and {other}. Received: shard='auto'. Write shard=(index, count), or correct "
                f"what is wrong of them."
            )
            raise UsageError(msg)
    return statements[0] if statements else None


def _reason(statement: WorkerStatement | None, *, shuffle: bool) -> str:
    if statement is None:
        return (
            "neither tf.distribute, keras.distribution, jax.distributed nor RANK and WORLD_SIZE names workers"
        )
    if not shuffle and statement.shard[1] > 1:
        return f"{statement}, but what is not shuffled is read as a whole. To share it out, write shard={statement.shard}"
    return str(statement)


def _advise(split: str | Sequence[str]) -> None:
    """Says what to write where each of several workers is about to read everything."""
    try:
        statements = _statements()
    except UsageError:
        return  # a lone RANK is no sign of several workers, and nobody has asked for it
    several = [statement for statement in statements if statement.shard[1] > 1]
    if several:
        keras = " and auto_shard_dataset=False" if keras_shares_out() else ""
        _logger.warning(
            "%s, and each reads all of %r. Write shard='auto'%s, so that each reads its part; or shard=(0, 1), if all shall read all.",
            several[0],
            split,
            keras,
        )
