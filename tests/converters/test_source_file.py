"""Files of a source as they were listed, and how many of them a message names."""

import pytest

from fitfeed.converters.source_file import SHOWN_FILES, SomeFiles, SourceFile


def test_another_link_to_a_file_does_not_change_its_plan() -> None:
    file = SourceFile("a.png", 9, 1, 2)
    assert file.content_identity == file._replace(ctime_ns=3).content_identity
    assert file.content_identity != file._replace(mtime_ns=3).content_identity


@pytest.mark.parametrize(
    ("paths", "shown"), [([], ""), (["b", "a"], "a, b"), (["d", "c", "b", "a"], "a, b, c, ...")]
)
def test_the_first_paths_are_shown(paths: list[str], shown: str) -> None:
    some = SomeFiles.of(paths)
    assert (some.count, str(some)) == (len(paths), shown)
    assert len(some.first) <= SHOWN_FILES
