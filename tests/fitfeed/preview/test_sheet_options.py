"""What a sheet cannot show is refused before anything is read."""

from typing import Any

import pytest

from fitfeed.preview.sheet_options import SheetOptions
from fitfeed.schemas.errors import UsageError


@pytest.mark.parametrize(
    ("given", "is_augmented", "message"),
    [
        ({"count": 0}, False, "count expects a number from 1. Received: 0"),
        ({"side": 15}, False, "tile expects a number from 16. Received: 15"),
        ({"columns": -1}, False, "columns expects a number from 1. Received: -1"),
        ({"draws": 2}, False, "draws is about augmented pictures. Pass {}augment too."),
        ({"count": 2000, "side": 160}, True, "Ask for a smaller {0}count, {0}draws or {0}tile."),
    ],
)
@pytest.mark.parametrize("options", ["", "--"])
def test_what_is_wrong_is_named_as_it_was_written(
    given: dict[str, Any], is_augmented: bool, message: str, options: str
) -> None:
    with pytest.raises(UsageError) as raised:
        SheetOptions(**given).check(is_augmented=is_augmented, options=options)
    assert message.format(options) in str(raised.value)


def test_the_size_of_augmented_pictures_has_its_name() -> None:
    for options, name in (("", "image_size"), ("--", "--image-size")):
        with pytest.raises(UsageError) as raised:
            SheetOptions(image_size=(8, 8)).check(is_augmented=False, options=options)
        assert str(raised.value).startswith(f"{name} is about augmented pictures")


def test_what_can_be_shown_is_not_refused() -> None:
    SheetOptions().check(is_augmented=False)
    SheetOptions(count=1, side=16, draws=1, columns=1, image_size=(8, 8)).check(is_augmented=True)
