"""`docs/dependencies.md` names every dependency, and each license is the one that the installed package says."""

import re
import tomllib
from collections.abc import Iterable, Sequence
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
    r"\b(?:apache|bsd|mit|mpl|mozilla|psf|python software|iscl?|unlicense|zlib|cc0|hpnd|public domain|lesser general|lgpl)(?:v\d)?\b",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"\bA?GPL(?![a-uw-z])|(?<!lesser )(?<!library )general public license|\baffero\b"
    r"|non-?commercial|-NC\b|proprietary|commons clause|\bSSPL|\bBUSL",
    re.IGNORECASE,
)
"""The LGPL is allowed: libraries are loaded, and not linked. Whoever offers a choice with one of these is looked at by hand."""

FOR_USERS = ("dask", "dataflow", "tensorflow", "huggingface", "io", "heif")
"""Extras. The others are for tests, pages and benchmarks."""


def requirements() -> set[str]:
    """All that `pyproject.toml` asks for, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    return names_of(lines) - {"fitfeed"}  # an extra that has another one in it


def names_of(lines: Iterable[str]) -> set[str]:
    """The packages that some requirements name."""
    return {match[0] for line in lines if (match := re.match(r"[\w.-]+", line))}


def used_packages() -> set[str]:
    """What comes with an installation, and with the extras for users."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return {
        *pins("requirements.txt"),
        *names_of(line for extra in FOR_USERS for line in extras[extra]),
        "tensorflow-io-gcs-filesystem",  # which tensorflow-io brings along
    }


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


@pytest.mark.parametrize("name", sorted(used_packages()))
def test_what_comes_along_may_be_used_by_anybody(name: str) -> None:
    """No package of an installation, or of an extra, is under the GPL or AGPL, or forbids a use."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here")
    statements = said(found)
    assert may_be_used(statements), statements


def may_be_used(statements: Sequence[str]) -> bool:
    """Whether a package says so, or nothing but in a file."""
    refused = any(map(REFUSED.search, statements))
    return not refused and (not statements or any(map(ALLOWED.search, statements)))


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], True),
        (["MIT-CMU"], True),
        (["UNKNOWN", "ISC License (ISCL)"], True),
        (["BSD-3-Clause", "GNU Lesser General Public License v3 (LGPLv3)"], True),
        (["LGPL-3.0-or-later"], True),
        (["MIT", "GNU General Public License v3 (GPLv3)"], False),
        (["Apache-2.0 AND GPL-3.0-only"], False),
        (["BSD", "GPLv2"], False),
        (["AGPL-3.0"], False),
        (["GNU Affero General Public License v3"], False),
        (["CC-BY-NC-4.0"], False),
        (["Other/Proprietary License"], False),
        (["Misc. terms"], False),
        (["Permitted to nobody"], False),
        (["Dual License"], False),
    ],
)
def test_which_licenses_are_taken(statements: list[str], expected: bool) -> None:
    assert may_be_used(statements) is expected
