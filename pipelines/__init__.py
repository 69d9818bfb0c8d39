"""Feeds a fitfeed dataset to training: `make_pipeline` for Keras and TensorFlow, records for the rest.

Importing this package loads neither TensorFlow nor Keras; `make_pipeline` and
`Dataset.normalization` import them when called.
"""

from pipelines.augment.base import Augmentation
from pipelines.augment.crop import CenterCrop, RandomResizedCrop
from pipelines.augment.flip import RandomFlip
from pipelines.build import make_pipeline
from pipelines.dataset import Dataset, open_dataset
from pipelines.records import Records

__all__ = [
    "Augmentation",
    "CenterCrop",
    "Dataset",
    "RandomFlip",
    "RandomResizedCrop",
    "Records",
    "make_pipeline",
    "open_dataset",
]
