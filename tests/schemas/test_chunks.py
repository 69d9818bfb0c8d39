"""Items come some at a time, each once."""

from fitfeed.schemas.chunks import in_chunks


def test_chunks() -> None:
    assert list(in_chunks("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(in_chunks("", 2)) == []
