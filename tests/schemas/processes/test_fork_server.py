"""What a fork server must be for its children to be whole: one thread, whatever was loaded."""

import sys

import psutil

from fitfeed.pipelines.arrays.pixel_loops import LookUpLoop, ScaleLoop, _compiled
from fitfeed.pipelines.augment.compiler.color_matrix import load_recolor
from fitfeed.pipelines.batches.renderer import load_renderer
from fitfeed.schemas.processes.forked_processes import ForkedProcesses
from tests.schemas.processes.test_forked_processes import ended, sleep


def compile_nothing(_: bytes) -> None:
    """Ends with the number of loops that a forked process has to compile itself."""
    before = _compiled.cache_info().misses
    for kind in (ScaleLoop, LookUpLoop):
        _compiled(kind, 8)
    sys.exit(_compiled.cache_info().misses - before)


def test_loops_are_compiled_before_processes_are_forked() -> None:
    """By a class method of their base class."""
    group = ForkedProcesses(compile_nothing, b"", count=1, prepare=[ScaleLoop.load, LookUpLoop.load])
    assert ended(group).code == 0
    group.wait()


def test_a_server_that_has_loaded_all_has_one_thread() -> None:
    """Another one might hold a lock, which would be held for ever in a forked process."""
    group = ForkedProcesses(sleep, b"", count=1, prepare=[load_renderer, ScaleLoop.load, load_recolor])
    server = psutil.Process(group.pids[0]).parent()
    assert server is not None
    assert server.num_threads() == 1
    group.kill()
    group.wait()
