"""`docs/dependencies.md` names every dependency, and each license is the one that the installed package says."""

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.test_requirements import pins

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| `([\w.-]+)(?:\[\w+\])?` \| ([\w.-]+) \| (.+?) \|(?: (.+?) \|)?$", re.MULTILINE)
PAGE = (ROOT / "docs" / "dependencies.md").read_text()
LICENSES: dict[str, str] = {row[1]: row[2] for row in ROW.finditer(PAGE)}

WORDS = {
    "apache": "Apache-2.0",
    "mpl": "MPL-2.0",
    "mozilla": "MPL-2.0",
    "mit": "MIT",
    "bsd": "BSD",
    "python software": "PSF-2.0",
    "psf": "PSF-2.0",
}
"""What packages say that do not use identifiers of SPDX."""

ALLOWED = re.compile(
    r"apache|bsd|mit\b|mit-cmu|mpl|mozilla|psf|python software|isc|unlicense|zlib|cc0|hpnd|public domain|lesser general|lgpl",
    re.IGNORECASE,
)


def requirements() -> set[str]:
    """All that `pyproject.toml` asks for, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    names = {match[0] for line in lines if (match := re.match(r"[\w.-]+", line))}
    return names - {"fitfeed"}  # an extra that has another one in it


def said(found: Distribution) -> list[str]:
    """What a package says of its license, the most exact first."""
    metadata = found.metadata
    expression, text_of_license = (
        (metadata.get_all(name) or [""])[0] for name in ("License-Expression", "License")
    )
    classifiers = [
        text.rpartition("::")[2].strip()
        for text in metadata.get_all("Classifier") or []
        if text.startswith("License ::")
    ]
    first_line = text_of_license.strip().partition("\n")[0]
    return [text for text in (expression, first_line, *classifiers) if text]


def test_the_page_names_every_dependency_and_nothing_else() -> None:
    assert LICENSES.keys() == requirements()


@pytest.mark.parametrize("package", sorted(LICENSES))
def test_licenses_are_those_of_the_installed_packages(package: str) -> None:
    try:
        statements = said(distribution(package))
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed where tests run")
    ours = LICENSES[package]
    if not statements:
        return  # some say nothing but in a file
    meant = {WORDS[word] for word in WORDS for text in statements if re.search(rf"\b{word}", text.lower())}
    assert any(ours in text for text in statements) or any(ours.startswith(name) for name in meant), (
        statements
    )


@pytest.mark.parametrize("name", sorted(pins("requirements.txt")))
def test_what_comes_along_may_be_used_by_anybody(name: str) -> None:
    """No package of an installation is under the GPL or AGPL, or forbids a use."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    statements = said(found)
    assert not statements or any(map(ALLOWED.search, statements)), statements
