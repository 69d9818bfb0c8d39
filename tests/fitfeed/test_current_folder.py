"""A folder of photographs is packed by a stranger: what lies in it beside them is never imported, by no process."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.photos import copy_photos

ROOT = Path(__file__).parents[2]

HOSTILE = "open({marker!r}, 'a').write(__name__ + '\\n')\n"

# Every Python process that finds it on its path runs this at its start. It imports nothing that would not be there anyway.
SITE = """\
import os, sys
from importlib.machinery import FileFinder, SourceFileLoader

class Trap:
    '''Notes each module that a process looks for in the folder, also one that is nowhere.'''
    def __init__(self, entry):
        if os.path.realpath(entry) != {folder!r}:
            raise ImportError
        self.files = FileFinder(entry, (SourceFileLoader, [".py"]))
    def find_spec(self, name, target=None):
        with open({looked!r}, 'a') as file:
            file.write(f'{{name}} {{sys.argv}}\\n')
        return self.files.find_spec(name, target)

def crash_once(event, arguments):
    '''Kills the first worker that reads a photograph.'''
    if event == 'open' and str(arguments[0]).endswith('.jpg') and sys.argv[0] == '-c' and not os.path.exists({crashed!r}):
        os.close(os.open({crashed!r}, os.O_CREAT))
        os.kill(os.getpid(), 11)

sys.path_hooks.insert(0, Trap)
sys.addaudithook(crash_once)
"""

TRAIN = """\
from fitfeed import make_pipeline
assert sum(len(images) for images, _ in make_pipeline({dataset!r}, "train", batch_size=4, image_size=(8, 8), processes=2)) == 8
"""


class Trapped(NamedTuple):
    """A folder of photographs with a hostile module of every name, and what happened there."""

    folder: Path
    dataset: Path
    programs: Path
    ran: Path
    looked: Path
    crashed: Path

    def call(self, *command: object) -> None:
        """Runs a program from the folder, which must work, and checks that nothing of the folder ran."""
        done = self.run(*command)
        assert not self.ran.exists(), self.ran.read_text()
        assert done.returncode == 0, done.stderr

    def run(self, *command: object) -> "subprocess.CompletedProcess[str]":
        """Runs a program from the folder."""
        path = os.pathsep.join([str(self.programs / "site"), str(ROOT)])
        return subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def assert_nobody_looked(self) -> None:
        """Checks that no process has the folder on its path."""
        assert not self.looked.exists(), self.looked.read_text()[:2000]


@pytest.fixture(scope="module")
def trapped(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> Trapped:
    """Converts in the folder, with two workers of which one crashes."""
    top = tmp_path_factory.mktemp("stranger")
    folder = copy_photos(clothing / "train", top / "photos", ("dress", "hat"), count=4)
    one = Trapped(folder, top / "dataset", top / "programs", top / "ran", top / "looked", top / "crashed")
    names = {*sys.stdlib_module_names, *(module.name for module in pkgutil.iter_modules())}
    assert {"numpy", "signal", "fitfeed", "converters", "h5py", "tensorflow"} <= names
    for name in names:
        (folder / f"{name}.py").write_text(HOSTILE.format(marker=str(one.ran)))
    (one.programs / "site").mkdir(parents=True)
    site = SITE.format(folder=str(folder.resolve()), looked=str(one.looked), crashed=str(one.crashed))
    (one.programs / "site" / "sitecustomize.py").write_text(site)
    (one.programs / "fitfeed").write_text("import sys\nfrom fitfeed.cli import main\nsys.exit(main())\n")
    (one.programs / "train.py").write_text(TRAIN.format(dataset=str(one.dataset)))
    one.call(one.programs / "fitfeed", "convert", ".", one.dataset, "--shards", "4", "--workers", "2")
    return one


@pytest.mark.slow
def test_the_trap_works(trapped: Trapped) -> None:
    """What `python -c` does, and what is therefore no way to start a process."""
    assert trapped.run("-c", "import colorsys, nowhere").returncode == 1
    assert trapped.ran.read_text() == "colorsys\n"
    assert [line.split()[0] for line in trapped.looked.read_text().splitlines()] == ["colorsys", "nowhere"]
    trapped.ran.unlink()
    trapped.looked.unlink()


def test_converting(trapped: Trapped) -> None:
    assert trapped.crashed.exists()  # so a process was replaced, too
    trapped.assert_nobody_looked()


@pytest.mark.slow
def test_looking_at_the_dataset_and_at_files(trapped: Trapped) -> None:
    fitfeed, dataset = trapped.programs / "fitfeed", trapped.dataset
    trapped.call(fitfeed, "inspect", dataset)
    trapped.call(fitfeed, "verify", dataset, "--quiet")
    trapped.call(fitfeed, "preview", dataset, "-o", trapped.programs / "preview.png")
    for name in ("good.tfrecord", "good.h5"):
        trapped.call(fitfeed, "inspect", ROOT / "tests" / "data" / "nasty" / "containers" / name)
    trapped.assert_nobody_looked()


@pytest.mark.slow
def test_training_with_worker_processes_by_a_script_elsewhere(trapped: Trapped) -> None:
    trapped.call(trapped.programs / "train.py")
    trapped.assert_nobody_looked()


@pytest.mark.slow
def test_python_m_drops_the_folder(trapped: Trapped) -> None:
    """Python itself looks there for the package, before anything of ours runs: that is what `python -m` means."""
    (trapped.folder / "fitfeed.py").unlink(missing_ok=True)
    trapped.call("-m", "fitfeed", "verify", trapped.dataset, "--quiet")
    trapped.call(
        "-m", "fitfeed", "convert", ".", trapped.dataset, "--overwrite", "--workers", "2", "--shards", "4"
    )
