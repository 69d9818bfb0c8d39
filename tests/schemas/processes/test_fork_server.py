"""What a fork server must be for its children to be whole: one thread, whatever was loaded, and of low priority meanwhile."""

import os
import threading

import psutil
import pytest

from fitfeed.pipelines.batches.workers.worker import load_kernels
from fitfeed.schemas.processes.fork_server import NICE, _gently, count_threads
from fitfeed.schemas.processes.forked_processes import ForkedProcesses
from tests.schemas.processes.test_forked_processes import sleep


def look(answer: int) -> dict[str, int]:
    return {
        "answer": answer,
        "priority": os.getpriority(os.PRIO_PROCESS, threading.get_native_id()),
    }


def test_what_is_done_gently_has_a_low_priority_and_what_follows_has_not() -> None:
    before, threads = os.getpriority(os.PRIO_PROCESS, 0), count_threads()
    assert _gently(look, 7) == {"answer": 7, "priority": min(19, before + NICE)}
    assert count_threads() == threads
    assert os.getpriority(os.PRIO_PROCESS, 0) == os.getpriority(os.PRIO_PROCESS, os.getpid()) == before
    with pytest.raises(ZeroDivisionError):
        _gently(lambda: 1 // 0)


@pytest.mark.parametrize("gently", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_server_that_has_loaded_all_has_one_thread(gently: bool) -> None:
    """Another one might hold a lock, which would be held for ever in a forked process."""
    group = ForkedProcesses(sleep, b"", count=1, prepare=load_kernels, gently=gently)
    server = psutil.Process(group.pids[0]).parent()
    assert server is not None
    assert server.num_threads() == 1
    group.kill()
    group.wait()
