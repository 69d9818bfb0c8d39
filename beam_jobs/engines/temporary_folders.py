"""Removes the temporary folders that Beam makes for a pipeline, and leaves behind."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import apache_beam as beam


@contextmanager
def pipeline_folder_removed(pipeline: "beam.Pipeline") -> Iterator[None]:
    """Removes a pipeline's own folder when the block ends.

    Beam removes it where the pipeline runs, but not in a notebook, nor if the pipeline never comes to run.

    Args:
        pipeline: The pipeline.
    """
    try:
        yield
    finally:
        shutil.rmtree(pipeline.local_tempdir, ignore_errors=True)


@contextmanager
def staging_folders_removed() -> Iterator[None]:
    """Removes what this thread stages jobs from, when the block ends. Beam never does.

    Put it around `run` of a pipeline for an engine, which stages the job before it returns. Other threads may stage jobs of their
    own meanwhile; their folders are Beam's, and stay.
    """
    before, made = _THREAD.made, list[str]()
    _STAGING.enter()
    _THREAD.made = made
    try:
        yield
    finally:
        _THREAD.made = before
        _STAGING.leave()
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


class _OfThread(threading.local):
    """The folders that a thread has made in its block; None outside of a block."""

    made: list[str] | None = None


_THREAD = _OfThread()


class _StagingFunction:
    """Replaces Beam's function while any thread is in a block: Beam tells nobody of its folders, but takes one that it is given.

    Threads may leave in another order than they came.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._original: Callable[..., Any] | None = None
        self._ours: Callable[..., Any] | None = None

    def enter(self) -> None:
        """Replaces the function, if no thread has done so."""
        from apache_beam.transforms import environments

        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._original = environments.python_sdk_dependencies
                self._ours = _noting_folders(self._original)
                environments.python_sdk_dependencies = self._ours

    def leave(self) -> None:
        """Puts the original back, if no other thread is inside, and if nobody else has replaced ours."""
        from apache_beam.transforms import environments

        with self._lock:
            self._inside -= 1
            if self._inside == 0 and environments.python_sdk_dependencies is self._ours:
                environments.python_sdk_dependencies = self._original


_STAGING = _StagingFunction()


def _noting_folders(original: Callable[..., Any]) -> Callable[..., Any]:
    def dependencies(options: Any, tmp_dir: str | None = None) -> Any:
        if tmp_dir is None and _THREAD.made is not None:
            tmp_dir = tempfile.mkdtemp(prefix="fitfeed-job-")
            _THREAD.made.append(tmp_dir)
        return original(options, tmp_dir)

    return dependencies
