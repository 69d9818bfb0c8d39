"""What fitfeed knows of an engine."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fitfeed.beam_jobs.engines.launch import Launch


def short_name(runner: str) -> str:
    """What `--runner` calls a runner of Beam: `dask` for `apache_beam.runners.dask.dask_runner.DaskRunner`."""
    return runner.rpartition(".")[2].lower().removesuffix("runner")


def _ends_with_client(launch: Launch) -> bool:
    return False


def _as_given(arguments: Sequence[str], shards: int) -> list[str]:
    return list(arguments)


def _nowhere(options: Mapping[str, Any], job_id: str) -> str:
    return ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine.

    Attributes:
        name: What `--runner` calls it.
        title: What messages call it.
        runner: What Beam calls it.
        modules: What must be installed besides fitfeed.
        install: The command that installs that.
        check: Checks in seconds, and before anything is planned, what can be checked of a launch. It returns warnings,
            a line each without a full stop. It raises `UsageError` for what cannot work, and `RemoteError` for what does
            not answer: one line, which says what to do.
        spreads: Whether a reshuffle spreads elements over workers. If not, the graph itself has each shard's number.
        serves_options: Whether a job server may know options that Beam does not know here.
        launching: What surrounds the start of a job: for runners that start workers on this machine.
        outlives: Whether a job of a launch goes on when this process has ended.
        complete: Adds the options that follow from the number of shards to those that were given.
        console: The address at which people see a job, from all of Beam's options and the job's id; empty if there is none.
    """

    name: str
    title: str
    runner: str
    check: Callable[[Launch], list[str]]
    modules: tuple[str, ...] = ()
    install: str = ""
    complete: Callable[[Sequence[str], int], list[str]] = _as_given
    spreads: bool = True
    serves_options: bool = False
    console: Callable[[Mapping[str, Any], str], str] = _nowhere
    launching: Callable[[], AbstractContextManager[None]] = nullcontext
    outlives: Callable[[Launch], bool] = _ends_with_client
