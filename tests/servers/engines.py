"""Engines for tests: services that run a job apart from its client, and the processes that write its shards.

| kind | services | workers |
|---|---|---|
| `dask` | a scheduler | three processes |
| `prism` | a program in Go | a process that Beam's worker pool starts, anew for each job |
| `job service` | Beam's own, in Python | the same |

All but Prism listen on 127.0.0.1 only. Workers are processes of the interpreter of the tests, and import the fitfeed of this folder.
"""

import contextlib
import itertools
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from benchmarks.processes import children_of, tree_of
from tests.servers.programs import PRISM, ROOT, Program, free_port, require

EngineKind = Literal["dask", "prism", "job service"]
ENGINE_KINDS: tuple[EngineKind, ...] = get_args(EngineKind)
SCHEDULER_FILE = "scheduler.json"
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})


class RunningEngine:
    """An engine that runs.

    Attributes:
        kind: Which one.
        arguments: What `fitfeed convert` needs to run a job on it: the end of its command line.
    """

    def __init__(
        self, kind: EngineKind, environment: Mapping[str, str] = NO_VARIABLES, *, dask_workers: int = 3
    ) -> None:
        """Starts it.

        Args:
            kind: Which one.
            environment: Variables that its processes have in addition.
            dask_workers: How many Dask has.

        Raises:
            RuntimeError: If it does not start.
        """
        self.kind = kind
        self._folder = Path(tempfile.mkdtemp(prefix="fitfeed-engine-"))
        self._environment = {
            "PYTHONPATH": str(ROOT),
            "DASK_CONFIG": str(self._folder),  # Dask would write files below ~/.config
            **environment,
            "PATH": f"{_interpreter(self._folder)}{os.pathsep}{os.environ['PATH']}",
        }
        self._programs: list[Program] = []
        self._dask_workers = itertools.count()
        try:
            self.arguments = self._start_dask(dask_workers) if kind == "dask" else self._start_job_server()
        except BaseException:
            self.close()
            raise

    def workers(self) -> list[int]:
        """The process ids of its workers. Those of a worker pool run while a job does."""
        if self.kind == "dask":
            return [program.pid for program in self._programs[1:]]
        return children_of(self._programs[-1].pid)[1:]  # the first one ends the pool with the tests

    def kill_workers(self, count: int = 1) -> None:
        """Kills workers, the first ones."""
        workers = self.workers()
        assert len(workers) >= count
        for pid in workers[:count]:
            os.kill(pid, signal.SIGKILL)

    def replace_worker(self) -> None:
        """Starts a worker of Dask in place of the first one, which was killed."""
        self._programs.pop(1).end()
        self._start_dask_worker()

    def close(self) -> None:
        """Ends all of its processes."""
        descendants = [pid for program in self._programs for pid in tree_of(program.pid)[1:]]
        for program in reversed(self._programs):
            program.end()
        for pid in descendants:  # of a worker pool
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self._folder)

    def _start_dask(self, workers: int) -> list[str]:
        port = free_port()
        command = [sys.executable, "-m", "dask", "scheduler", "--port", str(port), *self._dask_options()]
        self._start("scheduler", command, port)
        for _ in range(workers):
            self._start_dask_worker()
        return ["--runner", "dask", "--", f"--dask_scheduler_file={self._folder / SCHEDULER_FILE}"]

    def _start_dask_worker(self) -> None:
        port = free_port()
        command = [sys.executable, "-m", "dask", "worker", "--worker-port", str(port), *self._dask_options()]
        self._start(f"worker-{next(self._dask_workers)}", [*command, "--nthreads", "1", "--no-nanny"], port)

    def _dask_options(self) -> list[str]:
        found = str(self._folder / SCHEDULER_FILE)
        return ["--host", "127.0.0.1", "--scheduler-file", found, "--dashboard-address", "127.0.0.1:0"]

    def _start_job_server(self) -> list[str]:
        server, pool = free_port(), free_port()
        if self.kind == "prism":
            command = [str(PRISM), f"--job_port={server}", "--serve_http=false"]
        else:
            command = _beam("runners.portability.local_job_service_main", f"--port={server}")
        self._start("server", command, server)
        self._start("pool", _beam("runners.worker.worker_pool_main", f"--service_port={pool}"), pool)
        runner = ["--runner", "PortableRunner", "--", f"--job_endpoint=localhost:{server}"]
        return [*runner, "--environment_type=EXTERNAL", f"--environment_config=localhost:{pool}"]

    def _start(self, name: str, command: list[str], port: int) -> None:
        folder = self._folder / name
        folder.mkdir()
        self._programs.append(Program(command, port, folder, self._environment))


@contextlib.contextmanager
def engine(kind: EngineKind, environment: Mapping[str, str] = NO_VARIABLES) -> Iterator[RunningEngine]:
    """An engine that ends with the block. Without its program, the test is skipped, or fails in `.ci/run`."""
    if kind == "prism":
        require(PRISM)
    with contextlib.closing(RunningEngine(kind, environment)) as started:
        yield started


def _beam(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.servers.on_loopback", f"apache_beam.{module}", *arguments]


def _interpreter(folder: Path) -> Path:
    """Makes a folder in which `python`, which a worker pool starts, is the interpreter of the tests."""
    programs = folder / "programs"
    programs.mkdir()
    python = programs / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return programs
