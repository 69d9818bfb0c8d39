"""What the values of finished images are: their type, and how they are normalized."""

from typing import Any

import ml_dtypes
import numpy as np

from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.feed.check_depth import INTEGERS
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.statistics import ChannelStatistics


def image_type(options: PipelineOptions) -> np.dtype[Any]:
    """The type that `dtype=` names. NumPy itself has no bfloat16."""
    return np.dtype(getattr(ml_dtypes, options.dtype, options.dtype))


def image_normalizer(options: PipelineOptions, statistics: ChannelStatistics) -> Normalizer | None:
    """What makes values of that type from stored pixels; None where they stay what is stored.

    Args:
        options: Those of the pipeline.
        statistics: Of the splits that normalize.
    """
    if options.dtype in INTEGERS:
        return None
    return Normalizer(options.normalize, statistics, dtype=image_type(options))
