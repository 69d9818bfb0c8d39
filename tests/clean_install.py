"""Installs the built package into a clean environment, step by step, and uses it there as somebody who has no checkout.

    python -m tests.clean_install            # base, then [tensorflow] with the demo
    python -m tests.clean_install base       # one step

The sdist is built from this checkout and the wheel from the sdist, so what is installed has been through both. Each step installs
its extra on top of the one before: the base is tried where nothing else is. Versions are those of `requirements.txt`.
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

ROOT = Path(__file__).parents[1]
EXTRAS = ("base", "tensorflow")
PHOTOS = ROOT / "examples" / "clothing" / "test"

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


def main() -> int:
    """Tries the steps that are named; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("extras", nargs="*", metavar="EXTRA", help=", ".join(EXTRAS))
    extras = parser.parse_args().extras or EXTRAS
    if unknown := sorted(set(extras) - set(EXTRAS)):
        parser.error(f"no such step: {', '.join(unknown)}. Choose from: {', '.join(EXTRAS)}")
    with tempfile.TemporaryDirectory(prefix="fitfeed-install-") as temporary:
        folder = Path(temporary)
        wheel = build(folder / "dist")
        venv.create(folder / "venv", with_pip=True)
        bin_ = folder / "venv" / "bin"
        shutil.copytree(PHOTOS, folder / "photos")
        for extra in extras:
            start = time.perf_counter()
            install(bin_, wheel, extra)
            seconds = time.perf_counter() - start
            tell(f"{extra:<10} installed in {seconds:3.0f} s, {megabytes(folder / 'venv'):,.0f} MB")
            use(bin_, folder, extra)
            tell(f"{extra:<10} works")
    return 0


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


def install(bin_: Path, wheel: Path, extra: str) -> None:
    """Installs the wheel with one extra, in the pinned versions."""
    texts = "".join((ROOT / name).read_text() for name in ("requirements.txt", "requirements-dev.txt"))
    pins = "\n".join(re.findall(r"^[\w.-]+(?:\[[\w,]+\])?==[^\s;\\]+", texts, re.MULTILINE))
    constraints = wheel.with_name("constraints.txt")
    constraints.write_text(re.sub(r"\[[\w,]+\]", "", pins) + "\n")
    wanted = f"fitfeed @ {wheel.as_uri()}" if extra == "base" else f"fitfeed[{extra}] @ {wheel.as_uri()}"
    run(bin_ / "python", "-m", "pip", "install", "--quiet", "--constraint", constraints, wanted)
    run(bin_ / "python", "-m", "pip", "check", "--quiet")


def use(bin_: Path, folder: Path, extra: str) -> None:
    """Converts, verifies and reads; with TensorFlow, the demo."""
    dataset = folder / "flowers"
    shutil.rmtree(dataset, ignore_errors=True)
    command: list[str | Path] = [
        bin_ / "fitfeed",
        "convert",
        "photos",
        "flowers",
        "--size",
        "64",
        "--split",
        "train=0.8,test=0.2",
        "--quiet",
    ]
    run(*command, folder=folder)
    run(bin_ / "fitfeed", "verify", "flowers", folder=folder)
    run(bin_ / "python", "-c", USE.replace("ROOT", repr(str(ROOT))), folder=folder)
    if extra == "tensorflow":
        project = folder / "project"  # `python -m fitfeed` takes a package of the current folder
        shutil.copytree(ROOT / "examples", project / "examples")
        run(bin_ / "python", project / "examples" / "demo.py", "--epochs", "8", folder=project)


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
