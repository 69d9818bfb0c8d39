"""Counters of a shard on an engine: exact at its end, also after a crash."""

import ctypes

import pytest

from fitfeed.beam_jobs import shard_metrics
from fitfeed.beam_jobs.shard_metrics import ShardMetrics
from fitfeed.converters.staging.results import ShardTotals


class Adding:
    """Stands in for Beam's counters."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def counter(self, namespace: str, name: str) -> "Counter":
        assert namespace == "fitfeed"
        return Counter(self.counts, name)


class Counter:
    """One of them."""

    def __init__(self, counts: dict[str, int], name: str) -> None:
        self._counts, self._name = counts, name

    def inc(self, more: int) -> None:
        self._counts[self._name] = self._counts.get(self._name, 0) + more


@pytest.fixture
def adding(monkeypatch: pytest.MonkeyPatch) -> Adding:
    adding = Adding()
    monkeypatch.setattr(shard_metrics, "Metrics", adding)
    return adding


def counts(*values: int) -> "ctypes.Array[ctypes.c_longlong]":
    return (ctypes.c_longlong * 4)(*values)


def totals(*, reused: bool = False) -> ShardTotals:
    return ShardTotals(
        number=0,
        planned=7,
        examples=4,
        bytes=9,
        rejects={"corrupt": 2, "bomb": 1},
        reused=reused,
        milliseconds={"read": 5, "decode": 60, "write": 7},
    )


def test_images_and_bytes_are_told_while_the_shard_is_written(adding: Adding) -> None:
    metrics = ShardMetrics()
    metrics.begin()
    for images, size in ((2, 20), (5, 50), (1, 10), (7, 70)):  # the third: after a crash
        metrics.tell(counts(images, 0, size, 0))
    assert adding.counts == {"images": 7, "source_bytes": 70}
    metrics.finish(totals())
    metrics.begin()
    metrics.tell(counts(3, 0, 30, 0))
    assert adding.counts == {
        "images": 10,
        "source_bytes": 100,
        "rejects_corrupt": 2,
        "rejects_bomb": 1,
        "read_ms": 5,
        "decode_ms": 60,
        "write_ms": 7,
    }


def test_a_shard_that_was_finished_before_is_not_counted_again(adding: Adding) -> None:
    ShardMetrics().finish(totals(reused=True))
    assert adding.counts == {}
