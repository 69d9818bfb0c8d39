"""Options of splits: refusals."""

from typing import Any

import pytest

from fitfeed.converters.option_parts.splitting import SplitOptions
from fitfeed.schemas.errors import UsageError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"split": {"train": 0.8, "validation": 0.3}}, "which sum to 1.1"),
        ({"split": {"train": 0.8}}, "which sum to 0.8"),
        ({"split": {"train": 1.5, "validation": -0.5}}, "Received: train=1.5"),
        ({"split": {"../x": 1.0}}, r"Received: '\.\./x'"),
        ({"split": {}}, "sum to 0"),
        ({"split": {"val": 0.5, "validation": 0.5}}, "names the split 'validation' twice"),
        ({"split": {"a" * 65: 1.0}}, "64 at most"),
        ({"split_folders": {"x": "1st"}}, "Received: '1st' in --split-folders x=1st"),
        ({"split_folders": "x"}, "split_folders must be splits by folder name"),
    ],
)
def test_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SplitOptions(**given)


def test_val_means_validation() -> None:
    options = SplitOptions(split={"training": 0.5, "val": 0.5}, split_folders={"x": "val", "y": "extra"})
    assert options.split == {"train": 0.5, "validation": 0.5}
    assert options.split_folders == {"x": "validation", "y": "extra"}
