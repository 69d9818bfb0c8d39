"""Which files may be images, by name and by first bytes."""

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.sources.image_names import all_are_images, looks_like, why_never, why_no_image

JPEG = b"\xff\xd8\xff\xe0rest"


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("1.jpg", "image"),
        ("1.JPeG", "image"),
        ("folder.txt/1.webp", "image"),
        ("1.jpg.txt", "other"),
        ("1.CSV", "other"),
        ("1", "unknown"),
        ("1.v1", "unknown"),
        (".jpg", "unknown"),
    ],
)
def test_by_extension(name: str, looks: str) -> None:
    assert looks_like(name) == looks


@given(st.text("./j", max_size=6).map(lambda name: name.replace("j", "jpg")))
def test_an_extension_is_what_python_takes_for_one(name: str) -> None:
    assert (looks_like(name) == "image") == (os.path.splitext(name)[1] == ".jpg")  # noqa: PTH122


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (".git", "hidden"),
        (".jpg", "hidden"),
        ("Thumbs.db", "written by the operating system"),
        ("__MACOSX", "written by the operating system"),
        ("1.jpg", None),
        ("thumbs", None),
    ],
)
def test_names_that_are_never_images(name: str, why: str | None) -> None:
    assert why_never(name) == why


def test_first_bytes_decide_where_the_extension_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "jpeg").write_bytes(JPEG)
    (tmp_path / "text").write_bytes(b"text")
    (tmp_path / "jpeg.txt").write_bytes(JPEG)
    (tmp_path / "text.jpg").write_bytes(b"text")
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "memory").symlink_to("/proc/self/mem")
    os.mkfifo(tmp_path / "pipe")
    with os.scandir(tmp_path) as entries:
        assert {entry.name for entry in entries if why_no_image(entry.path) is None} == {"jpeg", "text.jpg"}


@pytest.mark.parametrize("odd", [".hidden.jpg", "notes.txt", "none"])
def test_one_among_many_names_that_is_no_image(odd: str) -> None:
    names = [f"{number}.jpg" for number in range(10_000)]
    assert all_are_images(names)
    assert all_are_images([*names, "1.PNG", "\N{GRINNING FACE}.jpg"])
    assert not all_are_images([*names, odd])
    assert not all_are_images([odd, *names])


def test_names_take_no_memory_for_each_file_while_they_are_looked_at() -> None:
    names = [f"image_{number:08}.jpg" for number in range(50_000)] + ["\N{GRINNING FACE}.jpg"]
    tracemalloc.start()
    try:
        assert all_are_images(names)
        assert tracemalloc.get_traced_memory()[1] < 20 * len(names)  # one text of all takes 84 for each
    finally:
        tracemalloc.stop()
