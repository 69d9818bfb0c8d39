"""Callbacks for Keras' `fit`."""

from fitfeed.pipelines.callbacks.resume import ResumeTraining

__all__ = ["ResumeTraining"]
