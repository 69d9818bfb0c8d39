"""Each number of each table of the page is that of `inspect --json`, or is computed from the index here once more."""

import itertools
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from fitfeed.cli import main
from fitfeed.pipelines import open_dataset
from fitfeed.report.charts import histogram
from fitfeed.report.page import report_page
from tests.without_beam import convert

Rows = list[list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes in three splits, one of which lacks a class; masks, 16 bits, color profiles, copies, damage."""
    root = tmp_path_factory.mktemp("numbers")
    random = np.random.default_rng(0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for split, classes in (("train", ("a", "b")), ("validation", ("a", "b")), ("test", ("b",))):
        for name in classes:
            below = root / "source" / split / name
            below.mkdir(parents=True)
            for number in range(5 if split == "train" else 3):
                size = (20 + 3 * number, 24, 3)
                pixels = random.integers(0, 200 + 10 * number, size, np.uint8)
                Image.fromarray(pixels).save(
                    below / f"{number}.png", icc_profile=profile if number == 1 else None
                )
                Image.fromarray(pixels[..., 0] // 100).save(below / f"{number}_mask.png")
    source = root / "source"
    deep = random.integers(0, 60_000, (20, 24), np.uint16)
    Image.fromarray(deep).save(source / "train" / "a" / "deep.png")
    (source / "train" / "a" / "deep_mask.png").write_bytes(
        (source / "train" / "a" / "0_mask.png").read_bytes()
    )
    for copy in ("train/b/copy", "validation/a/copy"):
        for end in (".png", "_mask.png"):
            (source / f"{copy}{end}").write_bytes((source / f"train/a/2{end}").read_bytes())
    (source / "train" / "a" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (source / "train" / "a" / "broken_mask.png").write_bytes((source / "train/a/0_mask.png").read_bytes())
    (source / "train" / "a" / "notes.txt").write_text("x")
    options = {"mask_from": "{dir}/{stem}_mask.png"}
    convert(source, root / "out", options, max_bad=1, allow_leaks=True)
    return root / "out"


@pytest.fixture(scope="module")
def page(folder: Path) -> ET.Element:
    html = report_page(open_dataset(folder), "numbers").html
    for name in ("meta", "img"):  # HTML leaves these open
        html = re.sub(rf"(<{name}\b[^>]*)>", r"\1/>", html)
    return ET.fromstring(html.removeprefix("<!doctype html>"))


@pytest.fixture
def facts(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["inspect", str(folder), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def labels_of(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: feature for name, feature in facts["features"].items() if name not in ("image", "key")}


def text(cell: ET.Element) -> str:
    return "".join(cell.itertext()).strip()


def tables(page: ET.Element) -> dict[str, Rows]:
    """The rows of all tables by their caption, without the heads."""
    return {
        text(table[0]): [[text(cell) for cell in row] for row in table.iter("tr")][1:]
        for table in page.iter("table")
    }


def human(size: int) -> str:
    return f"{size / 1024:.1f} KiB"


def counted(counts: dict[str, int]) -> Rows:
    return [[str(name), f"{count:,}"] for name, count in counts.items()]


def test_all_tables_are_as_inspect_says(folder: Path, page: ET.Element, facts: dict[str, Any]) -> None:
    splits, statistics, labels = facts["splits"], facts["statistics"], labels_of(facts)
    index = {name: open_dataset(folder).index(name) for name in splits}
    level = {name: rows["mean"].to_numpy() / 256 for name, rows in index.items()}
    area = {name: rows["width"].to_numpy() * rows["height"].to_numpy() for name, rows in index.items()}
    formats = Counter(name for rows in index.values() for name in rows["source_format"].to_pylist())
    examples = sum(split["examples"] for split in splits.values())
    found = tables(page)
    assert found.pop("What it is") == [
        ["format", f"{facts['format']}, version {facts['format_version']}"],
        ["examples", str(examples)],
        ["bytes of shards", human(sum(split["bytes"] for split in splits.values()))],
        ["images", "uint8, of any size, 3 channels, encoding keep"],
        ["labels", ", ".join(f"{name} ({label['kind']})" for name, label in labels.items())],
        ["classes", str(len(facts["class_names"]))],
        ["fingerprint", facts["fingerprint"]],
    ]
    values = labels["mask"]["values"]
    total = sum(values.values())
    assert found.pop("Values of mask") == [
        [value, f"{count:,}", f"{count / total:.2%}"] for value, count in values.items()
    ]
    assert found.pop("Examples of each class") == [
        [f"{number} {name}", *(str(split["class_counts"][name]) for split in splits.values())]
        for number, name in enumerate(facts["class_names"])
    ]
    assert found.pop("The splits") == [
        [
            name,
            str(split["examples"]),
            str(split["shards"]),
            human(split["bytes"]),
            f"{level[name].mean():.1f} ± {level[name].std():.1f}",
        ]
        for name, split in splits.items()
    ]
    parts = ("min", "p5", "median", "p95", "max")
    assert found.pop("Least, 5%, median, 95% and largest, in pixels") == [
        [name, *(" / ".join(str(split[side][part]) for part in parts) for side in ("width", "height"))]
        for name, split in splits.items()
    ]
    assert found.pop("Statistics of each channel") == [
        [
            name,
            f"{statistics['mean'][i]:.3f}",
            f"{statistics['std'][i]:.3f}",
            str(statistics["min"][i]),
            str(statistics["max"][i]),
        ]
        for i, name in enumerate(("red", "green", "blue"))
    ]
    assert found.pop("Exact duplicates") == [
        ["within a split", str(facts["duplicates"]["within"])],
        ["across splits", str(facts["duplicates"]["across_splits"])],
        ["with another label", str(facts["duplicates"]["label_conflicts"])],
        ["left out", str(facts["duplicates"]["dropped"])],
    ]
    assert found.pop("Rejected files") == counted(facts["rejects"])
    assert found.pop("Formats") == counted(dict(sorted(formats.items())))
    named = sum(facts["profiles"].values())
    assert found.pop("Color profiles") == counted({**facts["profiles"], "none": examples - named})
    assert found.pop("Bits per value") == counted(facts["depths"])
    options = dict(found.pop("Options of the conversion"))
    assert options.pop("mask_from") == facts["options"].pop("mask_from")
    assert options == {
        name: "-" if value is None else value if isinstance(value, str) else json.dumps(value)
        for name, value in facts["options"].items()
    }
    assert found.pop("Sources") == [[source["name"], source["kind"]] for source in facts["sources"]]
    drifts = found.pop(
        "How they differ: in shares of classes, in brightness by deviations, in pixels by a factor"
    )
    assert [row[0] for row in drifts] == [f"{name} against train" for name in splits if name != "train"]
    for name, shares, missing, brightness, pixels in drifts:
        other = name.split()[0]
        mine, base = (np.array(list(splits[each]["class_counts"].values())) for each in (other, "train"))
        assert shares == f"{np.abs(mine / mine.sum() - base / base.sum()).sum() / 2:.1%}"
        assert missing == ("1: a" if other == "test" else "0")
        spread = np.sqrt((level[other].var() + level["train"].var()) / 2)
        assert brightness == f"{(level[other].mean() - level['train'].mean()) / spread:+.2f}"
        medians = [np.median(area[each]) for each in (other, "train")]
        assert pixels == f"{medians[0] / medians[1]:.2f}"
    assert found == {}  # a new table belongs into this test


def test_the_dataset_has_something_of_everything(facts: dict[str, Any]) -> None:
    """Else the tables would be compared where there is nothing to compare."""
    assert facts["duplicates"]["across_splits"]
    assert facts["duplicates"]["label_conflicts"]
    assert facts["rejects"] == {"corrupt": 1}
    assert len(facts["depths"]) == 2
    assert facts["profiles"]
    assert len(labels_of(facts)["mask"]["values"]) == 2 + 1


def test_all_sentences_with_numbers_are_as_inspect_says(page: ET.Element, facts: dict[str, Any]) -> None:
    said = "\n".join(filter(None, map(text, page.iter("p"))))
    statistics = facts["statistics"]
    assert (
        f"Of the {statistics['images']} images of train as stored, {statistics['pixels']:,} pixels." in said
    )
    assert f"{facts['ignored']} other files were ignored." in said
    assert f"{facts['source']['files']:,} files, digest {facts['source']['digest']}" in said
    assert (
        f"their largest value is {facts['deep_sources']['largest']}." in said
        if facts["deep_sources"]
        else True
    )


def test_the_curves_are_the_histograms(page: ET.Element, facts: dict[str, Any]) -> None:
    drawn = {path[0].text: path.get("d") for path in page.iter("path") if len(path)}
    for i, name in enumerate(("red", "green", "blue")):
        counts = facts["splits"]["train"]["histogram"][i]
        assert drawn[name] == histogram({name: counts}, low=0, high=256, label="")[0].get("d")


def test_headings_tables_and_pictures_can_be_heard(page: ET.Element) -> None:
    levels = [int(each.tag[1]) for each in page.iter() if re.fullmatch(r"h\d", each.tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(table[0].tag == "caption" and text(table[0]) for table in page.iter("table"))
    assert all(head.get("scope") in ("col", "row") for head in page.iter("th"))
    assert all(image.get("alt") for image in page.iter("img"))
    for drawing in page.iter("svg"):
        assert drawing.get("aria-hidden") == "true" or (
            drawing.get("role"),
            bool(drawing.get("aria-label")),
        ) == ("img", True)
    names = {each.get("id") for each in page.iter() if each.get("id")}
    links = [str(link.get("href")) for link in page.iter("a")]
    assert {f"#{part.get('aria-labelledby')}" for part in page.iter("section")} == set(links)
    assert {link.removeprefix("#") for link in links} == names
    assert [each.tag for each in page.iter() if each.tag in ("header", "nav", "main")] == [
        "header",
        "nav",
        "main",
    ]
    assert page.get("lang") == "en"
