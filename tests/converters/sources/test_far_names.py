"""Names of a store that are no paths on any machine are ignored, and say why."""

from unittest import mock

from hypothesis import assume, given
from hypothesis import strategies as st

from fitfeed.converters.sources.far_names import NO_PATH, FarNames
from fitfeed.converters.sources.image_names import SYSTEM_FILES, SYSTEM_FOLDERS, looks_like
from fitfeed.schemas.storage.place import Found


def sort(*keys: str) -> FarNames:
    names = FarNames()
    names.add("", [Found(key, 1, "tag") for key in keys])
    return names


def test_names_that_are_no_paths() -> None:
    keys = [
        "a//1.jpg",
        "a/../1.jpg",
        "/1.jpg",
        "/a/1.jpg",
        "./1.jpg",
        "a/.",
        "b/",
        "b/1.jpg",
        "c/",
        "a/x.jpg",
    ]
    names = sort(*keys)
    assert list(names.files.packed().paths) == ["a/x.jpg", "b/1.jpg"]
    assert names.ignored == dict.fromkeys(["/1.jpg", "/a/1.jpg", "a/"], NO_PATH) | dict.fromkeys(
        ["a/..", ".", "a/."], "hidden"
    )
    assert names.empty_folders() == ["c"]


def test_parts_are_sorted_like_the_whole() -> None:
    keys = ["a/1.jpg", "a/b/.x", "a/c/.git/1.jpg", "raw", "d/note.txt", ".git/1"]
    whole, parts = sort(*keys), FarNames()
    for key in keys:
        parts.add_all(sort(key))
    assert parts.files.packed() == whole.files.packed()
    assert parts.unknown == whole.unknown
    assert parts.ignored == whole.ignored
    assert parts.empty_folders() == whole.empty_folders() == ["a/b", "a/c"]


NAMES = [
    "1.jpg",
    "2.PNG",
    "",
    ".x.jpg",
    "raw",
    "a.txt",
    "b/3.jpg",
    "b/.y/4.jpg",
    "c",
    "new\n.jpg",
    "..",
    "5.",
    "é.webp",
]


@given(
    st.sampled_from(["", "a/", ".git/", "/", "a/../", "__MACOSX/a/"]),
    st.lists(st.sampled_from(NAMES), max_size=6, unique=True),
    st.integers(0, 1),
)
def test_images_of_a_folder_are_sorted_as_one_by_one(prefix: str, names: list[str], size: int) -> None:
    assume(prefix or "" not in names)  # nothing has no name
    found = [Found(name, size, f"tag of {name}") for name in names]
    together, alone = FarNames(), FarNames()
    together.add(prefix, found)
    with mock.patch.object(FarNames, "_all_are_images", return_value=False):
        alone.add(prefix, found)
    assert together.files.packed() == alone.files.packed()
    assert together.unknown == alone.unknown
    assert together.ignored == alone.ignored
    assert together.empty_folders() == alone.empty_folders()
    assert together.is_empty == alone.is_empty


def test_deep_names_do_not_exhaust_the_stack() -> None:
    assert len(sort("d/" * 510 + "1.jpg").files.packed()) == 1  # names have 1024 bytes at most


def test_what_systems_write_is_no_image_by_its_name() -> None:
    """So a name with the extension of an image need not be compared with these."""
    assert all(looks_like(name) != "image" for name in (*SYSTEM_FILES, *SYSTEM_FOLDERS))
