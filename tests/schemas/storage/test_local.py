"""Names never lead out of a folder, and what is written there is whole."""

import errno
import os
from pathlib import Path

import pytest

from fitfeed.schemas.files import RefusedFileError
from fitfeed.schemas.storage.local import LocalPlace


@pytest.fixture
def place(tmp_path: Path) -> LocalPlace:
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "file").write_text("content")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    return LocalPlace(folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_links_out_are_not_followed(place: LocalPlace, tmp_path: Path) -> None:
    (place.path / "link").symlink_to("../outside/secret")
    (place.path / "sub").symlink_to("../outside")
    for name in ("link", "sub/secret"):
        for act in (place.find, place.open, lambda name: place.read(name, at_most=10)):
            with pytest.raises(RefusedFileError, match="link out of the dataset's folder"):
                act(name)
    for write in (place.write, lambda name, data: place.write_if(name, data, identity=None)):
        with pytest.raises(RefusedFileError, match="link out of the folder"):
            write("sub/new", b"x")
    with pytest.raises(RefusedFileError, match="link out of the folder"):
        place.move("file", "sub/file")
    assert [found.name for found in place.files(deep=True)] == ["file"]
    assert place.folders() == []
    assert names(tmp_path / "outside") == ["secret"]


def test_a_link_inside_is_the_file_that_it_leads_to(place: LocalPlace) -> None:
    (place.path / "link").symlink_to("file")
    assert sorted((found.name, found.bytes) for found in place.files()) == [("file", 7), ("link", 7)]
    assert place.read("link", at_most=10)[0] == b"content"


def test_pipes_are_neither_opened_nor_listed(place: LocalPlace) -> None:
    os.mkfifo(place.path / "pipe")
    with pytest.raises(RefusedFileError, match="not a regular file"):
        place.open("pipe")
    assert [found.name for found in place.files()] == ["file"]


def test_deleting_removes_links_and_not_what_they_lead_to(place: LocalPlace, tmp_path: Path) -> None:
    (place.path / "sub").symlink_to("../outside")
    link = LocalPlace(tmp_path / "link")
    link.path.symlink_to(place.path)
    link.delete_all()
    assert place.read("file", at_most=10)[0] == b"content"
    place.delete_all()
    assert names(tmp_path) == ["outside"]
    assert names(tmp_path / "outside") == ["secret"]


@pytest.mark.parametrize("comes", [True, False])
def test_a_folder_is_deleted_while_another_process_still_writes_there(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch, comes: bool
) -> None:
    unlink = os.unlink

    def late(name: str, **given: int) -> None:
        monkeypatch.setattr(os, "unlink", unlink)
        if comes:
            (place.path / "new").write_bytes(b"x")
        else:
            (place.path / name).rename(place.path / "renamed")
        unlink(name, **given)

    monkeypatch.setattr(os, "unlink", late)
    place.delete_all()
    assert not place.path.exists()


def test_a_folder_that_cannot_be_deleted_is_an_error(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(refused, os.strerror(refused))

    monkeypatch.setattr(os, "unlink", refuse)
    for refused in (errno.EACCES, errno.ENOENT):
        # From Python 3.13 on, `rmtree` takes a file that is gone for deleted, and finds that the folder is not empty.
        with pytest.raises(OSError, match=f"{os.strerror(refused)}|{os.strerror(errno.ENOTEMPTY)}"):
            place.delete_all()


def test_no_temporary_file_stays(place: LocalPlace) -> None:
    place.write_if("new", b"1", identity=None)
    with pytest.raises(FileExistsError):
        place.write_if("new", b"2", identity=None)
    assert names(place.path) == ["file", "new"]


def test_a_file_is_written_once_where_there_are_no_hard_links(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    place.write_if("new", b"1", identity=None)
    with pytest.raises(FileExistsError):
        place.write_if("new", b"2", identity=None)
    assert place.read("new", at_most=10)[0] == b"1"


def test_a_full_disk_is_an_error(place: LocalPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", fail)
    with pytest.raises(OSError, match="No space left"):
        place.write_if("new", b"1", identity=None)
    assert names(place.path) == ["file"]


def test_a_file_that_grows_while_it_is_read_is_noticed(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.read

    def grow(descriptor: int, count: int) -> bytes:
        with (place.path / "file").open("a") as stream:
            stream.write("more")
        return read(descriptor, count)

    monkeypatch.setattr(os, "read", grow)
    with pytest.raises(OSError, match="changed while it was read"):
        place.read("file", at_most=7)


@pytest.mark.parametrize("how", ["replaced", "deleted"])
def test_a_file_that_is_replaced_while_it_is_read_is_read_whole(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    read, content = os.read, (place.path / "file").read_bytes()

    def other(descriptor: int, count: int) -> bytes:
        monkeypatch.setattr(os, "read", read)
        if how == "replaced":
            place.write("file", b"of another size")
        else:
            place.delete("file")
        return read(descriptor, count)

    monkeypatch.setattr(os, "read", other)
    assert place.read("file", at_most=1000)[0] == content


def test_a_file_that_is_replaced_after_it_was_moved_was_moved(
    place: LocalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, moved = Path.replace, place.find("file")

    def taken(self: Path, target: Path) -> None:
        replace(self, target)
        target.unlink()

    monkeypatch.setattr(Path, "replace", taken)
    found = place.move("file", "new")
    assert (found.name, found.identity, found.bytes) == ("new", moved.identity, moved.bytes)
