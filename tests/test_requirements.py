"""What is installed is what was tested: every requirement has its version and the hashes of its files, and no address."""

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][0-9A-Za-z.+]*( --hash=sha256:[0-9a-f]{64})+")
NAMES = ("requirements.txt", "requirements-dev.txt", "requirements-worker.txt", "requirements-docs.txt")


def requirements(name: str) -> list[str]:
    """The requirements of a file, each on one line."""
    text = (ROOT / name).read_text().replace("\\\n", "")
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def pins(name: str) -> dict[str, str]:
    """Name of a package, without extras, to version and hashes."""
    pairs = (re.split(r"(?:\[[a-z,]+\])?==", line) for line in requirements(name))
    return {re.sub(r"[-_.]+", "-", package).lower(): rest for package, rest in pairs}


@pytest.mark.parametrize("name", NAMES)
def test_every_requirement_has_a_version_and_hashes(name: str) -> None:
    lines = requirements(name)
    assert len(lines) > 20
    assert [line for line in lines if not REQUIREMENT.fullmatch(line)] == []
    assert "://" not in (ROOT / name).read_text()


def test_all_files_agree() -> None:
    """`make docs` installs into the environment of the tests."""
    pinned: dict[str, set[str]] = defaultdict(set)
    for name in NAMES:
        for package, pin in pins(name).items():
            pinned[package].add(pin)
    assert {package: found for package, found in pinned.items() if len(found) > 1} == {}


def test_make_installs_by_hash() -> None:
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "--requirement" in line]
    assert installs
    assert all("--require-hashes" in line for line in installs)


def test_servers_of_tests_have_versions_and_hashes_and_no_address() -> None:
    engines = ROOT / "tests" / "servers" / "engines"
    package = json.loads((engines / "package.json").read_text())
    lock = json.loads((engines / "package-lock.json").read_text())["packages"]
    installed = {name: entry for name, entry in lock.items() if name}
    asked = ("axe-core", "azurite")
    assert package["dependencies"] == {name: installed[f"node_modules/{name}"]["version"] for name in asked}
    assert all(entry["integrity"].startswith("sha512-") for entry in installed.values())
    sums = (engines / "go.sum").read_text().splitlines()
    required = re.findall(r"^\t(\S+ v\S+)", (engines / "go.mod").read_text(), re.MULTILINE)
    beam = pins("requirements.txt")["apache-beam"].partition(" ")[0]
    assert f"github.com/apache/beam/sdks/v2 v{beam}" in required
    assert any(line.startswith("github.com/versity/versitygw v") for line in required)
    assert all(any(line.startswith(f"{module} h1:") for line in sums) for module in required)
    assert [path.name for path in engines.iterdir() if "://" in path.read_text()] == []
