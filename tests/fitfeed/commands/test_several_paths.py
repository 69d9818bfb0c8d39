"""More paths than `convert` takes."""

import pytest

from fitfeed.commands.several_paths import require_two_paths
from fitfeed.schemas.errors import UsageError

APPEND = (
    "Several sources are not merged in one run: convert the first, then add each of the others with --append."
)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (
            ["photos/cat/", "photos/dog", "photos/fox", "out"],
            "Received 4 paths: 'photos/cat/', 'photos/dog', 'photos/fox', .... If the shell made them of a pattern such "
            f"as photos/*, give the folder: fitfeed convert photos out. {APPEND}",
        ),
        (
            ["cat", "dog", "out"],
            "Received 3 paths: 'cat', 'dog', 'out'. If the shell made them of a pattern such as *, give the folder: "
            f"fitfeed convert . ../out. {APPEND}",
        ),
        (["/a/cat", "/b/dog", "out"], f"Received 3 paths: '/a/cat', '/b/dog', 'out'. {APPEND}"),
    ],
)
def test_what_to_write_instead(paths: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_two_paths(paths)
    assert str(caught.value) == f"convert takes one SOURCE and one DATASET. {message}"


def test_two_paths_are_fine() -> None:
    require_two_paths(["photos", "out"])
