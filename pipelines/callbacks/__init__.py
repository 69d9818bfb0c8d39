"""Callbacks for Keras' `fit`. Importing this package loads no Keras; `ResumeTraining` does when it is first used."""

from typing import TYPE_CHECKING, Any

from fitfeed.pipelines.callbacks.input_monitor import InputMonitor

if TYPE_CHECKING:
    from fitfeed.pipelines.callbacks.resume import ResumeTraining

__all__ = ["InputMonitor", "ResumeTraining"]


def __getattr__(name: str) -> Any:
    """Imports what needs Keras when it is first used."""
    if name == "ResumeTraining":
        from fitfeed.pipelines.callbacks.resume import ResumeTraining

        return ResumeTraining
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
