"""A job on an engine, seen from here: its end, and how it is cancelled."""

import threading
from typing import Any

import pytest

from fitfeed.beam_jobs.engines.remote_job import RemoteJob
from fitfeed.schemas.errors import InterruptedConversionError, RemoteError

END_S = 60.0


class Result:
    """A `PipelineResult` of Beam."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.error: Exception | None = None
        self.asked = 0

    def wait_until_finish(self) -> None:
        self.end.wait(END_S)
        if self.error is not None:
            raise self.error

    def cancel(self) -> None:
        self.asked += 1
        self.error = RuntimeError("Pipeline job-1 failed in state CANCELLED: unknown error")
        self.end.set()

    def metrics(self) -> Any:
        raise NotImplementedError


class PortableResult(Result):
    _job_id = "job-001"


class DataflowResult(Result):
    has_job = True

    def job_id(self) -> str:
        return "2026-11-27_01"


def test_a_job_runs_until_it_is_done() -> None:
    result = Result()
    with RemoteJob(result, "Dask") as job:
        assert (job.wait(0.01), job.name, job.id) == (False, "the Dask job", None)
        assert job.counters() == {}
        result.end.set()
        assert job.wait(END_S)
        job.cancel()  # too late, and no error
        assert result.asked == 0


@pytest.mark.parametrize(
    ("kind", "name"), [(PortableResult, "Flink job job-001"), (DataflowResult, "Flink job 2026-11-27_01")]
)
def test_a_job_is_called_what_its_engine_calls_it(kind: type[Result], name: str) -> None:
    result = kind()
    result.end.set()
    assert RemoteJob(result, "Flink").name == name


def test_a_job_that_fails_is_an_error_each_time_it_is_asked() -> None:
    result = Result()
    result.error = RuntimeError("SDK worker disconnected")
    job = RemoteJob(result, "Prism")
    result.end.set()
    for _ in range(2):
        with pytest.raises(RemoteError, match=r"^the Prism job failed: SDK worker disconnected\. Nothing"):
            job.wait()


def test_a_job_that_is_cancelled_is_an_interruption() -> None:
    result = PortableResult()
    job = RemoteJob(result, "Flink")
    job.cancel()
    with pytest.raises(InterruptedConversionError, match="cancelled; nothing was published"):
        job.wait(END_S)
    assert result.asked == 1


def test_an_engine_that_cannot_be_asked_to_cancel_is_an_error() -> None:
    class Gone(Result):
        def cancel(self) -> None:
            raise ConnectionError("Connection refused")

    result = Gone()
    job = RemoteJob(result, "Flink")
    with pytest.raises(RemoteError, match="ConnectionError: Connection refused"):
        job.cancel()
    assert not job.wait(0.01)  # it is running, and not cancelled
    result.end.set()
    assert job.wait(END_S)


def test_closing_lets_go_of_the_client_and_cancels_nothing() -> None:
    class DaskResult(Result):
        class client:  # noqa: N801 - an attribute
            closed = False

            @classmethod
            def close(cls) -> None:
                cls.closed = True

    result = DaskResult()
    with RemoteJob(result, "Dask"):
        pass
    assert (result.client.closed, result.asked) == (True, 0)
    result.end.set()
