"""What was tried with which versions, in `tests/lanes/tried.json`, and the tables of docs/compatibility.md that follow from it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import checked_out
from tests.lanes.compare import ALIKE, PLAIN, WAYS_NAME, Lane, arrays_differ, compare, files_differ

TRIED = Path(__file__).with_name("tried.json")

DIGITS = 12
"""Of a digest, on the page."""


@dataclass(frozen=True)
class Counted:
    """How many tests passed, failed and were skipped."""

    passed: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class Tried:
    """What held in a stack.

    Attributes:
        date: When, ISO 8601.
        commit: Of which source.
        versions: Package to version.
        conversions: How many wrote the bytes of the newest lane, and how many there are.
        images: Likewise: kinds of epochs whose images are the same bits.
        labels: Likewise: kinds of epochs whose labels are.
        wrong: What is different although it must not be.
        ways: What was fed, and the way to get batches, to the digest.
        tests: Those that ran.
    """

    date: str
    commit: str
    versions: dict[str, str]
    conversions: tuple[int, int]
    images: tuple[int, int]
    labels: tuple[int, int]
    wrong: list[str]
    ways: dict[str, dict[str, str]]
    tests: Counted

    @classmethod
    def of_json(cls, entry: dict[str, Any]) -> "Tried":
        """Reads what `dataclasses.asdict` made."""
        pairs = {name: tuple(entry[name]) for name in ("conversions", "images", "labels")}
        return cls(**{**entry, **pairs, "tests": Counted(**entry["tests"])})


def read() -> dict[str, Tried]:
    """All that was noted, by the name of the stack."""
    noted = json.loads(TRIED.read_text()) if TRIED.exists() else {}
    return {name: Tried.of_json(entry) for name, entry in noted.items()}


def held(folder: Path, newest: Path, tests: Counted) -> Tried:
    """Compares what a stack did with what the newest lane did on the same machine.

    Args:
        folder: What `python -m tests.lanes` wrote with the stack.
        newest: And with the newest lane.
        tests: Those that ran.
    """
    lane, last = Lane.read(folder), Lane.read(newest)
    converted = [files_differ(lane.files.get(name, {}), files) == ALIKE for name, files in last.files.items()]
    fed = {
        part: [
            arrays_differ(lane.batches[name], array) == ALIKE
            for name, array in last.batches.items()
            if name.endswith(f", {part}")
        ]
        for part in ("images", "labels")
    }
    return Tried(
        date=datetime.now(UTC).date().isoformat(),
        commit=checked_out() or "",
        versions=lane.versions,
        conversions=(sum(converted), len(converted)),
        images=(sum(fed["images"]), len(fed["images"])),
        labels=(sum(fed["labels"]), len(fed["labels"])),
        wrong=compare([lane, last])[1],
        ways=json.loads((folder / WAYS_NAME).read_text()),
        tests=tests,
    )


def note(name: str, entry: Tried) -> None:
    """Writes down what held in a stack, in place of what was noted of it before."""
    noted = {key: asdict(value) for key, value in {**read(), name: entry}.items()}
    TRIED.write_text(json.dumps(noted, indent=1) + "\n")


PACKAGES = {
    "Python": "Python",
    "TensorFlow": "tensorflow",
    "Keras": "keras",
    "JAX": "jax",
    "PyTorch": "torch",
    "NumPy": "numpy",
    "OpenCV": "opencv-python-headless",
    "Beam": "apache-beam",
}
"""Head of a column to the package whose version is in it."""


def versions_table(tried: Mapping[str, Tried], order: Sequence[str]) -> list[str]:
    """Lines of a table of Markdown: stack, versions, what held."""
    rows = {
        name: [
            *(tried[name].versions.get(package, "none") for package in PACKAGES.values()),
            _of_all(*tried[name].conversions),
            _fed(tried[name]),
            f"{tried[name].tests.passed:,}" + _failed(tried[name].tests.failed),
        ]
        for name in order
    }
    return _table(["", *PACKAGES, "converts identically", "feeds identically", "tests passed"], rows)


def ways_table(tried: Mapping[str, Tried], order: Sequence[str]) -> list[str]:
    """Lines of a table of Markdown: stack, the ways to get batches, the digest that all of them have."""
    kinds = list(tried[order[0]].ways) if order else []
    rows = {
        name: [
            ", ".join(way for way in tried[name].ways[kinds[0]] if way != PLAIN),
            *(_digest(tried[name].ways[kind]) for kind in kinds),
        ]
        for name in order
    }
    return _table(["", "ways", *kinds], rows)


def _of_all(count: int, all_: int) -> str:
    return "yes" if count == all_ else f"{count} of {all_}"


def _fed(entry: Tried) -> str:
    if entry.wrong:
        return "no"
    same = _of_all(*entry.images)
    return same if same == "yes" else f"labels: yes; images: {same} kinds"


def _failed(count: int) -> str:
    return f", {count} failed" if count else ""


def _digest(ways: Mapping[str, str]) -> str:
    return f"`{ways[PLAIN][:DIGITS]}`" if len({*ways.values()}) == 1 else "differ"


def _table(head: Sequence[str], rows: Mapping[str, Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([name, *cells] for name, cells in rows.items())]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
