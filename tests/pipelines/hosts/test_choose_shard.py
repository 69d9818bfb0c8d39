"""Which part of a split a worker reads, by what frameworks and variables say. Frameworks are stand-ins here."""

import itertools
import json
import logging
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from fitfeed.pipelines import Dataset, make_pipeline
from fitfeed.pipelines.hosts.choose_shard import choose_shard
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.errors import UsageError
from tests.pipelines.option_defaults import DEFAULTS

Worker = tuple[int, int]


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Nothing says anything, at first. Returns what was logged."""
    for name in ("RANK", "WORLD_SIZE", "TF_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    caplog.set_level(logging.INFO, "fitfeed.pipelines")
    return lambda: [record.getMessage() for record in caplog.records]


def set_ranks(patch: pytest.MonkeyPatch, worker: Worker) -> None:
    patch.setenv("RANK", str(worker[0]))
    patch.setenv("WORLD_SIZE", str(worker[1]))


def set_tf_config(patch: pytest.MonkeyPatch, worker: Worker) -> None:
    cluster = {"worker": [f"host{i}:2222" for i in range(worker[1])]}
    task = {"type": "worker", "index": worker[0]}
    patch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))


def set_jax(patch: pytest.MonkeyPatch, worker: Worker, *, initialized: bool = True) -> None:
    state = SimpleNamespace(process_id=worker[0], num_processes=worker[1])
    jax = SimpleNamespace(
        distributed=SimpleNamespace(is_initialized=lambda: initialized),
        _src=SimpleNamespace(distributed=SimpleNamespace(global_state=state)),
        process_index=lambda: worker[0],
    )
    patch.setitem(sys.modules, "jax", jax)


class DataParallel(SimpleNamespace):
    """Stands for the distribution of Keras of this name."""


def set_keras(
    patch: pytest.MonkeyPatch, worker: Worker, *, replicas: int | None = None, auto_shard: bool = False
) -> None:
    set_jax(patch, worker)
    index, processes = worker
    replicas = replicas or processes
    distribution = DataParallel(
        num_processes=processes,
        num_model_replicas=replicas,
        data_shard_id=index if replicas >= processes else index // (processes // replicas),
        auto_shard_dataset=auto_shard,
    )
    keras = SimpleNamespace(distribution=SimpleNamespace(distribution=lambda: distribution))
    patch.setitem(sys.modules, "keras", keras)


SOURCES: dict[str, Callable[[pytest.MonkeyPatch, Worker], None]] = {
    "TF_CONFIG": set_tf_config,
    "keras.distribution.DataParallel": set_keras,
    "jax.distributed": set_jax,
    "RANK and WORLD_SIZE": set_ranks,
}


def auto(split: str = "train", *, shuffle: bool = True) -> Worker:
    return choose_shard("auto", split=split, shuffle=shuffle)


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_is_taken_and_named(
    source: str, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    SOURCES[source](monkeypatch, (1, 3))
    assert auto() == (1, 3)
    assert lines() == [f"shard='auto' is (1, 3) for 'train': by {source} this is worker 1 of 3."]


def test_without_any_source_the_whole_is_read(lines: Callable[[], list[str]]) -> None:
    assert auto() == (0, 1)
    (line,) = lines()
    assert line.startswith("shard='auto' is (0, 1) for 'train': neither tf.distribute, keras.distribution, ")


PAIRS = set(itertools.combinations(SOURCES, 2)) - {("keras.distribution.DataParallel", "jax.distributed")}
"""Two sources that are independent: Keras has its processes from JAX."""


@pytest.mark.parametrize(("one", "other"), sorted(PAIRS))
def test_sources_agree_or_are_refused_by_name(one: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SOURCES[one](monkeypatch, (1, 2))
    SOURCES[other](monkeypatch, (1, 2))
    assert auto() == (1, 2)
    SOURCES[other](monkeypatch, (0, 2))
    with pytest.raises(UsageError, match=r"this is worker 1 of 2, and by .* this is worker 0 of 2") as caught:
        auto()
    assert f"by {one} " in str(caught.value)
    assert f"by {other} " in str(caught.value)


def test_one_worker_contradicts_two(monkeypatch: pytest.MonkeyPatch) -> None:
    set_ranks(monkeypatch, (0, 1))
    set_jax(monkeypatch, (0, 2))
    with pytest.raises(
        UsageError, match=r"by jax\.distributed this is worker 0 of 2, and by RANK and WORLD_SIZE"
    ):
        auto()


def test_jax_of_one_process_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be imported for anything; `jax.distributed.initialize` is what makes workers."""
    set_jax(monkeypatch, (0, 1), initialized=False)
    set_ranks(monkeypatch, (1, 2))
    assert auto() == (1, 2)


def test_an_old_jax_that_somebody_else_imported_is_no_harm(
    monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(distributed=SimpleNamespace()))
    assert choose_shard(None, split="train", shuffle=True) == (0, 1)
    assert lines() == []


def test_what_is_not_shuffled_is_read_as_a_whole_unless_asked(
    monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    set_ranks(monkeypatch, (1, 2))
    assert auto("validation", shuffle=False) == (0, 1)
    assert lines() == [
        "shard='auto' is (0, 1) for 'validation': by RANK and WORLD_SIZE this is worker 1 of 2, but what is not "
        "shuffled is read as a whole. To share it out, write shard=(1, 2)."
    ]
    assert choose_shard((1, 2), split="validation", shuffle=False) == (1, 2)


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ({"RANK": "0"}, "RANK='0' and WORLD_SIZE not set"),
        ({"WORLD_SIZE": "2"}, "RANK not set and WORLD_SIZE='2'"),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK='2' and WORLD_SIZE='2'"),
        ({"RANK": "-1", "WORLD_SIZE": "2"}, "RANK='-1' and WORLD_SIZE='2'"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "RANK='one' and WORLD_SIZE='2'"),
        ({"RANK": "", "WORLD_SIZE": ""}, "RANK='' and WORLD_SIZE=''"),
    ],
)
def test_ranks_that_cannot_be_read_name_both(
    given: dict[str, str], received: str, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=r"write shard=\(index, count\)") as caught:
        auto()
    assert f"Received: {received}." in str(caught.value)
    assert choose_shard(None, split="train", shuffle=True) == (0, 1)  # nobody has asked
    assert choose_shard((1, 2), split="train", shuffle=True) == (1, 2)
    assert lines() == []


@pytest.mark.parametrize("source", SOURCES)
def test_who_reads_all_is_told_what_to_write(
    source: str, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    SOURCES[source](monkeypatch, (1, 2))
    assert choose_shard(None, split=["train", "extra"], shuffle=True) == (0, 1)
    assert lines() == [
        f"by {source} this is worker 1 of 2, and each reads all of ['train', 'extra']. Write shard='auto', so that "
        f"each reads its part; or shard=(0, 1), if all shall read all."
    ]
    assert choose_shard(None, split="validation", shuffle=False) == (0, 1)
    assert choose_shard((0, 1), split="train", shuffle=True) == (0, 1)
    assert len(lines()) == 1


def test_one_worker_is_not_advised(monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]) -> None:
    set_ranks(monkeypatch, (0, 1))
    assert choose_shard(None, split="train", shuffle=True) == (0, 1)
    assert lines() == []


def test_processes_of_one_model_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks are those of processes, so they do not contradict."""
    for process in range(4):
        set_keras(monkeypatch, (process, 4), replicas=2)
        set_ranks(monkeypatch, (process, 4))
        assert auto() == (process // 2, 2)


def options(**given: Any) -> PipelineOptions:
    return PipelineOptions.of_split("train", **{**DEFAULTS, "batch_size": 4, "normalize": None, **given})


def test_keras_does_not_share_out_again(
    monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    set_keras(monkeypatch, (0, 2), auto_shard=True)
    for shard in ("auto", (0, 2)):
        with pytest.raises(
            UsageError, match=r"Write keras\.distribution\.DataParallel\(auto_shard_dataset=False\)"
        ):
            options(shard=shard)
    assert options(shard=(0, 1)).shard == (0, 1)
    assert options().shard == (0, 1)
    assert lines()[-1].endswith(
        "Write shard='auto' and auto_shard_dataset=False, so that each reads its part; or shard=(0, 1), if all shall read all."
    )
    set_keras(monkeypatch, (1, 2), auto_shard=False)
    assert options(shard="auto").shard == (1, 2)


def test_options_hold_what_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    set_ranks(monkeypatch, (1, 2))
    assert options(shard="auto").shard == (1, 2)
    assert options(shard="auto", shuffle=False).shard == (0, 1)
    with pytest.raises(UsageError, match=r"shard expects .*'auto', or None. Received: shard='automatic'"):
        options(shard="automatic")


def test_workers_of_a_pipeline_share_an_epoch(flowers: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(split: str) -> list[str]:
        made = make_pipeline(
            flowers, split, batch_size=4, image_size=(8, 8), shard="auto", output="dict", processes=0
        )
        return [key.decode() for batch in made.as_numpy_iterator() for key in batch["key"]]

    shares, evaluated = [], []
    for index in range(2):
        set_ranks(monkeypatch, (index, 2))
        shares.append(keys("train"))
        evaluated.append(keys("validation"))
    assert [len(share) for share in shares] == [24, 24]
    assert len({*shares[0], *shares[1]}) == 48
    assert evaluated[0] == evaluated[1]
    assert len(set(evaluated[0])) == 11
