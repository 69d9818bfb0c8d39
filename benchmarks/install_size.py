"""Installs the built package into an empty environment, and says what each package takes on the disk, as a table of Markdown.

    python -m benchmarks.install_size base tensorflow

Each name after `base` is an extra that is installed on top of those before it, in the versions of requirements.txt. It needs a package index,
and so is not among what `make bench` runs. `make installed` tells the sums.
"""

import argparse
import sys
import tempfile
import venv
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from tests.clean_install import NEWEST, build, install

MIN_MEGABYTES = 10
"""A package that takes less has no row of its own."""


def main() -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=["base"], metavar="NAME", help="base, or an extra")
    names = parser.parse_args().names
    sizes = {}
    with tempfile.TemporaryDirectory(prefix="fitfeed-size-") as temporary:
        wheel = build(Path(temporary) / "dist")
        environment = Path(temporary) / "environment"
        venv.create(environment, with_pip=True)
        for name in names:
            install(environment / "bin", wheel, name, NEWEST)
            (packages,) = environment.glob("lib/python*/site-packages")
            sizes[name] = megabytes_of(packages)
    print("\n".join(table(sizes)))
    return 0


def megabytes_of(packages: Path) -> dict[str, float]:
    """What each package takes, by name: the files that its list has, compiled ones too. `packages`: `site-packages`."""
    return {
        distribution.name: sum(_size(Path(str(file.locate()))) for file in distribution.files or ()) / 1e6
        for distribution in distributions(path=[str(packages)])
        if distribution.name != "pip"
    }


def table(sizes: dict[str, dict[str, float]]) -> list[str]:
    """Lines of Markdown.

    Args:
        sizes: What was installed, one on top of the other, to packages and the megabytes of each.
    """
    last = [*sizes.values()][-1]
    large = sorted((name for name in last if last[name] >= MIN_MEGABYTES), key=lambda name: -last[name])
    lines = [_row("package", list(sizes)), "|---" * (len(sizes) + 1) + "|"]
    lines += [_row(f"`{name}`", [_megabytes(of.get(name)) for of in sizes.values()]) for name in large]
    others = [[of[name] for name in of if name not in large] for of in sizes.values()]
    most = max(map(len, others))
    lines.append(
        _row(f"up to {most} others, below {MIN_MEGABYTES} MB each", [_megabytes(sum(few)) for few in others])
    )
    lines.append(_row("all", [f"**{_megabytes(sum(of.values()))}**" for of in sizes.values()]))
    return lines


def _size(file: Path) -> int:
    return file.lstat().st_size if file.is_file() else 0


def _megabytes(size: float | None) -> str:
    return "" if size is None else f"{size:,.0f} MB"


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
