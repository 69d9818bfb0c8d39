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
    ],
)
def test_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SplitOptions(**given)
