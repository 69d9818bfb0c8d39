"""What is said of stored images."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from fitfeed.pipelines.feed.stored_images import describe_images

JPEG, PNG = b"\xff\xd8\xff\xe0" + bytes(12), b"\x89PNG\r\n\x1a\n" + bytes(8)


class FourRecords:
    """Payloads as records give them."""

    is_raw, depth = False, 8
    index = SimpleNamespace(height=[4, 6, 8, 100], width=[1, 2, 4, 200])

    def __init__(self, payloads: list[bytes]) -> None:
        self.encoded, self._count = payloads.__getitem__, len(payloads)

    def __len__(self) -> int:
        return self._count


@pytest.mark.parametrize(
    ("payloads", "encoding"),
    [([JPEG, PNG, PNG, PNG], "png"), ([JPEG, PNG, PNG, JPEG], "jpeg"), ([PNG, JPEG, PNG, JPEG], "png")],
)
def test_the_most_frequent_encoding_counts_and_the_first_of_two(payloads: list[bytes], encoding: str) -> None:
    images = describe_images(
        cast("Any", FourRecords(payloads)),
        image_size=None,
        normalizes=True,
        dtype="bfloat16",
        augment=[],
        looked_at=8,
    )
    assert (images.encoding, images.height, images.width) == (encoding, 7, 3)
    assert images.may_fork
    assert images.dtype == "bfloat16"
