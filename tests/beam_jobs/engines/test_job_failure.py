"""The last cause of failed jobs: texts as engines give them."""

import grpc
import pytest

from fitfeed.beam_jobs.engines.job_failure import failure_of, last_cause
from fitfeed.schemas.errors import ConversionError, OvertakenError, RemoteError

WORKER = """\
Pipeline job-001[go-job-1-1701084] failed in state FAILED: bundle inst005 stage-007 failed:Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1498, in process
    return self.do_fn_invoker.invoke_process(windowed_value)
  File "/site-packages/fitfeed/converters/shards/write_shard.py", line 130, in write_shard
    raise work.write_error(error) from error
fitfeed.schemas.errors.ConversionError: cannot write to s3://b/flowers: Access denied

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/site-packages/apache_beam/runners/worker/sdk_worker.py", line 311, in _execute
    response = task()
               ^^^^^^
fitfeed.schemas.errors.ConversionError: cannot write to s3://b/flowers: Access denied [while running 'WriteShard-ptransform-12']

"""
JAVA = """\
java.lang.RuntimeException: The Runner experienced the following error during execution:
\tat org.apache.beam.runners.flink.FlinkPipelineRunner.run(FlinkPipelineRunner.java:94)
Caused by: org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoffTimeStrategy
\tat org.apache.flink.runtime.executiongraph.Failover.handle(Failover.java:176)
Caused by: org.apache.flink.util.SerializedThrowable: SDK harness sdk-0-0 disconnected
\t... 1 more
"""


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (WORKER, "ConversionError", "cannot write to s3://b/flowers: Access denied"),
        (JAVA, "SerializedThrowable", "SDK harness sdk-0-0 disconnected"),
        ("Pipeline job-002 failed in state FAILED: SDK worker disconnected", None, "SDK worker disconnected"),
        (
            "Dataflow pipeline failed. State: FAILED, Error:\nThe zone has no capacity.",
            None,
            "The zone has no capacity.",
        ),
        ("Dataflow pipeline failed. State: CANCELLED, Error:\nNone", None, "somebody has cancelled it"),
        ("Pipeline job-002 failed in state CANCELLED: ", None, "somebody has cancelled it"),
        ("", None, "the engine gave no reason"),
        ("Traceback (most recent call last):\n  File x", None, "an error without a message"),
        (
            "Traceback (most recent call last):\n  File x\nKeyError: 'beam:env:process:v1'",
            "KeyError",
            "'beam:env:process:v1'",
        ),
    ],
)
def test_the_last_cause_is_found(text: str, name: str | None, expected: str) -> None:
    assert last_cause(text) == (name, expected)


class KilledWorker(Exception):  # noqa: N818 - as Dask calls it
    """An error of Dask's client, which is not installed everywhere."""


class Lost(grpc.RpcError):
    def details(self) -> str:
        return "Socket closed"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RuntimeError(WORKER), "cannot write to s3://b/flowers: Access denied"),
        (RuntimeError(JAVA), "SerializedThrowable: SDK harness sdk-0-0 disconnected"),
        (TypeError("object of type 'int' has no len()"), "TypeError: object of type 'int' has no len()"),
        (
            KilledWorker("Attempted to run task 'x' on 4 different workers. See https://example.com."),
            "workers that wrote a shard ended again and again: most often because memory ran out",
        ),
        (Lost("<_InactiveRpcError\n\tstatus = UNAVAILABLE>"), "Socket closed"),
        (ConversionError("the disk is full. Run the same command again: it continues."), "the disk is full"),
        (TimeoutError(), "TimeoutError"),
        (RuntimeError("a" * 900), f"{'a' * 497}..."),
        (RuntimeError("a\x1b[2J"), "a\\x1b[2J"),
    ],
)
def test_a_failed_job_is_one_line_that_says_how_to_go_on(error: Exception, cause: str) -> None:
    failure = failure_of(error, "the Dask job")
    assert type(failure) is RemoteError
    assert str(failure) == (
        f"the Dask job failed: {cause}. Nothing was published, and finished shards are kept. "
        "Run the same command again: it continues."
    )


def test_what_a_worker_says_of_publication_is_not_said_twice() -> None:
    error = ConversionError(
        "cannot write to d. Nothing was published. Free some space and run the same command again: it continues."
    )
    said = str(failure_of(error, "the Dask job"))
    assert said.count("ublished") == 1
    assert said.endswith(". Finished shards are kept. Run the same command again: it continues.")


@pytest.mark.parametrize(
    "error",
    [
        OvertakenError("another launch has published [while running 'Publish']"),
        RuntimeError(
            "Traceback (most recent call last):\n  x\nfitfeed.schemas.errors.OvertakenError: another launch has published [while running 'Publish']"
        ),
    ],
)
def test_what_publication_refused_keeps_its_exit_status(error: Exception) -> None:
    failure = failure_of(error, "the Flink job")
    assert (type(failure), str(failure)) == (OvertakenError, "another launch has published")


def test_the_place_where_people_see_the_job_is_named() -> None:
    error = failure_of(RuntimeError("no quota"), "Dataflow job 1", "https://console.example/1")
    assert str(error).startswith("Dataflow job 1 failed: no quota. ")
    assert str(error).endswith(": it continues. Its messages: https://console.example/1")
