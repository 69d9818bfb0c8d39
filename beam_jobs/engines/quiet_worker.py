"""What workers of Dask load before Beam, where Beam starts them on this machine: they share its terminal.

Without the packages of Google Cloud, `import apache_beam` warns in each process that it has no client of BigQuery, which nothing
here asks for. Whatever else a worker says is printed.
"""

import logging
from typing import Any

UNASKED = "apitools not found, and bigquery client libraries are not available"


def dask_setup(worker: Any) -> None:
    """Called by Dask when a worker begins: filters what is logged by no logger of its own, as that line is."""
    logging.getLogger().addFilter(is_asked_for)


def is_asked_for(record: logging.LogRecord) -> bool:
    """Whether a line is to be printed. It is not formatted: where its arguments do not fit, `logging` says so, and nothing is raised."""
    return not str(record.msg).startswith(UNASKED)
