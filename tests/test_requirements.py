"""What is installed is what was tested: every requirement has its version and the hashes of its files, and no address."""

import json
import re
import shutil
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
REQUIREMENT = re.compile(
    r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][0-9A-Za-z.+]*( ; python_version [<>]=? \"3\.[0-9]+\")?( --hash=sha256:[0-9a-f]{64})+"
)
NAMES = ("requirements.txt", "requirements-dev.txt", "requirements-worker.txt", "requirements-docs.txt")
LANES = {"oldest": "3.11", "middle": "3.12", "newest": "3.13"}
PINNED_FOR = {
    "oldest": ["requirements-oldest.txt"],
    "middle": ["requirements-middle.txt"],
    "newest": list(NAMES[:2]),
}


def requirements(name: str) -> list[str]:
    """The requirements of a file, each on one line."""
    text = (ROOT / name).read_text().replace("\\\n", "")
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-r "))]


def pins(name: str) -> dict[str, str]:
    """Name of a package, without extras, to version and hashes, with the newest Python."""
    pairs = (re.split(r"(?:\[[a-z,]+\])?==", line, maxsplit=1) for line in requirements(name))
    return {canonicalize_name(package): rest for package, rest in pairs}


def versions(name: str) -> dict[str, str]:
    """Name of a package to its version."""
    return {package: pin.partition(" ")[0] for package, pin in pins(name).items()}


@pytest.mark.parametrize("name", [*NAMES, "requirements-oldest.txt", "requirements-middle.txt"])
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


@pytest.mark.parametrize("lane", LANES)
def test_lanes_are_within_the_ranges(lane: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = ["tensorflow", "io"] if lane == "oldest" else ["tensorflow"]
    wanted = [
        *project["dependencies"],
        *(line for extra in extras for line in project["optional-dependencies"][extra]),
    ]
    pinned = {package: version for name in PINNED_FOR[lane] for package, version in versions(name).items()}
    for requirement in map(Requirement, wanted):
        if requirement.marker is None or requirement.marker.evaluate({"python_version": LANES[lane]}):
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement


def test_lower_ends_of_ranges_are_those_of_the_oldest_lane() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = versions("requirements-oldest.txt")
    wanted = [*project["dependencies"], *project["optional-dependencies"]["tensorflow"]]
    for requirement in map(Requirement, wanted):
        lowest = [each.version for each in requirement.specifier if each.operator == ">="]
        assert [Version(pinned[canonicalize_name(requirement.name)])] == list(map(Version, lowest)), (
            requirement
        )


@pytest.mark.parametrize("required", [False, True])
def test_a_lane_without_its_python_is_skipped_with_a_line_and_fails_in_ci(
    tmp_path: Path, required: bool
) -> None:
    """No python3.12 is on PATH, and none of pyenv is below HOME."""
    for program in ("make", "sh", "rm", "python3"):
        (tmp_path / program).symlink_to(shutil.which(program) or program)
    environment = {"HOME": str(tmp_path), "PATH": str(tmp_path)}
    if required:
        environment["FITFEED_REQUIRE_LANES"] = "1"
    done = subprocess.run(
        ["make", "lanes", "LANES=middle"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        "Skipped the lane middle: Python 3.12 is neither below ~/.pyenv/versions nor on PATH." in done.stderr
    )
    assert (done.returncode != 0) == required


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
