"""TF_CONFIG is read as TensorFlow reads it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines.hosts.tensorflow_cluster import tensorflow_statement
from fitfeed.schemas.errors import UsageError
from tests.effort import tries


def stated(config: Any) -> tuple[int, int] | None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_CONFIG", config if isinstance(config, str) else json.dumps(config))
        statement = tensorflow_statement()
    return None if statement is None else statement.worker


def cluster_of(chiefs: int, workers: int, evaluators: int = 0) -> dict[str, Sequence[str]]:
    counts = {"chief": chiefs, "worker": workers, "evaluator": evaluators}
    return {name: [f"{name}{i}:2222" for i in range(count)] for name, count in counts.items() if count}


@settings(max_examples=tries(100))
@given(chiefs=st.integers(0, 1), workers=st.integers(1, 5), evaluators=st.integers(0, 1), data=st.data())
def test_workers_are_numbered_as_by_tensorflow(
    chiefs: int, workers: int, evaluators: int, data: st.DataObject
) -> None:
    from tensorflow.python.distribute import multi_worker_util

    cluster = cluster_of(chiefs, workers, evaluators)
    kind = data.draw(st.sampled_from(sorted(set(cluster) - {"evaluator"})))
    index = data.draw(st.integers(0, len(cluster[kind]) - 1))
    expected = (
        multi_worker_util.id_in_cluster(cluster, kind, index),
        multi_worker_util.worker_count(cluster, kind),
    )
    assert stated({"cluster": cluster, "task": {"type": kind, "index": index}}) == expected


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{}",
        {"cluster": {}, "task": {"type": "worker", "index": 0}},
        {"cluster": cluster_of(1, 2, 1), "task": {"type": "evaluator", "index": 0}},
        {"cluster": {**cluster_of(1, 2), "ps": ["ps0:2222"]}, "task": {"type": "ps", "index": 0}},
        {"cluster": cluster_of(0, 2)},
    ],
)
def test_who_does_not_train_is_not_a_worker(config: Any) -> None:
    assert stated(config) is None


@pytest.mark.parametrize(
    "config",
    [
        "worker 0 of 2",
        "[]",
        '"text"',
        {"cluster": 2, "task": {"type": "worker", "index": 0}},
        {"cluster": cluster_of(0, 2), "task": {"type": "worker", "index": "first"}},
        {"cluster": cluster_of(0, 2), "task": {"type": "worker", "index": 2}},
        {"cluster": cluster_of(0, 2), "task": "worker"},
    ],
)
def test_what_cannot_be_read_is_an_error_with_an_example(config: Any) -> None:
    with pytest.raises(
        UsageError, match=r"TF_CONFIG is expected to be as .*Received: .*write shard=\(index, count\)"
    ):
        stated(config)
