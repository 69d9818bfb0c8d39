"""What is known of the images of a pipeline as they are stored, without decoding one."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from fitfeed.pipelines.batches.workers.pickling import check_importable
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.stages.changes import StoredImages
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import payload_format


def describe_images(
    records: Records,
    *,
    image_size: tuple[int, int] | None,
    normalizes: bool,
    dtype: str,
    augment: Sequence[Any],
    looked_at: int,
) -> StoredImages:
    """Describes images, by medians and the most frequent encoding.

    Args:
        records: The images.
        image_size: (height, width) that they are fed in; None: as stored.
        normalizes: Whether they are normalized.
        dtype: Of the batch.
        augment: What changes them.
        looked_at: Payloads whose encoding is looked at, evenly over the records.
    """
    encoding: Any = "raw"
    if not records.is_raw:
        some = np.unique(np.linspace(0, len(records) - 1, min(looked_at, len(records))).astype(int))
        formats = Counter(payload_format(records.encoded(int(number))) for number in some)
        ((encoding, _),) = formats.most_common(1)
    return StoredImages(
        height=int(np.median(np.asarray(records.index.height))),
        width=int(np.median(np.asarray(records.index.width))),
        encoding=encoding,
        depth=records.depth,
        image_size=image_size,
        normalizes=normalizes,
        dtype=dtype,
        operations=len(augment),
        may_fork=_may_fork(augment),
    )


def _may_fork(augment: Sequence[Any]) -> bool:
    try:
        check_importable(augment)
    except UsageError:
        return False
    return True
