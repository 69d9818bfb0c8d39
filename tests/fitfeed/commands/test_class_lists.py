"""Classes as the command line writes them."""

from pathlib import Path

import pytest

from fitfeed.commands.class_lists import classes_of_dataset, read_class_list, read_renames
from fitfeed.schemas.errors import NotFoundError, UsageError
from tests.golden.regenerate_16_bits import golden


def test_names_are_separated_by_commas_or_are_lines_of_a_file(tmp_path: Path) -> None:
    assert read_class_list("hat, dress shoe,10", "--classes") == ["hat", "dress shoe", "10"]
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffhat, black\r\n\r\n  Käse \nhat\n".encode())
    assert read_class_list(f"@{path}", "--classes") == ["hat, black", "Käse", "hat"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"--drop-classes: the file .*none.txt does not exist"):
        read_class_list(f"@{tmp_path / 'none.txt'}", "--drop-classes")


def test_each_renaming_has_two_names() -> None:
    assert read_renames(["a=b", "c = b", "a=b", "x=y=z"]) == {"a": "b", "c": "b", "x": "y=z"}
    for wrong in ("a", "a=", "=b", ""):
        with pytest.raises(UsageError, match=f"must be OLD=NEW, two names of classes. Received: '{wrong}'"):
            read_renames([wrong])
    with pytest.raises(UsageError, match="gives the class 'a' two names, 'b' and 'c'"):
        read_renames(["a=b", "a=c"])


def test_the_classes_of_a_dataset(tmp_path: Path) -> None:
    assert classes_of_dataset(str(golden("tfrecord"))) == ["a", "b"]
    with pytest.raises(NotFoundError):
        classes_of_dataset(str(tmp_path / "none"))
