"""Which files may be images, by name and by first bytes."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.sources.image_names import looks_like, why_never, why_no_image

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
