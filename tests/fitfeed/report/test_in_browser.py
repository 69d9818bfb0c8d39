"""The page in a browser: it is quiet, asks for nothing, fits, and can be read by all.

Chromium is a package of every system, and `make engines` installs axe-core, which knows the rules of WCAG 2.2.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

from fitfeed.pipelines import open_dataset
from fitfeed.report.page import report_page
from tests.fitfeed.report.browser import CHROMIUM, Browser, Scheme, browser
from tests.servers.programs import AXE, require
from tests.without_beam import convert

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not there: apt install chromium"),
]

WIDTHS = (390, 1280, 1920)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
TAB = 9

SCROLLING = "[...document.querySelectorAll('main *')].filter(each => each.localName === 'div' && each.scrollWidth > each.clientWidth)"
"""Parts of the page that are cut off at an edge."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a dataset with all that a page can have: masks, several splits, copies, rejects, hostile names."""
    root = tmp_path_factory.mktemp("browser")
    random = np.random.default_rng(0)
    for split, brightest in (("train", 256), ("validation", 250), ("test", 90)):
        for name in ("<script>alert(1)</script>".replace("/", ""), "rose", "x" * 60)[
            : 3 if split == "train" else 2
        ]:
            below = root / "source" / split / name
            below.mkdir(parents=True)
            for number in range(6):
                pixels = random.integers(0, brightest, (30 + 10 * number, 60, 3), np.uint8)
                Image.fromarray(pixels).save(below / f"{number}.png")
                Image.fromarray(pixels[..., 0] // 60).save(below / f"{number}_mask.png")
    rose = root / "source" / "train" / "rose"
    for end in (".png", "_mask.png"):
        (rose / f"copy{end}").write_bytes((rose / f"0{end}").read_bytes())
        (rose / f"cut{end}").write_bytes((rose / f"1{end}").read_bytes()[:4000])
    options = {"mask_from": "{dir}/{stem}_mask.png"}
    convert(root / "source", root / "out", options, max_bad=1)
    made = report_page(open_dataset(root / "out"), "flowers", sources=[str(root / "source")])
    assert made.findings
    made.save(root / "page.html")
    return root / "page.html"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


def requests(opened: Browser) -> set[str]:
    """The schemes of all addresses that were asked for."""
    urls = [
        parameters["request"]["url"]
        for name, parameters in opened.events
        if name == "Network.requestWillBeSent"
    ]
    assert urls
    return {url.partition(":")[0] for url in urls}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_quiet_asks_for_nothing_and_fits(
    page: Path, opened: Browser, width: int, scheme: Scheme
) -> None:
    opened.show(page, width=width, scheme=scheme)
    assert opened.value("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert opened.value("document.images.length") > 20
    assert requests(opened) <= {"file", "data"}
    spoken = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    assert [event for event in opened.events if event[0] in spoken] == []
    assert opened.value("document.documentElement.scrollWidth") <= width
    # What is wider than its place scrolls. The two tables of splits fit, on a telephone, too.
    assert opened.value(f"{SCROLLING}.every(each => getComputedStyle(each).overflowX === 'auto')")
    assert (
        opened.value(f"{SCROLLING}.filter(each => each.closest('section')?.querySelector('#splits')).length")
        == 0
    )
    paper = opened.value("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 26)")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS[:2])
def test_axe_finds_nothing(page: Path, opened: Browser, width: int, scheme: Scheme) -> None:
    require(AXE)
    opened.show(page, width=width, scheme=scheme)
    opened.value(f"{AXE.read_text()}; 0")
    found: dict[str, Any] = json.loads(opened.value("axe.run().then(found => JSON.stringify(found))"))
    named = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]
    assert named == []
    assert len(found["passes"]) > 20


def test_the_keyboard_reaches_each_part_in_its_order(page: Path, opened: Browser) -> None:
    opened.show(page, width=1280, scheme="light")
    places: list[float] = []
    names: list[str] = []
    for _ in range(opened.value("document.querySelectorAll('a, [tabindex]').length")):
        opened.key("Tab", TAB)
        focused = opened.value(
            "(e => [e.getAttribute('href') || e.getAttribute('aria-label'), e.getBoundingClientRect().top + scrollY,"
            "getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        names.append(focused[0])
        places.append(focused[1])
        assert focused[2] == "solid", "what has the focus has a line around it"
    assert names[0] == "#dataset"
    assert "Examples of each class" in names
    assert names[-1] == "Python"
    assert places == sorted(places)


def test_a_name_of_a_class_is_text(page: Path, opened: Browser) -> None:
    opened.show(page, width=1280, scheme="light")
    assert opened.value("document.scripts.length") == 0
    assert opened.value("document.body.innerText.includes('<script>alert(1)<script>')")
