"""Tries fitfeed with versions that no lane has, and notes what held, in `tests/lanes/tried.json`.

    python -m tests.lanes.stacks newest tensorflow-2.17   # tries these, then prints the tables
    python -m tests.lanes.stacks                          # prints the tables of docs/compatibility.md

Each stack has an environment below `.stacks/`, which is made the first time and may be a link to one that is there. Its tests run, it converts
and feeds as a lane does (`python -m tests.lanes`), and that is compared with what `newest` did on the same machine, so `newest` comes
first.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lanes.tried import Counted, held, note, read, versions_table, ways_table

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".stacks"
FOLDERS = ROOT / ".lanes"

NEWEST = ("requirements.txt", "requirements-dev.txt")
TESTS = (
    *("tests/schemas", "tests/pipelines", "tests/end_to_end", "tests/golden", "tests/converters"),
    *("tests/fitfeed/bench", "tests/fitfeed/estimate", "tests/lanes"),
)
"""Those of a lane: `LANE_TESTS` in the Makefile."""
LOADER_TESTS = ("tests/pipelines/loader", "-m", "slow or not slow")
"""What runs without TensorFlow, which most other tests ask what they should find. Slow are trainings by Keras on each backend."""

PYTEST = (
    *("--numprocesses", "2", "--dist", "worksteal", "--quiet", "--tb=short"),
    *("--deselect", "tests/lanes/test_tried.py::test_the_page_has_these_tables"),  # the page comes after
)

TENSORFLOW = (
    "tensorflow",
    "tensorboard",
    "tensorflow-datasets",
    "tensorflow-io",
    "tensorflow-io-gcs-filesystem",
)


@dataclass(frozen=True)
class Stack:
    """Versions that are tried together.

    Attributes:
        python: Python's version.
        pinned: Files of requirements.
        instead: Requirements in place of those that the files have for these packages, or beside them.
        without: Packages that are left out.
        tests: Arguments of pytest.
        environment: Variables for all that runs.
    """

    python: str
    pinned: tuple[str, ...]
    instead: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    tests: tuple[str, ...] = TESTS
    environment: Mapping[str, str] = field(default_factory=dict)


STACKS = {
    "oldest": Stack("3.11", ("requirements-oldest.txt",)),
    "tensorflow-2.17": Stack(
        "3.12",
        ("requirements-oldest.txt",),
        ("tensorflow==2.17.1", "tensorboard==2.17.1", "ml-dtypes==0.4.1", "tqdm==4.67.1"),
        # What protobuf 4.25, with which TensorFlow 2.17 ends, says on Python 3.12. Tests take warnings for errors, so tqdm is one that says nothing there.
        environment={"PYTEST_ADDOPTS": "-W 'ignore:Type google:DeprecationWarning'"},
    ),
    "tensorflow-2.18": Stack(
        "3.12",
        ("requirements-middle.txt",),
        ("tensorflow==2.18.1", "tensorboard==2.18.0", "numpy==2.0.2"),
    ),
    "middle": Stack("3.12", ("requirements-middle.txt",)),
    "tensorflow-2.20": Stack("3.13", NEWEST, ("tensorflow==2.20.0", "tensorboard==2.20.0")),
    "newest": Stack("3.13", NEWEST),
    "no-tensorflow-oldest": Stack(
        "3.11",
        ("requirements-oldest.txt",),
        ("torch==2.6.0", "jax==0.5.3", "jaxlib==0.5.3", "ml-dtypes==0.4.1"),
        TENSORFLOW,
        LOADER_TESTS,
        {"KERAS_BACKEND": "jax"},
    ),
    "no-tensorflow-newest": Stack(
        "3.13",
        NEWEST,
        ("torch==2.15.0", "jax==0.12.0.1", "jaxlib==0.12.0.1"),
        TENSORFLOW,
        LOADER_TESTS,
        {"KERAS_BACKEND": "torch"},
    ),
}
"""By name, as the rows of the table: the lanes, the TensorFlows between them, and none, with PyTorch (some 5 GB of CUDA) and JAX."""


def requirements(stack: Stack) -> str:
    """A file of requirements for pip, without hashes, since the files have none for what comes instead."""
    texts = "".join((ROOT / name).read_text() for name in stack.pinned)
    pinned = re.findall(
        r"^([\w.-]+)((?:\[[\w,]+\])?==[^\s;\\]+(?: ; [^\\\n]+?)?)\s*\\?$", texts, re.MULTILINE
    )
    other = {line.partition("==")[0] for line in stack.instead} | set(stack.without)
    return "\n".join([*(name + rest for name, rest in pinned if name not in other), *stack.instead]) + "\n"


def interpreter(stack: Stack) -> Path:
    """The Python of a stack's version.

    Raises:
        LookupError: If there is none.
    """
    below_home = sorted(Path.home().glob(f".pyenv/versions/{stack.python}.*/bin/python3"))
    places = [*below_home, *(Path(folder) / f"python{stack.python}" for folder in os.get_exec_path())]
    for place in places:
        if place.exists():
            return place
    msg = f"Python {stack.python} is neither below ~/.pyenv/versions nor on PATH."
    raise LookupError(msg)


def environment(name: str) -> Path:
    """The interpreter of a stack's environment, which is made if it is not there."""
    stack, folder = STACKS[name], ENVIRONMENTS / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([interpreter(stack), "-m", "venv", folder], check=True)
        wanted = folder / "requirements.txt"
        wanted.write_text(requirements(stack))
        pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--requirement", wanted], check=True)
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT], check=True)
        subprocess.run([python, "-m", "pip", "check"], check=True)
    return python


def counted(report: Path) -> Counted:
    """What a JUnit report of pytest says."""
    suites = ET.parse(report).getroot().iter("testsuite")
    numbers = [
        [int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")] for suite in suites
    ]
    tests, failures, errors, skipped = (sum(column) for column in zip(*numbers, strict=True))
    return Counted(passed=tests - failures - errors - skipped, failed=failures + errors, skipped=skipped)


def tried(name: str) -> int:
    """Tries a stack, and notes what held; returns the exit status."""
    stack, python, folder = STACKS[name], environment(name), FOLDERS / name
    FOLDERS.mkdir(exist_ok=True)
    report = FOLDERS / f"{name}.xml"
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **stack.environment}
    variables["PYTHONPATH"] = str(ROOT)  # an environment that is linked may have another checkout
    variables["PATH"] = f"{python.parent}{os.pathsep}{variables['PATH']}"  # programs that tests start
    statuses = [
        subprocess.run([python, "-m", *arguments], cwd=ROOT, env=variables, check=False).returncode
        for arguments in (
            ["pytest", *PYTEST, f"--junitxml={report}", *stack.tests],
            ["tests.lanes", str(folder)],
        )
    ]
    note(name, held(folder, FOLDERS / "newest", counted(report)))
    return max(statuses)


def main(names: list[str]) -> int:
    """Tries the stacks that are named, and prints the tables of all that were ever tried; returns the exit status."""
    if set(names) - set(STACKS):
        sys.stderr.write(f"Name some of: {', '.join(STACKS)}\n")
        return 2
    status = max([tried(name) for name in names], default=0)
    sys.stdout.write("\n".join(page_tables()) + "\n")
    return status


def page_tables() -> list[str]:
    """Both tables of docs/compatibility.md, in lines."""
    noted = read()
    order = [name for name in STACKS if name in noted]
    return [*versions_table(noted, order), "", *ways_table(noted, order)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
