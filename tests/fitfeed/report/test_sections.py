"""The parts of the page where there is little, or much, to show."""

import dataclasses
from pathlib import Path

import numpy as np

from fitfeed.pipelines import open_dataset
from fitfeed.report import sections
from fitfeed.report.elements import Element
from fitfeed.report.facts import Example, SplitFacts, split_facts
from fitfeed.report.pictures import Pictures
from fitfeed.schemas.manifest import read_manifest
from tests.without_beam import convert


def facts_of(folder: Path) -> SplitFacts:
    dataset = open_dataset(folder)
    return split_facts("train", dataset.splits["train"], dataset.index("train"))


def texts(part: Element | None) -> list[str]:
    assert part is not None
    return [text for text in part.itertext() if text.strip()]


def test_each_part_is_named_by_its_heading(gray: Path) -> None:
    part = sections.overview(read_manifest(gray))
    assert (part.get("aria-labelledby"), part[0].get("id"), part[0].text) == (
        "dataset",
        "dataset",
        "The dataset",
    )


def test_a_class_of_many_splits_has_a_bar_for_each(gray: Path) -> None:
    manifest = read_manifest(gray)
    split = manifest.splits["train"]
    splits = {f"fold{number}": split.model_copy(update={"class_counts": [number, 6]}) for number in range(6)}
    part = sections.balance(manifest.model_copy(update={"splits": splits}))
    assert part is not None
    bars = list(part.iter("rect"))
    assert len(bars) == 12
    assert [bar.get("width") for bar in bars[:6]] == [f"{100 * number / 6:.2f}%" for number in range(6)]
    assert {bar.get("class") for bar in bars} == {"fill0", "fill1", "fill2", "fill3"}
    assert "1 class 1" in texts(part)


def test_without_classes_there_is_no_balance(few_photos: Path, tmp_path: Path) -> None:
    assert sections.balance(convert(few_photos, tmp_path / "out", labels="none").manifest) is None


def test_gray_images_have_one_channel(gray: Path) -> None:
    part = sections.pixels(read_manifest(gray))
    assert [text for text in texts(part) if text == "gray"] == ["gray", "gray"]
    assert len(list(part.iter("svg"))) == 1


def test_one_split_is_compared_with_none(gray: Path) -> None:
    facts = [facts_of(gray)]
    assert not any(text.startswith("How they differ") for text in texts(sections.splits(facts, [])))
    assert "20 / 20 / 20 / 20 / 20" in texts(sections.sizes(facts))


def test_a_split_has_one_color_in_all_charts(gray: Path) -> None:
    full = facts_of(gray)
    empty = dataclasses.replace(
        full,
        name="empty",
        split=full.split.model_copy(update={"examples": 0}),
        brightness=np.zeros_like(full.brightness),
        aspects=np.zeros_like(full.aspects),
    )
    for part in (sections.splits([empty, full], []), sections.sizes([empty, full])):
        curves = [path for path in part.iter("path") if "curve" in str(path.get("class"))]
        assert [(path[0].text, path.get("class")) for path in curves] == [
            ("empty", "curve curve0"),
            ("train", "curve curve1"),
        ]
        assert [(str(item[0].tail).strip(), item[0][0].get("class")) for item in part.iter("li")] == [
            ("empty", "fill0"),
            ("train", "fill1"),
        ]


def test_the_page_says_which_classes_have_no_pictures(gray: Path) -> None:
    dataset = open_dataset(gray)
    groups, names = [[Example("train", 0)]], ["a", "b", "c"]
    first = "Chosen at random from train."
    said = texts(sections.samples(groups, names, "train", Pictures(dataset)))
    assert said[1] == f"{first} Of the 3 classes, the first 1 are shown."
    assert texts(sections.samples(groups, names[:1], "train", Pictures(dataset)))[1] == first
