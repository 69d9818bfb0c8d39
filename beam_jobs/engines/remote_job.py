"""A job that an engine runs, seen from the process that launched it."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from fitfeed.beam_jobs.engines.job_counters import read_counters
from fitfeed.beam_jobs.engines.job_failure import failure_of
from fitfeed.schemas.errors import InterruptedConversionError

CANCELLED = "the job was cancelled; nothing was published. The same command continues where it stopped."


class RemoteJob:
    """A job that an engine runs. Thread-safe.

    A thread waits for its end, so that the caller can do something else, receive signals for example.

    Attributes:
        name: What messages call it, such as `Dataflow job 2026-11-27_01_02_03`.
        id: What the engine calls it; None if it gives no names.
    """

    def __init__(self, result: Any, title: str, console: Callable[[str], str] = lambda job_id: "") -> None:
        """Begins to wait for a job.

        Args:
            result: The `PipelineResult` of Beam.
            title: What messages call the engine.
            console: The address at which people see a job, from its id; empty if there is none.
        """
        self._result = result
        self.id = _id_of(result)
        self.name = f"{title} job {self.id}" if self.id else f"the {title} job"
        self._address = console(self.id) if self.id else ""
        self._ended = threading.Event()
        self._cancelled = False
        self._error: BaseException | None = None
        threading.Thread(target=self._wait, name="fitfeed-remote-job", daemon=True).start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits for the end of the job.

        Args:
            timeout_s: Most seconds to wait; None to wait for the end.

        Returns:
            Whether it has ended.

        Raises:
            InterruptedConversionError: If it was cancelled.
            FitfeedError: If it failed: `RemoteError`, or what its publication has raised.
        """
        if not self._ended.wait(timeout_s):
            return False
        if self._cancelled:
            raise InterruptedConversionError(CANCELLED)
        if self._error is not None:
            raise failure_of(self._error, self.name, self._address) from self._error
        return True

    def cancel(self) -> None:
        """Asks the engine to stop the job; `wait` then returns when it has.

        Raises:
            FitfeedError: If the engine cannot be asked.
        """
        if self._ended.is_set():
            return
        self._cancelled = True
        try:
            self._result.cancel()
        except Exception as error:
            self._cancelled = False
            raise failure_of(error, self.name) from error

    def counters(self) -> dict[str, int]:
        """The engine's counters of the job by name; none if it does not tell them now."""
        return read_counters(self._result)

    def close(self) -> None:
        """Lets go of what this process holds of the job, which is not cancelled."""
        client = getattr(self._result, "client", None)  # Dask's
        if client is not None:
            client.close()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Lets go of what this process holds of the job."""
        self.close()

    def _wait(self) -> None:
        try:
            self._result.wait_until_finish()
        except BaseException as error:  # noqa: BLE001 - `wait` raises it
            self._error = error
        finally:
            self._ended.set()


def _id_of(result: Any) -> str | None:
    """What the engine calls a job."""
    if callable(getattr(result, "job_id", None)):  # Dataflow
        return str(result.job_id()) if result.has_job else None
    given = getattr(result, "_job_id", None)  # portable runners
    return None if given is None else str(given)
