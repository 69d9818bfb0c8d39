"""The matrix of the soak test on engines: engine x folder or store x what goes wrong x when."""

import contextlib
import itertools
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import pytest

from fitfeed.schemas.side_tables import SIDE_TABLES
from fitfeed.schemas.storage.open_place import open_place
from tests.faults import faulty_decoder
from tests.servers.engine_jobs import OPTIONS, SHARDS, LaunchedCommand, draw_slow
from tests.servers.engines import ENGINE_KINDS, EngineKind, RunningEngine
from tests.servers.programs import PRISM, require
from tests.servers.stores import StoreServers
from tests.warm_commands import WarmCommands
from tests.without_beam import convert

Place = Literal["folder", "gs", "s3"]
PLACES: tuple[Place, ...] = get_args(Place)
EngineFault = Literal["worker killed", "client interrupted", "two launches"]
MOMENTS: dict[EngineFault, int] = {"worker killed": 10, "client interrupted": 5, "two launches": 3}
"""At how many moments each goes wrong, from the beginning of a job until all but a few shards are finished."""

LOADED = (
    "apache_beam.runners.dask.dask_runner",
    "apache_beam.runners.portability.portable_runner",
    "fitfeed.beam_jobs.pipeline",
)
"""What commands need for any of these engines, besides what they need without one."""

RESTARTING: tuple[EngineKind, ...] = ("dask",)
"""Engines that give the work of a killed worker to another one. On the others a job fails."""

GOOD = ("same", "continued", "interrupted")
"""Verdicts of cases that went as they should."""

PATIENCE_S = 60
"""After so long, a job is interrupted whose engine waits for ever for a worker that was killed before it had called."""

OVERTAKEN, REFUSED, INTERRUPTED = 7, 2, 130


class EngineCase(NamedTuple):
    """A cell of the matrix.

    Attributes:
        engine: The engine.
        place: Where the dataset is.
        fault: What goes wrong.
        moment: When: the number of moments before it.
    """

    engine: EngineKind
    place: Place
    fault: EngineFault
    moment: int


class EngineOutcome(NamedTuple):
    """What became of a case.

    Attributes:
        case: The case.
        verdict: `same`: the job has all bytes of the local run, and nothing else is left. `continued`: it ended with one line
            that says so, and then the same command gave the same. `interrupted`: the same, but the engine waited for ever, and
            the line came after Ctrl-C. Anything else says what is wrong.
        text: What the command said that ended.
        seconds: How long it took.
    """

    case: EngineCase
    verdict: str
    text: str
    seconds: float


class Trouble(Exception):  # noqa: N818
    """What is wrong, as the verdict of a case."""


def all_engine_cases() -> list[EngineCase]:
    """All cells, engine by engine."""
    return [
        EngineCase(kind, place, fault, moment)
        for kind, place, fault in itertools.product(ENGINE_KINDS, PLACES, MOMENTS)
        for moment in range(MOMENTS[fault])
    ]


class EngineRunner:
    """Runs cases one after the other. An engine is kept for those with datasets in the same kind of place, until one fails."""

    def __init__(self, servers: StoreServers, folder: Path) -> None:
        """Draws the pictures, and converts them without an engine.

        Args:
            servers: Of stores.
            folder: For all that is written.
        """
        self._servers, self._folder = servers, folder
        self._numbers = itertools.count()
        self._kept: tuple[tuple[EngineKind, Place], RunningEngine] | None = None
        self._commands: WarmCommands | None = None
        self._photos = draw_slow(folder / "photos")
        self._slowly = {"PYTHONPATH": faulty_decoder(folder / "faults")}
        convert(self._photos, folder / "local", OPTIONS)
        self._expected = _content(str(folder / "local"))

    def run(self, case: EngineCase) -> EngineOutcome:
        """Runs a case."""
        begin = time.monotonic()
        try:
            with self._place(case.place) as dataset:
                verdict, text = FAULT_RUNS[case.fault](self, case, dataset)
                verdict = verdict if _content(dataset) == self._expected else "ANOTHER DATASET"
        except Trouble as trouble:
            verdict, text = str(trouble.args[0]), "\n".join(map(str, trouble.args[1:]))
        except (AssertionError, OSError, RuntimeError, subprocess.SubprocessError) as error:
            # an engine that does not start, a launch that ends
            verdict, text = "FAILED", f"{type(error).__name__}: {error}"
        if verdict not in GOOD:
            self._end_engine()
        return EngineOutcome(case, verdict, text, time.monotonic() - begin)

    def close(self) -> None:
        """Ends the engine, and what starts commands."""
        self._end_engine()
        if self._commands is not None:
            self._commands.close()

    def _end_engine(self) -> None:
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def kill_worker(self, case: EngineCase, dataset: str) -> tuple[str, str]:
        """Kills a worker. Engines that do not restart are started anew then."""
        started = self._engine(case)
        launch = self._launch(started, dataset)
        _wait(launch, case, started)
        # Beam's job service may have two, of which one has nothing to do.
        started.kill_workers(len(started.workers()) if case.engine == "job service" else 1)
        is_stuck = (case.engine, case.moment) == ("job service", 0) and not launch.ends_within(PATIENCE_S)
        if is_stuck:
            launch.process.send_signal(signal.SIGINT)
        ended = launch.finish()
        if case.engine in RESTARTING:
            started.replace_worker()
        else:
            self._end_engine()
        if ended.returncode == 0 and (case.engine in RESTARTING or case.moment == 0):
            return "same", ""
        if ended.returncode == 0:
            raise Trouble("NOT KILLED")
        verdict, text = self._continue(case, dataset, ended.stderr)
        return "interrupted" if is_stuck else verdict, text

    def interrupt_client(self, case: EngineCase, dataset: str) -> tuple[str, str]:
        """Presses Ctrl-C, and gives the same command again."""
        started = self._engine(case)
        launch = self._launch(started, dataset)
        _wait(launch, case, started)
        launch.process.send_signal(signal.SIGINT)
        ended = launch.finish()
        if ended.returncode == 0:
            return "same", ""
        if ended.returncode != INTERRUPTED:
            raise Trouble("STATUS", ended.returncode, ended.stderr)
        return self._continue(case, dataset, ended.stderr)

    def launch_twice(self, case: EngineCase, dataset: str) -> tuple[str, str]:
        """Starts the same command again while the first one runs."""
        started = self._engine(case)
        first = self._launch(started, dataset)
        _wait(first, case, started)
        second = self._launch(started, dataset).finish()
        ended = first.finish()
        for each in (ended, second):
            if each.returncode not in (0, OVERTAKEN, REFUSED):
                raise Trouble("STATUS", each.returncode, each.stderr)
        if ended.returncode and second.returncode:
            return self._continue(case, dataset, ended.stderr)
        return "same", ended.stderr + second.stderr

    def _engine(self, case: EngineCase) -> RunningEngine:
        """The engine of a case. It has the variables of the store, as all processes have that start meanwhile."""
        use = (case.engine, case.place)
        if self._kept is None or self._kept[0] != use:
            self._end_engine()
            if case.engine == "prism":
                require(PRISM)
            self._kept = (use, RunningEngine(case.engine, self._slowly))
        return self._kept[1]

    def _continue(self, case: EngineCase, dataset: str, text: str) -> tuple[str, str]:
        """Gives the same command again, after one line said that it continues."""
        _require_line(text)
        again = self._launch(self._engine(case), dataset).finish()
        if again.returncode:
            raise Trouble("DOES NOT CONTINUE", text, again.stderr)
        return "continued", text

    def _launch(self, started: RunningEngine, dataset: str) -> LaunchedCommand:
        if self._commands is None:
            self._commands = WarmCommands(*LOADED)
        return LaunchedCommand(self._photos, dataset, "--quiet", *started.arguments, commands=self._commands)

    @contextlib.contextmanager
    def _place(self, place: Place) -> Iterator[str]:
        if place == "folder":
            yield str(self._folder / f"dataset-{next(self._numbers)}")
            return
        store = self._servers.store(place)
        with pytest.MonkeyPatch.context() as patch:  # the processes of the engine inherit them
            for name, value in store.environment.items():
                patch.setenv(name, value)
            yield f"{store.address}/dataset"


FAULT_RUNS: dict[EngineFault, Callable[[EngineRunner, EngineCase, str], tuple[str, str]]] = {
    "worker killed": EngineRunner.kill_worker,
    "client interrupted": EngineRunner.interrupt_client,
    "two launches": EngineRunner.launch_twice,
}


def run_engine_cases(cases: list[EngineCase], add: Callable[[EngineOutcome], None]) -> None:
    """Runs cases, on servers of their own.

    Args:
        cases: The cases.
        add: Receives each outcome.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fitfeed-engines-") as folder,
        contextlib.closing(StoreServers()) as servers,
        contextlib.closing(EngineRunner(servers, Path(folder))) as runner,
    ):
        for case in cases:
            add(runner.run(case))


def _wait(launch: LaunchedCommand, case: EngineCase, started: RunningEngine) -> None:
    """Returns at the moment of a case."""
    launch.wait_for_shards(SHARDS * case.moment // (MOMENTS[case.fault] + 1))
    if case.fault == "worker killed":
        launch.wait_until(lambda: bool(started.workers()))


def _require_line(text: str) -> None:
    if len(text.splitlines()) != 1 or "continues" not in text:
        raise Trouble("NOT ONE LINE", text)


def _content(dataset: str) -> dict[str, bytes]:
    """All files of a dataset and what is beside it, but the tables that only save work."""
    place = open_place(dataset, "DATASET")
    return {
        found.name: place.read(found.name, at_most=found.bytes)[0]
        for found in place.files(deep=True)
        if found.name not in SIDE_TABLES
    }
