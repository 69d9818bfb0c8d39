"""Dask: a scheduler and its workers, which can be asked what they have."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitfeed.beam_jobs.engines import quiet_worker
from fitfeed.beam_jobs.engines.endpoint import CONNECT_S, Endpoint
from fitfeed.beam_jobs.engines.engine import Engine
from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.beam_jobs.engines.quiet_beam import quiet_beam
from fitfeed.schemas.errors import RemoteError, UsageError
from fitfeed.schemas.text import first_line

if TYPE_CHECKING:
    from distributed import Client

PACKAGES = ("apache-beam", "fitfeed")
"""Packages whose versions must be the same on workers as here. Besides, Python's must be: functions are pickled."""

PARTITIONS = ("--dask_npartitions", "--dask_partition_size")
"""Options that say how many shards one task gets."""


def check_dask(launch: Launch) -> list[str]:
    """Checks that the scheduler answers, and asks each worker for versions and for the folders of this machine.

    Args:
        launch: What is about to be launched.

    Returns:
        Warnings.

    Raises:
        UsageError: If a worker has other versions, or does not see a folder.
        RemoteError: If the scheduler does not answer.
    """
    address = _scheduler(launch.options)
    if address is None:  # Beam starts workers on this machine
        return []
    option = "dask_client_address" if launch.options.get("address") else "dask_scheduler_file"
    Endpoint.parse(address, option).require("the scheduler of Dask", option)
    folders = {what: place.local_folder for what, place in launch.places()}
    # The dataset itself may not be there yet.
    seen = {what: str(_nearest(folder)) for what, folder in folders.items() if folder is not None}
    answers = _ask_workers(address, list(seen.values()))
    if not answers:
        return [f"the scheduler of Dask at {address} has no workers yet: the job waits for one"]
    for worker, answer in sorted(answers.items()):
        _require_alike(worker, answer, seen)
    return []


def worker_facts(paths: Sequence[str]) -> dict[str, Any]:
    """What a worker is asked. It runs there.

    Args:
        paths: Paths that it should see.

    Returns:
        Its versions, and which of the paths are there.
    """
    return {"versions": _versions(), "paths": [path for path in paths if Path(path).exists()]}


def with_partitions(arguments: Sequence[str], shards: int) -> list[str]:
    """Gives each shard a task of its own. Otherwise up to 128 are one task, and one worker writes all of them.

    Args:
        arguments: Options that were given.
        shards: Number of shards.
    """
    if any(argument.startswith(PARTITIONS) for argument in arguments):
        return list(arguments)
    return [*arguments, f"--dask_npartitions={shards}"]


@contextmanager
def quiet_workers() -> Iterator[None]:
    """Lets workers that are started meanwhile load `quiet_worker`, besides what the user's configuration names.

    Where that gives arguments to what is loaded, one list for each, it stays as it is.
    """
    with quiet_beam():
        import dask
        import distributed  # noqa: F401 - it has the defaults of what is set here

    names = dask.config.get("distributed.worker.preload")
    if dask.config.get("distributed.worker.preload-argv"):
        yield
        return
    names = [names] if isinstance(names, str) else list(names or [])
    with dask.config.set({"distributed.worker.preload": [*names, quiet_worker.__name__]}):
        yield


def _versions() -> dict[str, str]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {**{name: _version(name) for name in PACKAGES}, "Python": python}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a checkout that is on the path
        return "not installed"


def _scheduler(options: Mapping[str, Any]) -> str | None:
    """The address of the scheduler; None if none is named."""
    if options.get("address"):
        return str(options["address"])
    file = options.get("scheduler_file")
    if not file:
        return None
    try:
        return str(json.loads(Path(file).read_bytes())["address"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"--dask_scheduler_file {file} cannot be read as what a scheduler writes: {first_line(error)}. Start one with: dask scheduler --scheduler-file {file}"
        raise UsageError(msg) from error


def _nearest(folder: Path) -> Path:
    """The folder, or the one in which it will be made."""
    return next((each for each in (folder, *folder.parents) if each.exists()), folder)


def _ask_workers(address: str, paths: list[str]) -> dict[str, Any]:
    """The answers of all workers, by their addresses; an error is an answer, too."""
    with quiet_beam():
        from distributed import Client

        try:
            with Client(address, timeout=CONNECT_S, set_as_default=False) as client:
                return _answers(client, paths)
        except OSError as error:
            msg = f"the scheduler of Dask at {address} does not answer as one: {first_line(error)}. Start it, or correct the address."
            raise RemoteError(msg) from error


def _answers(client: "Client", paths: list[str]) -> dict[str, Any]:
    return dict(client.run(worker_facts, paths, on_error="return"))


def _require_alike(worker: str, answer: Any, seen: Mapping[str, str]) -> None:
    if isinstance(answer, BaseException):
        msg = f"the Dask worker {worker} cannot use fitfeed: {type(answer).__name__}: {first_line(answer)}. Install fitfeed {_version('fitfeed')} in its environment, and start it again."
        raise UsageError(msg)
    for name, here in _versions().items():
        there = answer["versions"][name]
        if there != here:
            mend = f"Run there: pip install {name}=={here}" if name in PACKAGES else "Use the same on both."
            msg = f"the Dask worker {worker} has {name} {there}, and here it is {here}. {mend}"
            raise UsageError(msg)
    for what, path in seen.items():
        if path not in answer["paths"]:
            msg = f"{what} is in {path}, a folder of this machine that the Dask worker {worker} does not see. Use a folder that all machines have under one path, or a place in a bucket."
            raise UsageError(msg)


DASK = Engine(
    name="dask",
    title="Dask",
    runner="apache_beam.runners.dask.dask_runner.DaskRunner",
    modules=("dask", "distributed"),
    install="pip install 'fitfeed[dask]'",
    check=check_dask,
    complete=with_partitions,
    launching=quiet_workers,
    spreads=False,  # a reshuffle does nothing, and what one element becomes stays in one task
)
