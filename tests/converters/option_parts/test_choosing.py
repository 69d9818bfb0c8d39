"""Options of which files are taken: refusals."""

from typing import Any

import pytest

from fitfeed.converters.option_parts.choosing import ChoosingOptions
from fitfeed.schemas.errors import UsageError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"exclude": ("/masks",)}, "--exclude takes a pattern of paths below SOURCE.*Received: '/masks'"),
        ({"include": ("",)}, "--include takes a pattern"),
        ({"exclude": "masks"}, "exclude must be patterns of paths"),
        ({"mask_from": "masks/1.png"}, r"with \{stem\}.*Received: 'masks/1.png'"),
        ({"mask_from": "{name}/{stem}.png"}, "In braces may be dir, parent, below, stem"),
        ({"mask_from": "m*/{stem}.png"}, r"a \* only in the file's name"),
        ({"mask_from": "{stem.png"}, "Received: '{stem.png'"),
        ({"mask_from": "/m/{stem}.png"}, "as a path below SOURCE"),
    ],
)
def test_refusals(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ChoosingOptions(**given)


def test_what_is_allowed() -> None:
    options = ChoosingOptions(
        include=("a",), exclude=("*_mask.*", "Meta"), mask_from="{dir}/{stem}_mask*.png"
    )
    assert options.exclude == ("*_mask.*", "Meta")
