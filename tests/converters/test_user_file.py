"""Files that a user names are opened where they are."""

from pathlib import Path

import pytest

from fitfeed.converters import user_file as module
from fitfeed.converters.sources.line_list import read_lines
from fitfeed.converters.sources.table import Table, is_table
from fitfeed.converters.user_file import open_user_file
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.storage.local import LocalPlace
from tests.schemas.storage.places import memory_place


@pytest.mark.parametrize("size", [0, 1, 5 << 20])
def test_the_same_bytes(size: int, tmp_path: Path) -> None:
    content = bytes(range(251)) * (size // 251) + b"x" * (size % 251)
    place = memory_place()
    place.write("a.bin", content)
    (tmp_path / "a.bin").write_bytes(content)
    for path in (place.below("a.bin"), LocalPlace(tmp_path / "a.bin")):
        with open_user_file(path) as stream:
            assert stream.peek(64)[:64] == content[:64]
            assert stream.read() == content


def test_tables_and_lists_in_a_store() -> None:
    place = memory_place()
    place.write("labels.csv", "\ufeffpath;label\na.jpg;cat\n".encode())
    place.write("list.txt", b"a.jpg\nb.jpg\n")
    place.write("folder.csv/a.jpg", b"x")
    assert is_table(place.below("labels.csv"))
    assert not is_table(place.below("folder.csv"))
    assert not is_table(place)
    table = Table(place.below("labels.csv"))
    assert table.name == "labels.csv"
    assert [row.values for row in table.rows(["path", "label"])] == [["a.jpg", "cat"]]
    assert read_lines(place.below("list.txt"), "--leave-out") == {"a.jpg": 1, "b.jpg": 2}
    with pytest.raises(NotFoundError, match=rf"{place}/none\.csv does not exist"):
        Table(place.below("none.csv"))


def test_a_table_that_is_replaced_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AHEAD_BYTES", 1000)
    place = memory_place()
    rows = "path,label\n" + "".join(f"{number}.jpg,cat\n" for number in range(9000))
    place.write("labels.csv", rows.encode())
    table = Table(place.below("labels.csv"))
    following = table.rows(["path"])
    next(following)
    place.write("labels.csv", b"path,label\n")
    with pytest.raises(UsageError, match="replaced meanwhile"):
        list(following)
