"""Worker processes: how they end, and that nothing is left of them."""

import contextlib
import errno
import gc
import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf

import fitfeed.pipelines.batches.workers.supervisor
import fitfeed.pipelines.feed.open_feed
from fitfeed.pipelines import Dataset, make_pipeline
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.schemas.errors import FeedError
from fitfeed.schemas.processes.fork_server import serve_forks
from tests.pipelines import functions
from tests.pipelines.image_loading import Loading
from tests.waiting import wait_until

ALL = np.arange(53)
BYTES: dict[str, Any] = {"batch_size": 8, "image_size": (16, 20), "normalize": None, "dtype": "uint8"}
"""Options of a pipeline whose workers start in no time: without LLVM."""

END_S = 600.0


def loader(dataset: Dataset, *functions_: Any) -> Loading:
    program = Program(functions_, image_size=(200, 300), seed=1)
    return Loading(dataset, program, processes=2)


def fork_servers() -> list[psutil.Process]:
    """The process that this process's workers are forked from, if there is one."""
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any(serve_forks.__module__ in argument for argument in process.cmdline()):
                found.append(process)
    return found


def workers() -> list[int]:
    """Process ids of this process's workers."""
    return [worker.pid for server in fork_servers() for worker in server.children()]


def open_files() -> set[str]:
    """What this process has open, but for files on disk."""
    links = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            links.add(f"{entry.name} {entry.readlink()}")
    return {link for link in links if any(kind in link for kind in ("memfd", "socket", "pipe"))}


def gone(processes: Iterable[int]) -> bool:
    """Whether processes end soon; one that nobody has waited for is still there."""
    deadline = time.monotonic() + END_S
    while alive := [pid for pid in processes if psutil.pid_exists(pid)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return not alive


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    yield
    gc.collect()
    assert gone([*workers(), *(server.pid for server in fork_servers())])


@pytest.mark.parametrize(
    ("function", "end"),
    [
        (functions.die, r"killed by signal 9 \(SIGKILL\).*memory"),
        (functions.leave, "ended with exit status 3"),
    ],
)
def test_a_worker_that_dies_ends_the_iteration(flowers: Dataset, function: Any, end: str) -> None:
    dying = loader(flowers, function)
    for _ in range(2):
        with pytest.raises(FeedError, match=f"worker process [0-9]+, .*{end}"):
            dying.load(0, ALL)
    assert gone(dying.pids)


@pytest.mark.parametrize("delay", [0.0, pytest.param(0.05, marks=pytest.mark.slow)])
def test_a_worker_that_is_killed_from_outside(flowers: Dataset, delay: float) -> None:
    one = loader(flowers)
    one.load(0, ALL)
    victim = one.pids[1]

    def load_on_and_on() -> None:
        for epoch in range(100_000):
            one.load(epoch, ALL)

    with ThreadPoolExecutor(2) as pool:
        loads = [pool.submit(load_on_and_on) for _ in range(2)]
        time.sleep(delay)
        os.kill(victim, signal.SIGKILL)
        for load in loads:
            with pytest.raises(FeedError, match=f"worker process {victim}"):
                load.result(timeout=END_S)
    assert gone(one.pids)


def test_a_worker_that_cannot_start_says_why(flowers: Dataset) -> None:
    with pytest.raises(FeedError, match=r"(?s)could not start.*cannot be restored"):
        loader(flowers, functions.Unpicklable()).load(0, ALL)


def test_in_a_pipeline_the_error_reaches_the_loop(flowers: Dataset) -> None:
    with pytest.raises(tf.errors.OpError, match=r"FeedError.*killed by signal 9"):
        list(make_pipeline(flowers, "train", augment=[functions.die], processes=2, **BYTES))


def test_what_workers_said_last_is_read_although_they_left_tasks_unread(flowers: Dataset) -> None:
    """Linux reports that first, and what is still queued after it."""
    one = loader(flowers)
    one.load(0, ALL)
    assert one.loader._processes is not None
    supervisor = one.loader._processes._supervisor
    assert supervisor is not None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.send(b"a task")
    theirs.send(b"the last word")
    theirs.close()
    supervisor._socket, before = ours, supervisor._socket
    try:
        assert [supervisor._receive(), supervisor._receive()] == [b"the last word", b""]
    finally:
        supervisor._socket = before
        ours.close()


def test_processes_that_cannot_be_started_are_an_error(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(fitfeed.pipelines.batches.workers.supervisor, "ForkedProcesses", fail)
    with pytest.raises(FeedError, match=r"could not be started \(.*unavailable\)\. Use .* processes=0"):
        loader(flowers).load(0, ALL)


def test_a_hanging_function_holds_nobody_up(flowers: Dataset) -> None:
    one = loader(flowers, functions.hang)
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(one.load, 0, ALL)
        wait_until(lambda: one.pids)
        started = one.pids
        assert one.loader._processes is not None
        assert one.loader._processes._supervisor is not None
        one.loader._processes._supervisor.end()  # as when the interpreter exits
        with pytest.raises(FeedError, match="the pipeline is closed"):
            load.result(timeout=END_S)
    assert gone(started)


@pytest.mark.slow
def test_no_process_and_no_memory_outlives_a_pipeline(flowers: Dataset) -> None:
    def use() -> list[int]:
        pipeline = make_pipeline(flowers, "train", processes=2, **BYTES)
        assert not workers()  # they start with the first batch
        for _ in pipeline.repeat(2):
            assert len(workers()) == 2
        return workers()

    before = open_files()
    started = use()
    gc.collect()
    assert gone(started)
    deadline = time.monotonic() + END_S
    while open_files() - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not open_files() - before


def test_a_pipeline_of_threads_is_freed_as_well(flowers: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[BatchMaker]] = []

    class Remembered(BatchMaker):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(weakref.ref(self))

    monkeypatch.setattr(fitfeed.pipelines.feed.open_feed, "BatchMaker", Remembered)
    # AutoGraph reads no lambda on Python 3.13 where warnings are errors, and keeps what it tried.
    same = tf.autograph.experimental.do_not_convert(lambda x, y: (x, y))
    for _ in make_pipeline(flowers, "train", batch_size=8, image_size=(16, 20)).map(same):
        gc.collect()  # what is still needed is not freed
    gc.collect()
    assert [reference() for reference in made] == [None]


@pytest.mark.slow
def test_a_pipeline_that_is_made_inside_a_function_of_tensorflow(flowers: Dataset) -> None:
    @tf.function
    def count() -> tf.Tensor:
        images = make_pipeline(flowers, "train", batch_size=8, image_size=(16, 20), labels=None)
        return images.reduce(0, lambda count, batch: count + tf.shape(batch)[0])

    for _ in range(2):
        assert int(count()) == 48
        gc.collect()


PARENT = """
import sys
import numpy as np
import psutil
from fitfeed.pipelines import open_dataset
from fitfeed.pipelines.augment.compiler.program import Program
from tests.pipelines.image_loading import Loading
loader = Loading(open_dataset(sys.argv[1]), Program([], image_size=(16, 20), seed=1), processes=2)
loader.load(0, np.arange(53))
print(*(process.pid for process in psutil.Process().children(recursive=True)), flush=True)
for epoch in range(10**9):
    loader.load(epoch, np.arange(53))
"""

SCRIPT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # in case the tests run in the background, where it is ignored
import psutil
from fitfeed.pipelines import RandomFlip, make_pipeline

def own(image):
    return image

functions = [own] if sys.argv[2] == "own" else []
train = make_pipeline(sys.argv[1], "train", batch_size=8, image_size=(16, 20), processes=2,
                      augment=[RandomFlip(), *functions])
iterator = iter(train.repeat())
next(iterator)
print(*(process.pid for process in psutil.Process().children(recursive=True)), flush=True)
if sys.argv[2] == "sleep":
    time.sleep(600)
"""


def script(flowers: Dataset, end: str, **options: Any) -> "subprocess.Popen[str]":
    """A user's script, without a guard for `__main__`."""
    command = [sys.executable, "-c", SCRIPT, str(flowers.path), end]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}  # it logs what ends with the interpreter
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=quiet, **options
    )


@pytest.mark.slow
def test_a_script_ends_and_its_workers_with_it(flowers: Dataset) -> None:
    with script(flowers, "end") as process:
        output, errors = process.communicate(timeout=END_S)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    started = [int(pid) for pid in output.split()]
    assert len(started) == 1 + 2
    assert gone(started)


def started_by(process: "subprocess.Popen[str]") -> list[int]:
    """Process ids of the workers of a script and of what they are forked from, once it has its first batch."""
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 1 + 2
    return pids


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(flowers: Dataset) -> None:
    command = [sys.executable, "-c", PARENT, str(flowers.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        started = started_by(process)
        process.kill()
        process.wait(timeout=END_S)
        assert gone(started)


@pytest.mark.slow
def test_workers_end_silently_with_an_interrupted_parent(flowers: Dataset) -> None:
    # While it sleeps: interrupted within `next`, plain TensorFlow lost the exception in 3 of 15 runs.
    with script(flowers, "sleep", start_new_session=True) as process:
        started = started_by(process)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        process.wait(timeout=END_S)
        assert gone(started)
        assert process.stderr is not None
        errors = process.stderr.read()
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == 1, errors


def test_functions_of_the_script_itself_are_refused(flowers: Dataset) -> None:
    with script(flowers, "own") as process:
        _, errors = process.communicate(timeout=END_S)
    assert process.returncode == 1
    assert "own is defined in the script itself" in errors
    assert "pass processes=0" in errors
