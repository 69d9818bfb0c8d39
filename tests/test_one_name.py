"""One package is installed, `fitfeed`: beside modules of the user's own that have the names of our folders."""

import importlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import fitfeed

ROOT = Path(__file__).parents[1]
FOLDERS = ("schemas", "converters", "beam_jobs", "pipelines")

SCRIPT = """
import sys

import keras

from fitfeed import RandomFlip, convert, make_pipeline

if __name__ == "__main__":
    source, dataset = sys.argv[1:3]
    convert(source, dataset, workers=2)
    batches = make_pipeline(dataset, "train", batch_size=4, image_size=(32, 32), augment=[RandomFlip()], processes=2)
    model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(batches, epochs=1, shuffle=False, verbose=0)
    print("trained", sys.modules["fitfeed"].__file__)
"""

BEAM_SCRIPT = """
import sys

from fitfeed import convert

if __name__ == "__main__":
    # Beam starts its workers in processes of their own, in this folder.
    convert(*sys.argv[1:3], runner="FnApiRunner", runner_arguments=["--direct_running_mode=multi_processing"])
    print("converted")
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built, without what building leaves behind."""
    checkout = tmp_path_factory.mktemp("checkout") / "fitfeed"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.split(b"\0")
    for name in map(os.fsdecode, filter(None, files)):
        if (
            name.startswith(("fitfeed", *FOLDERS, "pyproject.toml", "README.md", "LICENSE"))
            and (ROOT / name).exists()
        ):
            target = checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_symlink():
                target.symlink_to((ROOT / name).readlink())
            else:
                target.write_bytes((ROOT / name).read_bytes())
    return checkout


def build(checkout: Path, folder: Path, *kinds: str) -> Path:
    """Builds what `kinds` name; without them the sdist, and the wheel from it."""
    command = [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(folder)]
    subprocess.run([*command, str(checkout)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    (wheel,) = build(checkout, tmp_path_factory.mktemp("dist"), "--wheel").iterdir()
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs, and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's folder with modules of the names of our folders; each ends whoever imports it."""
    for name in ("schemas.py", "converters.py", "beam_jobs.py", "pipelines/__init__.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"raise SystemExit('the user\\'s own {name} was imported')\n")
    return tmp_path


def run(project: Path, installed: Path, script: str, *arguments: Path) -> str:
    (project / "train.py").write_text(script)
    result = subprocess.run(
        [sys.executable, "train.py", *map(str, arguments)],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_wheel_holds_one_package(installed: Path) -> None:
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"fitfeed"}
    ours = {str(path.relative_to(ROOT)) for name in FOLDERS for path in (ROOT / name).rglob("*.py")}
    assert {str(path.relative_to(installed / "fitfeed")) for path in installed.rglob("*.py")} >= ours
    for name in ("py.typed", "schemas/manifest.schema.json"):
        assert (installed / "fitfeed" / name).is_file()


@pytest.mark.slow
def test_the_sdist_holds_one_package_and_gives_the_same_wheel(
    checkout: Path, wheel: Path, tmp_path: Path
) -> None:
    build(checkout, tmp_path)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.split("/")[1] for name in archive.getnames() if name.endswith(".py")}
    assert inside <= {"fitfeed", "setup.py"}
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(tmp_path / wheel.name) as theirs:
        assert set(ours.namelist()) == set(theirs.namelist())


@pytest.mark.slow
def test_a_users_own_modules_of_the_same_names_do_no_harm(
    project: Path, installed: Path, few_photos: Path
) -> None:
    output = run(project, installed, SCRIPT, few_photos, project / "dataset")
    assert f"trained {installed}" in output


@pytest.mark.slow
def test_nor_on_a_beam_worker(project: Path, installed: Path, few_photos: Path) -> None:
    assert "converted" in run(project, installed, BEAM_SCRIPT, few_photos, project / "dataset")


def test_the_folders_of_a_checkout_give_the_same_objects() -> None:
    beam_jobs, pipelines = map(importlib.import_module, ("beam_jobs", "pipelines"))
    assert beam_jobs.convert is fitfeed.convert
    assert pipelines.make_pipeline is fitfeed.make_pipeline
    assert all(getattr(pipelines, name) is getattr(fitfeed, name) for name in pipelines.__all__)


def test_every_public_name_is_there_and_no_other() -> None:
    assert len(set(fitfeed.__all__)) == len(fitfeed.__all__)
    assert {name for name in fitfeed.__all__ if getattr(fitfeed, name) is None} == set()
    assert set(fitfeed.__all__) <= set(dir(fitfeed))
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        _ = fitfeed.no_such_name
