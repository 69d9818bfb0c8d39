"""What code that reads records must know beside their features."""

from typing import NamedTuple

from fitfeed.converters.inspect.decompress import Compression


class RecordFacts(NamedTuple):
    """What is known of the records of one or several files.

    Attributes:
        compression: Of each whole file.
        content: `tf.train.Example`, `tf.train.SequenceExample` or `bytes`.
        records: How many were read.
        empty: How many of them are an Example without a feature.
        has_too_many_names: Whether they have more features than are listed.
    """

    compression: Compression
    content: str
    records: int
    empty: int = 0
    has_too_many_names: bool = False
