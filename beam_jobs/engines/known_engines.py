"""All engines that fitfeed knows by name."""

from typing import Any

from fitfeed.beam_jobs.engines.dask_cluster import DASK
from fitfeed.beam_jobs.engines.dataflow import DATAFLOW
from fitfeed.beam_jobs.engines.engine import Engine, short_name
from fitfeed.beam_jobs.engines.portable import FLINK, PORTABLE, PRISM, SPARK

ENGINES = (DATAFLOW, FLINK, SPARK, DASK, PRISM, PORTABLE)
"""In the order in which the help names them."""


def engine_named(runner: str) -> Engine | None:
    """The engine of a name, which is that of `--runner`, or Beam's own, with its module or without.

    Args:
        runner: `dask`, `DaskRunner`, or `apache_beam.runners.dask.dask_runner.DaskRunner`.
    """
    return next((engine for engine in ENGINES if engine.name == short_name(runner)), None)


def engine_of(runner: Any) -> Engine | None:
    """The engine that a runner of Beam launches jobs on; None for one that fitfeed does not know.

    Args:
        runner: The runner.
    """
    names = [each.__name__ for each in type(runner).__mro__]
    known = {engine.runner.rpartition(".")[2]: engine for engine in ENGINES}
    return next((known[name] for name in names if name in known), None)
