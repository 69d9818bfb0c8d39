"""Callbacks for Keras' `fit`."""

from pipelines.callbacks.resume import ResumeTraining

__all__ = ["ResumeTraining"]
