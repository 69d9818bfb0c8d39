"""Runners that start an executable: it is a file of this machine, and Beam does not download it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fitfeed.schemas.errors import UsageError

EXECUTABLES = {
    "PrismRunner": "prism_location",
    "FlinkRunner": "flink_job_server_jar",
    "SparkRunner": "spark_job_server_jar",
    "KafkaStreamsRunner": "kafka_streams_job_server_jar",
}
"""Runners that start an executable, and the option that says where it is. Without it Beam downloads one."""


def require_local_executable(runner: Any, options: Mapping[str, Any]) -> None:
    """Checks that a runner needs no executable, or has one.

    Args:
        runner: The runner of Beam.
        options: All of Beam's options.

    Raises:
        UsageError: If Beam would download one.
    """
    names = [each.__name__ for each in type(runner).__mro__]
    where = next((EXECUTABLES[name] for name in names if name in EXECUTABLES), None)
    if where is None or options["job_endpoint"]:
        return
    path = options[where]
    if path is None or not Path(path).is_file():
        msg = f"{type(runner).__name__} would let Beam download and start an executable: --{where} is {path or 'not given'}. Give the path of a local file, as -- --{where}=FILE, or the address of a server that runs, as -- --job_endpoint=HOST:PORT."
        raise UsageError(msg)
