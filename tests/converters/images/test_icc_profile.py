"""Names of color profiles, of whole ones and of hostile ones."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageCms

from fitfeed.converters.images.icc_profile import MAX_PROFILE_NAME, UNNAMED, profile_name

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def with_description(tag: bytes, *, offset: int = 144) -> bytes:
    return bytes(128) + struct.pack(">I4sII", 1, b"desc", offset, len(tag)) + tag


def ascii_text(text: bytes) -> bytes:
    return with_description(b"desc" + bytes(4) + struct.pack(">I", len(text)) + text)


def translations(*texts: tuple[bytes, str]) -> bytes:
    table, strings = b"", b""
    for language, text in texts:
        encoded = text.encode("utf-16-be")
        table += struct.pack(">4sII", language, len(encoded), 16 + 12 * len(texts) + len(strings))
        strings += encoded
    return with_description(b"mluc" + bytes(4) + struct.pack(">II", len(texts), 12) + table + strings)


@pytest.mark.parametrize("profile", [SRGB, LAB])
def test_names_are_those_of_little_cms(profile: bytes) -> None:
    cms = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
    assert profile_name(profile) == cms.profile_description
    assert {SRGB[8], LAB[8]} == {2, 4}  # versions of the standard, which write texts differently


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        (None, None),
        (b"", None),
        ((1, 2), None),
        (b"x", UNNAMED),
        (bytes(4000), UNNAMED),
        (with_description(b"desc"), UNNAMED),
        (with_description(b"text" + b"abc" * 9), UNNAMED),
        (with_description(b"desc", offset=2**32 - 1), UNNAMED),
        (ascii_text(b"Adobe RGB (1998)\0"), "Adobe RGB (1998)"),
        (ascii_text(b" two\n\t words \0hidden"), "two words"),
        (ascii_text(b"a\x1b[2J\x07b"), "a[2Jb"),
        (ascii_text(b"x" * 5000), "x" * MAX_PROFILE_NAME),
        (ascii_text(b"x " * 5000), ("x " * MAX_PROFILE_NAME)[: MAX_PROFILE_NAME - 1]),
        (translations((b"deDE", "Anzeige"), (b"enGB", "Display P3")), "Display P3"),
        (translations((b"jaJP", "画面"), (b"deDE", "Anzeige")), "画面"),
        (translations((b"enUS", "a\u202eb")), "ab"),
        (translations((b"enUS", "")), UNNAMED),
        (translations(), UNNAMED),
    ],
)
def test_names_of_all_sorts(profile: object, name: str | None) -> None:
    assert profile_name(profile) == name


@given(st.data())
def test_any_bytes_give_a_printable_name(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([SRGB, LAB, translations((b"enUS", "Display P3"))])))
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(128, len(content) - 1))
        content[start : start + 4] = data.draw(st.binary(min_size=1, max_size=4) | st.just(b"\xff" * 4))
    name = profile_name(bytes(content))
    assert name is not None
    assert 0 < len(name) <= MAX_PROFILE_NAME
    assert name.isprintable()
    assert name == name.strip()
    name.encode()


def test_profiles_of_many_tags_cost_little() -> None:
    hostile = bytes(128) + struct.pack(">I", 2**32 - 1) + b"junk" * 3 * 100_000
    assert profile_name(hostile) == UNNAMED
