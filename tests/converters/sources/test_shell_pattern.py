"""Paths that a shell has made of a pattern."""

from pathlib import Path

import pytest

from fitfeed.converters.sources.shell_pattern import pattern_hint


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (
            ["photos/cat", "photos/dog", "photos/fox"],
            "these 3 paths of a pattern such as photos/*, give the folder",
        ),
        (["photos/cat", "photos/dog", "photos/fox"], "and then DATASET: fitfeed convert photos DATASET."),
        (
            ["cat", "dog", "fox"],
            "a pattern such as *, give the folder, and then DATASET: fitfeed convert . DATASET.",
        ),
    ],
)
def test_what_to_write_instead(paths: list[str], said: str) -> None:
    *sources, dataset = map(Path, paths)
    assert said in pattern_hint(sources, dataset)
    assert said in pattern_hint([*sources, dataset])


def test_other_paths_are_not_said_to_be_of_a_pattern() -> None:
    assert pattern_hint([Path("a/photos"), Path("b/site")]) == ""
    assert pattern_hint([Path("photos")], Path("out")) == ""
    assert pattern_hint([Path("a/cat"), Path("a/dog")], Path("out")) == ""
