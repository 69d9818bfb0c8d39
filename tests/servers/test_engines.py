"""Engines start, list their workers, which can be killed, and end with all of their processes."""

from pathlib import Path

import pytest

from benchmarks.processes import tree_of
from tests.servers.engines import ENGINE_KINDS, EngineKind, engine
from tests.servers.test_programs import is_running, wait_for_end

EVERYWHERE = {"00000000", "0" * 32}


def listening(pids: list[int]) -> set[str]:
    """The addresses, in hexadecimal digits, at which processes listen."""
    sockets = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                sockets.add(str(descriptor.readlink()))
            except FileNotFoundError:
                continue
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()
    ]
    return {
        line[1].partition(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENGINE_KINDS)
def test_an_engine_ends_with_all_of_its_processes(kind: EngineKind) -> None:
    with engine(kind) as started:
        running = [pid for program in started._programs for pid in tree_of(program.pid)]
        assert all(map(is_running, running))
        everywhere = listening(running) & EVERYWHERE
        assert everywhere == set() or kind == "prism"
        if kind == "dask":
            workers = started.workers()
            assert len(workers) == 3
            started.kill_workers(2)
            for pid in workers[:2]:
                wait_for_end(pid)
    for pid in running:
        wait_for_end(pid)
