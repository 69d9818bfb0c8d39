"""Masks that a pattern of paths pairs with images."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.paired_masks import PairedMasks, _fits, mask_path, pair_masks
from fitfeed.schemas.errors import UsageError


def pairs(pattern: str, *paths: str) -> PairedMasks:
    return pair_masks([SourceFile(path, 1, 1) for path in paths], pattern)


def masks(found: PairedMasks) -> dict[str, str]:
    return {path: mask.path for path, mask in found.mask_of.items()}


@pytest.mark.parametrize(
    ("pattern", "image", "mask"),
    [
        ("{dir}/{stem}_mask.png", "benign/benign (1).png", "benign/benign (1)_mask.png"),
        ("{dir}/{stem}_mask.png", "1.jpg", "1_mask.png"),
        ("{dir}/{stem}.png", "cat/1.jpg", "cat/1.png"),
        ("masks/{stem}.png", "images/1.jpg", "masks/1.png"),
        ("masks/{below}/{stem}.png", "images/train/cat/1.jpg", "masks/train/cat/1.png"),
        ("masks/{below}/{stem}.png", "images/1.jpg", "masks/1.png"),
        ("{parent}/masks/{stem}.png", "train/images/1.jpg", "train/masks/1.png"),
        ("{parent}/masks/{stem}.png", "images/1.jpg", "masks/1.png"),
        ("{dir}_masks/{stem}.png", "cat/1.jpg", "cat_masks/1.png"),
        ("masks/{stem}/all.png", "images/1.jpg", "masks/1/all.png"),
        ("{dir}/{stem}_mask*.png", "cat/1.jpg", "cat/1_mask_7.png"),
        ("{dir}/{stem}_*.png", "cat/a*b.jpg", "cat/a*b_7.png"),
        ("masks/{stem}.png", "images/v1.2.jpg", "masks/v1.2.png"),
    ],
)
def test_patterns(pattern: str, image: str, mask: str) -> None:
    assert masks(pairs(pattern, image, mask)) == {image: mask}


def test_a_star_in_a_name_is_no_pattern() -> None:
    found = pairs("{dir}/{stem}_mask.png", "a*b.jpg", "axb_mask.png", "axb.jpg")
    assert masks(found) == {"axb.jpg": "axb_mask.png"}
    assert [(reject.path, reject.reason) for reject in found.rejects] == [("a*b.jpg", "mask_missing")]


@given(st.text("ab", max_size=6), st.lists(st.text("ab", max_size=2), min_size=2, max_size=4))
def test_names_fit_as_expressions_do(name: str, parts: list[str]) -> None:
    assert _fits(name, parts) == bool(re.fullmatch(".*".join(parts), name))


def test_what_is_missing_or_left_over_is_named() -> None:
    found = pairs("masks/{stem}.png", "images/1.jpg", "images/2.jpg", "masks/1.png", "masks/9.png")
    assert [file.path for file in found.images] == ["images/1.jpg"]
    assert [(each.path, each.reason, each.detail) for each in found.rejects] == [
        ("images/2.jpg", "mask_missing", "there is no mask masks/2.png (--mask-from)")
    ]
    assert [(each.path, each.handling) for each in found.ignored] == [("masks/9.png", "ignored")]


@pytest.mark.parametrize(
    ("pattern", "paths", "message"),
    [
        (
            "{dir}/{stem}_m*.png",
            ("1.jpg", "1_m1.png", "1_m2.png"),
            r"1\.jpg has 2 masks.*1_m1\.png, 1_m2\.png",
        ),
        ("masks/{stem}.png", ("images/1.jpg",), r"no file of SOURCE is called like this.*'images/1\.jpg'"),
        ("{dir}/{stem}.png", ("a/1.png", "a/2.png"), "all images of SOURCE are called like this"),
        ("masks/{stem}.png", ("1.jpg", "masks/2.png"), r"of 1\.jpg it would be masks/1\.png.*masks/2\.png"),
    ],
)
def test_patterns_that_do_not_pair(pattern: str, paths: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pairs(pattern, *paths)


PATTERNS = st.sampled_from(
    ["{dir}/{stem}_mask.png", "masks/{dir}/{stem}.png", "{dir}/m/{stem}.png", "masks/{dir}/{stem}-*.png"]
)
IMAGES = st.lists(
    st.tuples(st.sampled_from(["", "a/", "a/b/", "c/"]), st.text("xy1 *(", min_size=1, max_size=3)),
    min_size=1,
    max_size=8,
    unique=True,
)


@given(PATTERNS, IMAGES, st.randoms())
def test_each_image_gets_its_own_mask_and_no_mask_is_an_image(pattern, images, random) -> None:  # type: ignore[no-untyped-def]
    paths = [f"{folder}{stem}.jpg" for folder, stem in images]
    expected = {path: mask_path(pattern, path).replace("\0", "7") for path in paths}
    files = [*paths, *expected.values()]
    random.shuffle(files)
    found = pairs(pattern, *files)
    assert masks(found) == expected
    assert {file.path for file in found.images} == set(paths)
    assert not list(itertools.chain(found.rejects, found.ignored))
