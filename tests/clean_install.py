"""Installs the built package into a clean environment, step by step, and uses it there as somebody who has no checkout.

    python -m tests.clean_install            # all steps
    python -m tests.clean_install base       # one step

The sdist is built from this checkout and the wheel from the sdist, so what is installed has been through both. Steps of one
environment install their extra on top of the one before: the base is tried where nothing else is. `io` needs an older TensorFlow,
and so an environment of its own, with the versions of the oldest lane.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "examples" / "clothing" / "test"
NEWEST = ("requirements.txt", "requirements-dev.txt")


class Step(NamedTuple):
    """What is installed, and where.

    Attributes:
        environment: Name of the environment, which is made if it is not there.
        pinned: Files that have the versions.
        python: The minor version of Python that they are for; None for any.
    """

    environment: str
    pinned: tuple[str, ...]
    python: tuple[int, int] | None = None


STEPS = {
    "base": Step("newest", NEWEST),
    "dask": Step("newest", NEWEST),
    "tensorflow": Step("newest", NEWEST),
    "io": Step("oldest", ("requirements-oldest.txt",), (3, 11)),
}

USE = """
import sys
from fitfeed import make_loader, open_dataset
import fitfeed

assert ROOT not in fitfeed.__file__, fitfeed.__file__
dataset = open_dataset("flowers")
assert len(dataset.records("train")[0]["image"].shape) == 3
for images, labels in make_loader(dataset, "train", batch_size=8, image_size=(48, 48), seed=1):
    assert images.shape == (8, 48, 48, 3) and labels.shape == (8,)
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"tensorflow", "keras"}, loaded & {"tensorflow", "keras"}
"""

USE_IO = """
import io
import sys
import numpy as np
from PIL import Image
import fitfeed
import tensorflow as tf
import tensorflow_io as tfio

assert ROOT not in fitfeed.__file__, fitfeed.__file__
pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 4), np.uint8)
stream = io.BytesIO()
Image.fromarray(pixels).save(stream, "WEBP", lossless=True, exact=True)
np.testing.assert_array_equal(tfio.image.decode_webp(stream.getvalue()), pixels)
"""


def main() -> int:
    """Tries the steps that are named; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(STEPS))
    names = parser.parse_args().steps or [*STEPS]
    if unknown := sorted(set(names) - set(STEPS)):
        parser.error(f"no such step: {', '.join(unknown)}. Choose from: {', '.join(STEPS)}")
    with tempfile.TemporaryDirectory(prefix="fitfeed-install-") as temporary:
        folder = Path(temporary)
        wheel = build(folder / "dist")
        shutil.copytree(PHOTOS, folder / "photos")
        for name in names:
            step = STEPS[name]
            if step.python is None or step.python == sys.version_info[:2]:
                take(name, step, folder, wheel)
            else:
                tell(f"{name:<10} skipped: its versions are for Python {step.python[0]}.{step.python[1]}")
    return 0


def take(name: str, step: Step, folder: Path, wheel: Path) -> None:
    """Installs an extra, and uses it."""
    start = time.perf_counter()
    environment = folder / step.environment
    if not environment.exists():
        venv.create(environment, with_pip=True)
    install(environment / "bin", wheel, name, step.pinned)
    seconds, size = time.perf_counter() - start, megabytes(environment)
    tell(f"{name:<10} installed in {seconds:3.0f} s, {size:,.0f} MB")
    start = time.perf_counter()
    USES[name](environment / "bin", folder)
    tell(f"{name:<10} works, tried in {time.perf_counter() - start:.0f} s")


def tell(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def build(target: Path) -> Path:
    """Builds the sdist, and the wheel from it."""
    copy = target.parent / "checkout"
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    for name in filter(None, names):
        if name.startswith(("tests/", "benchmarks/", "examples/", "docs/")) or not (ROOT / name).exists():
            continue
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    command = [
        str(part) for part in (sys.executable, "-m", "build", "--no-isolation", "--outdir", target, copy)
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = target.glob("*.whl")
    (_,) = target.glob("*.tar.gz")
    return wheel


def install(bin_: Path, wheel: Path, extra: str, pinned: tuple[str, ...]) -> None:
    """Installs the wheel with one extra, in the pinned versions."""
    texts = "".join((ROOT / name).read_text() for name in pinned)
    pins = "\n".join(re.findall(r"^[\w.-]+(?:\[[\w,]+\])?==[^\s;\\]+", texts, re.MULTILINE))
    constraints = wheel.with_name("constraints.txt")
    constraints.write_text(re.sub(r"\[[\w,]+\]", "", pins) + "\n")
    wanted = f"fitfeed @ {wheel.as_uri()}" if extra == "base" else f"fitfeed[{extra}] @ {wheel.as_uri()}"
    run(bin_ / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints, wanted)
    run(bin_ / "python", "-m", "pip", "check", "--quiet")


def convert(bin_: Path, folder: Path, *options: str) -> None:
    """Converts photographs to the dataset `flowers`, and verifies it."""
    shutil.rmtree(folder / "flowers", ignore_errors=True)
    given = ("--size", "64", "--split", "train=0.8,test=0.2", "--quiet", *options)
    run(bin_ / "fitfeed", "convert", "photos", "flowers", *given, folder=folder)
    run(bin_ / "fitfeed", "verify", "flowers", folder=folder)


def execute(bin_: Path, folder: Path, program: str) -> None:
    """Executes a program, which may ask for the folder of this checkout."""
    run(bin_ / "python", "-c", program.replace("ROOT", repr(str(ROOT))), folder=folder)


def use_base(bin_: Path, folder: Path) -> None:
    """Converts, verifies and reads."""
    convert(bin_, folder)
    execute(bin_, folder, USE)


def use_dask(bin_: Path, folder: Path) -> None:
    """Converts by workers of Dask, which Beam starts on this machine."""
    convert(bin_, folder, "--runner", "dask")
    execute(bin_, folder, USE)


def use_tensorflow(bin_: Path, folder: Path) -> None:
    """Does what the base does, and trains."""
    use_base(bin_, folder)
    project = folder / "project"  # `python -m fitfeed` takes a package of the current folder
    shutil.copytree(ROOT / "examples", project / "examples")
    run(bin_ / "python", project / "examples" / "demo.py", "--epochs", "8", folder=project)


def use_io(bin_: Path, folder: Path) -> None:
    """Converts, and decodes in a graph what this TensorFlow alone does not."""
    convert(bin_, folder)
    execute(bin_, folder, USE_IO)


USES = {"base": use_base, "dask": use_dask, "tensorflow": use_tensorflow, "io": use_io}
"""What is tried after each step."""


def run(*command: str | Path, folder: Path | None = None) -> None:
    """Runs a program that knows nothing of this checkout.

    Raises:
        CalledProcessError: If it fails.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))
    }
    subprocess.run(
        [*map(str, command)], cwd=folder or "/", env=environment, check=True, stdout=subprocess.DEVNULL
    )


def megabytes(environment: Path) -> float:
    """What the packages of an environment take on the disk, without pip."""
    (packages,) = environment.glob("lib/python*/site-packages")
    files = (path for path in packages.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.lstat().st_size for path in files if path.relative_to(packages).parts[0] != "pip") / 1e6


if __name__ == "__main__":
    sys.exit(main())
