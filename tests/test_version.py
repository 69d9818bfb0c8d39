"""One version is stated in one place, and whatever else names it follows."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_changelog_has_a_section_for_it() -> None:
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == VERSION


def test_compatibility_says_what_it_reads_and_writes() -> None:
    minor = VERSION.rpartition(".")[0]
    assert f"## What {minor} reads and writes\n" in (ROOT / "docs" / "compatibility.md").read_text()


def test_pages_name_its_wheel() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    assert set(re.findall(r"fitfeed-(\d[\d.]*)-py3", pages)) == {VERSION}
    assert set(re.findall(r"/fitfeed(?:-worker)?:(\d[\d.]*)", pages)) == {VERSION}
