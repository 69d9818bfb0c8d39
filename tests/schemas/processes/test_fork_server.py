"""What a fork server must be for its children to be whole: one thread, whatever was loaded."""

import psutil

from fitfeed.pipelines.arrays.pixel_loops import ScaleLoop
from fitfeed.pipelines.augment.compiler.color_matrix import load_recolor
from fitfeed.pipelines.batches.renderer import load_renderer
from fitfeed.schemas.processes.forked_processes import ForkedProcesses
from tests.schemas.processes.test_forked_processes import sleep


def test_a_server_that_has_loaded_all_has_one_thread() -> None:
    """Another one might hold a lock, which would be held for ever in a forked process."""
    group = ForkedProcesses(sleep, b"", count=1, prepare=[load_renderer, ScaleLoop.load, load_recolor])
    server = psutil.Process(group.pids[0]).parent()
    assert server is not None
    assert server.num_threads() == 1
    group.kill()
    group.wait()
