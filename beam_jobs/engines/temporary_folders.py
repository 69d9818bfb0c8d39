"""Removes the temporary folders that Beam makes for a pipeline, and leaves behind."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apache_beam as beam


@contextmanager
def folders_removed(pipeline: "beam.Pipeline") -> Iterator[None]:
    """Removes what Beam makes for a pipeline among the temporary files, when the block ends.

    Each pipeline has a folder, which Beam removes where the pipeline runs, but not in a notebook, nor if it never comes to run.
    Another one has what a job on an engine is staged from, and Beam never removes that one.

    Args:
        pipeline: The pipeline. In the block, it is handed to its runner, which stages the job before `run` returns.
    """
    made: list[str] = [pipeline.local_tempdir]
    try:
        with _staged_from(made):
            yield
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _staged_from(made: list[str]) -> Iterator[None]:
    """Notes the folders that jobs are staged from: Beam tells nobody, but takes a folder that it is given."""
    from apache_beam.transforms import environments

    original = environments.python_sdk_dependencies

    def dependencies(options: Any, tmp_dir: str | None = None) -> Any:
        if tmp_dir is None:
            tmp_dir = tempfile.mkdtemp(prefix="fitfeed-job-")
            made.append(tmp_dir)
        return original(options, tmp_dir)

    environments.python_sdk_dependencies = dependencies
    try:
        yield
    finally:
        environments.python_sdk_dependencies = original
