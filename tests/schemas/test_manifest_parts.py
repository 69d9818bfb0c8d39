"""Parts of a manifest, each by itself: what contradicts itself is refused."""

from typing import Any

import pytest

from fitfeed.schemas.manifest_parts import NamedSource, Split, Statistics
from fitfeed.schemas.statistics import ChannelStatistics

LEVELS = 65_536


def split(examples: int, histogram: Any, **changes: Any) -> Split:
    """As a manifest has it."""
    shard = {"file": "a.h5", "bytes": 1, "sha256": "0" * 64}
    content = {
        "examples": examples,
        "bytes": 1,
        "class_counts": [],
        "height": None,
        "width": None,
        "index": shard,
        "shards": [{**shard, "examples": examples}],
        "histogram": histogram,
    }
    return Split.model_validate({**content, **changes})


def test_a_split_holds_what_statistics_follow_from() -> None:
    recorded = split(1, ["7:1 900:2"])
    exact = ChannelStatistics(recorded.counts)
    assert (exact.pixels, exact.percentile(50)) == (3, [900])
    assert split(0, ["", ""]).counts.shape == (2, LEVELS)
    assert split(0, [[0] * 256]).counts.shape == (1, 256)


@pytest.mark.parametrize(
    ("examples", "histogram"),
    [
        (1, ["7:1 900:2", [0] * 256]),
        (1, [[0] * LEVELS]),
        (1, [""]),
        (4, ["7:1 900:2"]),
        (0, ["7:1"]),
        (1, ["7:1", "7:2"]),
        (1, []),
    ],
)
def test_a_histogram_that_is_not_of_its_split_is_refused(examples: int, histogram: Any) -> None:
    with pytest.raises(ValueError, match="histogram"):
        split(examples, histogram)


@pytest.mark.parametrize("changes", [{"bytes": 2}, {"shards": []}])
def test_shards_add_up_to_their_split(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="but the shards"):
        split(1, ["7:1 900:2"], **changes)


def test_statistics_are_taken_of_the_counts() -> None:
    recorded = Statistics.of(ChannelStatistics(split(1, ["7:1 900:2"]).counts), split="train", images=1)
    assert (recorded.pixels, recorded.mean, recorded.min, recorded.max) == (3, [1807 / 3], [7], [900])


def test_a_source_has_no_path() -> None:
    assert NamedSource(name="photos", kind="folder", uri=None).uri is None
    for uri in ("/home/anna/photos", "s3://bucket", "0" * 31):
        with pytest.raises(ValueError, match="uri"):
            NamedSource(name="photos", kind="folder", uri=uri)
