"""Conversions that run on an engine, and take so long that something can go wrong in the middle."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from fitfeed.schemas.storage.open_place import open_place
from tests.deep import png
from tests.faults import add_fault
from tests.servers.programs import ROOT
from tests.warm_commands import WarmCommands

SHARDS = 12
OPTIONS = {"shards": SHARDS, "size": (12, 12), "encoding": "png"}
COMMAND_LINE = ["--shards", str(SHARDS), "--size", "12", "--encoding", "png"]
MAX_S = 300


def draw_slow(folder: Path, count: int = 2 * SHARDS) -> Path:
    """Pictures in two classes, each of which takes a while where `tests.faults.faulty_decoder` decodes it."""
    for number in range(count):
        picture = folder / ("cat", "dog")[number % 2] / f"{number:02d}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(png(np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)))
        add_fault(picture, "slow")
    return folder


class WarmProcess:
    """A command that has imported everything before it begins, as far as it is like `Popen`."""

    def __init__(self, commands: WarmCommands, command: Sequence[str]) -> None:
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `communicate` closes it
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - the same
        self._command = commands.start(*command, output=self._output.fileno(), errors=self._errors.fileno())

    def poll(self) -> int | None:
        return None if self._command.is_running() else self._command.wait()

    def send_signal(self, number: int) -> None:
        os.kill(self._command.pid, number)

    def kill(self) -> None:
        self._command.kill(group=False)

    def communicate(self, timeout: float) -> tuple[str, str]:
        with self._output, self._errors:
            try:
                self._command.wait(timeout)
            except TimeoutError:
                self._command.kill()
                raise
            for file in (self._output, self._errors):
                file.seek(0)
            return self._output.read(), self._errors.read()


class LaunchedCommand:
    """A `fitfeed convert` in a process of its own."""

    def __init__(
        self, source: object, dataset: object, *arguments: str, commands: WarmCommands | None = None
    ) -> None:
        """Starts it.

        Args:
            source: SOURCE.
            dataset: DATASET.
            arguments: Further ones; `--` and what is after it last.
            commands: What starts it; None to start it as a shell does.
        """
        self.dataset = str(dataset)
        command = ["convert", str(source), self.dataset, *COMMAND_LINE, *arguments]
        self.process: WarmProcess | subprocess.Popen[str]
        if commands is not None:
            self.process = WarmProcess(commands, command)
            return
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fitfeed", *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_shards(self, count: int) -> None:
        """Returns when so many shards are finished; for none, when the job is planned."""
        if count == 0:
            self.wait_until(lambda: any(name.endswith("/job.json") for name in self._staged()))
        else:
            self.wait_until(lambda: sum("/results/" in name for name in self._staged()) >= count)

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Returns when something has happened. It must happen while the command runs."""
        deadline = time.monotonic() + MAX_S
        while not happened():
            assert self.process.poll() is None, self.finish().stderr
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def ends_within(self, seconds: float) -> bool:
        """Whether the command ends within some seconds, after which it goes on."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.process.poll() is not None

    def _staged(self) -> list[str]:
        return [found.name for found in open_place(self.dataset, "DATASET").files(deep=True)]

    def finish(self) -> "subprocess.CompletedProcess[str]":
        """Waits for its end; returns what it printed.

        Raises:
            TimeoutError: If it does not end; then it is killed.
        """
        try:
            output, errors = self.process.communicate(timeout=MAX_S)
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            self.process.kill()
            msg = f"fitfeed convert into {self.dataset} did not end within {MAX_S} s"
            raise TimeoutError(msg) from error
        status = self.process.poll()
        assert status is not None
        return subprocess.CompletedProcess(["fitfeed"], status, output, errors)


def run(source: object, dataset: object, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A whole `fitfeed convert`."""
    return LaunchedCommand(source, dataset, *arguments).finish()
