"""What importing a part loads, how long files are, and that each larger module has tests."""

import ast
from pathlib import Path

import pytest

from tests.programs import run_program

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "converters", "beam_jobs", "pipelines", "fitfeed")
MAX_LINES = 400
MAX_UNTESTED_LINES = 80


PRINTING = {
    "print",
    *(f"sys.{name}.{write}" for name in ("stdout", "stderr") for write in ("write", "writelines")),
}


def modules(package: str) -> list[str]:
    """All modules of a package, by their import names."""
    files = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / package).rglob("*.py"))
    names = sorted(
        ".".join(file.parts).removesuffix(".__init__") for file in files if file.name != "__main__"
    )
    return names if package == "fitfeed" else [f"fitfeed.{name}" for name in names]


def loaded_by(code: str) -> set[str]:
    """The top-level packages that a fresh interpreter has loaded after running some code."""
    program = f"import sys\n{code}\nprint('loaded', *{{name.removeprefix('fitfeed.').partition('.')[0] for name in sys.modules}})"
    return set(run_program(program).splitlines()[-1].split())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("schemas", {"tensorflow", "keras", "apache_beam", "h5py", "converters", "beam_jobs", "pipelines"}),
        ("converters", {"tensorflow", "keras", "apache_beam", "beam_jobs", "pipelines"}),
        ("beam_jobs", {"tensorflow", "keras", "pipelines"}),
    ],
)
def test_importing_every_module_loads_no_framework(package: str, forbidden: set[str]) -> None:
    found = loaded_by("\n".join(f"import {module}" for module in modules(package)))
    assert package in found
    assert not found & forbidden


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_is_cheap(package: str) -> None:
    assert not loaded_by(f"import {package}\nimport fitfeed") & {"tensorflow", "keras", "apache_beam", "h5py"}


def test_help_loads_nothing_heavy() -> None:
    code = "import contextlib\nfrom fitfeed.cli import main\nwith contextlib.suppress(SystemExit):\n    main(['--help'])"
    found = loaded_by(code)
    assert not found & {"tensorflow", "keras", "apache_beam", "pyarrow", "h5py", "cv2", "PIL", "numpy"}


@pytest.mark.slow
def test_inspecting_a_file_loads_no_framework() -> None:
    file = ROOT / "tests" / "data" / "nasty" / "containers" / "good.tfrecord"
    found = loaded_by(f"from fitfeed.cli import main\nmain(['inspect', {str(file)!r}])")
    assert not found & {"tensorflow", "keras", "apache_beam"}


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "benchmarks", "examples"])
def test_files_stay_readable_in_one_sitting(folder: str) -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")
    }
    assert {str(path): length for path, length in lengths.items() if length >= MAX_LINES} == {}


def test_only_the_storage_room_names_the_kinds_of_places() -> None:
    """All others ask the place: `Place.choose`, or, for one line that differs, `is_far` and `local_folder`."""
    kinds = {"LocalPlace", "StorePlace"}
    naming = {
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and node.id in kinds
    }
    assert {path for path in naming if path.parts[:2] != ("schemas", "storage")} == set()
    assert naming


def test_all_that_is_printed_goes_through_one_door() -> None:
    """`fitfeed/output/terminal.py` escapes names. `explain` prints names of our own operations only."""
    printing = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if any(name.rpartition(".")[2] in path.read_text() for name in PRINTING)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in PRINTING
    }
    # The lines of `InputMonitor` have no name from outside.
    assert printing == {
        "fitfeed/output/terminal.py",
        "pipelines/callbacks/input_monitor.py",
        "pipelines/explain_augment.py",
    }


def test_every_larger_module_has_a_test_file() -> None:
    """`converters/sources/splits.py` is tested by `tests/converters/sources/test_splits.py`; `__init__` files are not."""
    without = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):  # which does not follow the links below fitfeed
            place = path.relative_to(ROOT)
            test = ROOT / "tests" / place.parent / f"test_{place.name}"
            large = len(path.read_text().splitlines()) > MAX_UNTESTED_LINES
            if large and place.name != "__init__.py" and not test.exists():
                without.add(str(place))
    assert without == set(), "write a test file for each of them"
