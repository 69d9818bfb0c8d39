"""Which worker this is by `tf.distribute`: by the strategy whose scope this is, or by TF_CONFIG."""

import json
import os
import sys
from collections.abc import Mapping, Sized
from typing import Any

from fitfeed.pipelines.hosts.worker_statement import WorkerStatement
from fitfeed.schemas.errors import UsageError

EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'


def tensorflow_statement() -> WorkerStatement | None:
    """Returns what `tf.distribute` says. None: it knows of no cluster, or this is not one of its trainers.

    Raises:
        UsageError: If TF_CONFIG cannot be read.
    """
    return _of_strategy() or _of_variable()


def _of_strategy() -> WorkerStatement | None:
    tf = sys.modules.get("tensorflow")
    if tf is None or not tf.distribute.has_strategy():
        return None
    strategy = tf.distribute.get_strategy()
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return None  # the others have one process
    resolver = strategy.cluster_resolver
    cluster = resolver.cluster_spec().as_dict()
    return _statement(
        "tf.distribute.MultiWorkerMirroredStrategy", cluster, resolver.task_type, resolver.task_id
    )


def _of_variable() -> WorkerStatement | None:
    text = os.environ.get("TF_CONFIG")
    if not text:
        return None
    try:
        config: dict[str, Any] = json.loads(text)
        cluster, task = config.get("cluster", {}), config.get("task", {})
        return _statement("TF_CONFIG", cluster, task.get("type"), int(task.get("index", 0)))
    except (ValueError, TypeError, AttributeError) as error:
        msg = f"TF_CONFIG is expected to be as {EXAMPLE}. Received: {text!r} ({error}). Correct it, or write shard=(index, count)."
        raise UsageError(msg) from error


def _statement(
    source: str, cluster: Mapping[str, Sized], task_type: str | None, task_index: int
) -> WorkerStatement | None:
    """Numbers the workers as TensorFlow does: the chief comes first, if there is one. An evaluator does not train."""
    chiefs, workers = len(cluster.get("chief", ())), len(cluster.get("worker", ()))
    if not cluster or task_type not in ("chief", "worker"):
        return None
    index = task_index + (chiefs if task_type == "worker" else 0)
    if not 0 <= index < chiefs + workers:
        msg = f"the cluster has no task {task_type} {task_index}"
        raise ValueError(msg)
    worker = (index, chiefs + workers)
    return WorkerStatement(source=source, worker=worker, shard=worker)
