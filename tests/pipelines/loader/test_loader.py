"""A loader counts epochs, says where it is, goes on from there, and gives memory away only once."""

import gc
import json
import os
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines import Dataset, Loader, RandomFlip, RandomResizedCrop, make_loader, open_dataset
from fitfeed.schemas.errors import DamagedExampleError, FeedError, UsageError
from tests.pipelines.build_dataset import Format
from tests.programs import run_program

STEPS = 6


def loader(dataset: Dataset, split: str = "train", **options: Any) -> Loader:
    given: dict[str, Any] = {
        "batch_size": 8,
        "image_size": (16, 20),
        "output": "dict",
        "augment": [RandomResizedCrop(), RandomFlip("horizontal")],
    }
    return make_loader(dataset, split, **{**given, **options})


def content(batches: Any) -> list[tuple[list[str], bytes]]:
    return [(batch["key"].tolist(), batch["image"].tobytes()) for batch in batches]


def take(iterator: Any, count: int) -> list[tuple[list[str], bytes]]:
    return content(next(iterator) for _ in range(count))


def test_each_iteration_is_the_next_epoch(flowers: Dataset) -> None:
    ours = loader(flowers)
    assert len(ours) == STEPS
    epochs = [content(ours) for _ in range(3)]
    assert [len(epoch) for epoch in epochs] == [STEPS] * 3
    assert len({str(epoch) for epoch in epochs}) == 3
    assert content(loader(flowers, start=(2, 0))) == epochs[2]


@given(
    epoch=st.integers(0, 2),
    step=st.integers(0, STEPS),
    ahead=st.integers(0, 4),
    later=st.integers(0, 4),
    access=st.sampled_from(["indexed", "stream"]),
)
def test_a_state_is_gone_on_from_wherever_it_was_taken(
    thumbnails: Dataset, epoch: int, step: int, ahead: int, later: int, access: str
) -> None:
    options: dict[str, Any] = {"image_size": None, "augment": [RandomFlip()], "access": access}
    ours = loader(thumbnails, prefetch=ahead, **options)
    for _ in range(epoch):
        content(ours)
    iterator = iter(ours)
    take(iterator, step)
    state = json.loads(json.dumps(ours.state_dict()))
    assert (state["epoch"], state["step"]) == ((epoch, step) if step < STEPS else (epoch + 1, 0))
    expected = take(iterator, STEPS - step), content(ours)

    other = loader(thumbnails, prefetch=later, **options)
    other.load_state_dict(state)
    assert other.state_dict() == state
    rest = content(other) if step < STEPS else []
    assert (rest, content(other)) == expected


def test_the_number_of_workers_may_change(flowers: Dataset) -> None:
    alone = loader(flowers, batch_size=8)
    iterator = iter(alone)
    take(iterator, 2)
    state = alone.state_dict()
    shares = [loader(flowers, batch_size=4, shard=(index, 2)) for index in range(2)]
    for share in shares:
        share.load_state_dict(state)
    parts = [[keys for keys, _ in content(share)] for share in shares]
    together = [first + second for first, second in zip(*parts, strict=True)]
    assert together == [keys for keys, _ in take(iterator, STEPS - 2)]


def test_the_state_is_that_of_the_iteration_that_was_begun_last(flowers: Dataset) -> None:
    ours = loader(flowers)
    first = iter(ours)
    take(first, 2)
    second = iter(ours)
    assert (ours.state_dict()["epoch"], ours.state_dict()["step"]) == (1, 0)
    take(second, 1)
    take(first, 3)
    assert (ours.state_dict()["epoch"], ours.state_dict()["step"]) == (1, 1)
    ours.load_state_dict({**ours.state_dict(), "epoch": 7, "step": 3})
    take(second, 1)  # it is open already, and goes on
    assert (ours.state_dict()["epoch"], ours.state_dict()["step"]) == (7, 3)
    assert len(content(ours)) == STEPS - 3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda state: {**state, "epoch": -1}, "epoch and step 0 or more"),
        (lambda state: {**state, "step": 1.0}, "epoch and step 0 or more"),
        (lambda state: {**state, "step": True}, "epoch and step 0 or more"),
        (lambda state: {**state, "pipeline": None}, "epoch and step 0 or more"),
        (lambda state: {**state, "step": STEPS}, f"a step below the {STEPS} of an epoch"),
        (lambda state: {**state, "more": 1}, "a dict with epoch, step, pipeline"),
        (lambda _: {}, "a dict with epoch, step, pipeline"),
        (lambda state: list(state.items()), "a dict with epoch, step, pipeline"),
        (lambda _: None, "Received: None"),
    ],
)
def test_what_is_not_a_state_is_refused(flowers: Dataset, change: Callable[[Any], Any], text: str) -> None:
    ours = loader(flowers)
    with pytest.raises(UsageError, match=text):
        ours.load_state_dict(change(ours.state_dict()))
    assert (ours.state_dict()["epoch"], ours.state_dict()["step"]) == (0, 0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"seed": 4}, "Then: seed=0. Received: seed=4"),
        ({"batch_size": 4}, "Then: global_batch=8. Received: global_batch=4"),
        ({"shuffle": False, "drop_remainder": True}, "Then: shuffle=True. Received: shuffle=False"),
        ({"examples": list(range(20))}, "Then: examples=None"),
    ],
)
def test_the_state_of_another_order_is_refused(flowers: Dataset, options: Any, text: str) -> None:
    state = loader(flowers).state_dict()
    with pytest.raises(UsageError, match=text):
        loader(flowers, **options).load_state_dict(state)


def place_of(batch: Any) -> int:
    return int(batch["image"].__array_interface__["data"][0])


def test_a_batch_that_is_kept_stays_as_it_is(flowers: Dataset) -> None:
    kept: list[Any] = [batch for _ in range(3) for batch in loader(flowers)]
    copies = [one for _ in range(3) for one in content(loader(flowers))]
    assert content(kept) == copies
    assert len({place_of(batch) for batch in kept}) == len(kept)


def test_a_view_keeps_the_memory_of_its_batch(flowers: Dataset) -> None:
    ours = loader(flowers, batch_size=2)
    first: Any = next(iter(ours))
    view, copy, place = first["image"][1, :3, ::2], first["image"][1, :3, ::2].copy(), place_of(first)
    del first
    assert all(place_of(batch) != place for batch in ours)
    assert np.array_equal(view, copy)


def test_a_loop_that_keeps_nothing_takes_the_memory_of_a_few(flowers: Dataset) -> None:
    places = [place_of(batch) for batch in loader(flowers, batch_size=2)]
    assert len(places) == 26
    assert len(set(places)) <= 5  # two are made at once, one waits, one is used, and the next takes its place


@pytest.mark.parametrize("prefetch", [0, 1])
def test_damage_is_raised_where_it_is(own_copy: Callable[[Format], Path], prefetch: int) -> None:
    path = own_copy("hdf5")
    index = open_dataset(path).records("train").index
    with (path / "train-00000-of-00002.h5").open("r+b") as file:
        file.seek(int(index.offset[6]) + 2)
        file.write(bytes(100))
    ours = loader(open_dataset(path), batch_size=4, shuffle=False, prefetch=prefetch)
    iterator = iter(ours)
    take(iterator, 1)
    with pytest.raises(DamagedExampleError, match=index.key(6)):
        next(iterator)
    assert list(iterator) == []
    assert ours.state_dict()["step"] == 1
    skipping = loader(open_dataset(path), batch_size=4, shuffle=False, prefetch=prefetch, on_error="skip")
    assert [len(keys) for keys, _ in content(skipping)][:3] == [4, 3, 4]


def test_nothing_is_left_of_a_loader_that_is_gone(flowers: Dataset) -> None:
    ours = loader(flowers)
    iterator = iter(ours)
    take(iterator, 1)
    gone, pool = (weakref.ref(ours), weakref.ref(ours._maker)), ours._pool
    del ours, iterator
    pool.shutdown()  # waits for what is being made
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


@pytest.mark.slow
def test_a_forked_process_is_refused_and_the_parent_goes_on(flowers: Dataset) -> None:
    ours = loader(flowers)
    iterator = iter(ours)
    take(iterator, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of forks where there are threads
        child = os.fork()
    if not child:
        try:
            next(iterator)
        except FeedError as error:
            os._exit(0 if "Call make_pipeline or make_loader in the new process" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(content(iterator)) == STEPS - 1


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 2])
def test_a_script_ends_although_an_iterator_is_open(flowers: Dataset, processes: int) -> None:
    program = """
import sys
from fitfeed import make_loader
iterator = iter(make_loader(sys.argv[1], "train", batch_size=8, image_size=(16, 20), processes=int(sys.argv[2])))
print(len(next(iterator)[0]))
"""
    assert run_program(program, flowers.path, processes) == "8\n"
