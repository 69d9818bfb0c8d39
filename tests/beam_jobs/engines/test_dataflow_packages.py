"""What workers of Dataflow install."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from packaging.requirements import Requirement

from fitfeed.beam_jobs.engines import dataflow_packages
from fitfeed.beam_jobs.engines.dataflow_packages import with_packages, worker_requirements
from fitfeed.schemas.errors import UsageError
from tests.programs import run_program

VERSION = importlib.metadata.version("fitfeed")
WHEEL = f"--extra_package=dist/fitfeed-{VERSION}-py3-none-any.whl"


def requirements(*arguments: str) -> list[str]:
    return worker_requirements(PipelineOptions(list(arguments)).get_all_options())


@pytest.fixture
def from_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this fitfeed came from an index."""
    monkeypatch.setattr(dataflow_packages, "_comes_from_an_index", lambda: True)


@pytest.mark.usefixtures("from_index")
def test_fitfeed_of_an_index_is_installed_by_name_and_version_with_its_dependencies() -> None:
    lines = requirements()
    assert lines[0] == f"fitfeed=={VERSION}"
    pinned = dict(line.split("==") for line in lines)
    assert {"numpy", "opencv-python-headless", "pillow", "simplejpeg", "obstore"} <= pinned.keys()
    assert "apache-beam" not in pinned  # the workers' image has it
    for name, version in pinned.items():
        assert importlib.metadata.version(name).partition("+")[0] == version


@pytest.mark.usefixtures("from_index")
def test_extras_are_not_installed() -> None:
    extras = {
        Requirement(text).name
        for text in importlib.metadata.requires("fitfeed") or []
        if "extra" in str(Requirement(text).marker) and "heif" not in str(Requirement(text).marker)
    }
    assert "pytest" in extras
    assert not extras & {line.partition("==")[0] for line in requirements()} - {"apache-beam"}


@pytest.mark.parametrize("installed", [True, False])
def test_decoders_that_are_here_are_there(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    """Else workers would reject photographs of telephones that this machine takes."""
    known = importlib.metadata.version
    monkeypatch.setattr(dataflow_packages, "_is_installed", lambda name: installed)
    monkeypatch.setattr(
        dataflow_packages, "version", lambda name: "1.2" if name == "pi-heif" else known(name)
    )
    assert ("pi-heif==1.2" in requirements(WHEEL)) is installed


def test_a_package_that_is_given_comes_with_the_versions_of_this_machine() -> None:
    lines = requirements(WHEEL)
    assert lines
    assert not [line for line in lines if line.startswith("fitfeed")]
    assert f"pillow=={importlib.metadata.version('pillow')}" in lines
    assert requirements("--extra_package=other-1.tar.gz", WHEEL) == lines


def test_with_an_image_nothing_is_installed() -> None:
    assert requirements("--sdk_container_image=region-docker.pkg.dev/p/r/fitfeed:1") == []


def test_fitfeed_of_a_folder_asks_for_a_package_or_an_image() -> None:
    """Tests run from a folder."""
    with pytest.raises(UsageError) as caught:
        requirements()
    (line,) = str(caught.value).split("\n")
    assert f"-- --extra_package=dist/fitfeed-{VERSION}-py3-none-any.whl" in line
    assert "--sdk_container_image=IMAGE" in line


@pytest.mark.parametrize(
    "name",
    ["fitfeed-0.0.1-py3-none-any.whl", "fitfeed-0.0.1.tar.gz", "fitfeed-0.0.1.tar", "fitfeed-0.0.1.zip"],
)
def test_a_package_of_another_version_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"fitfeed 0\.0\.1, and this is fitfeed {re.escape(VERSION)}"):
        requirements(f"--extra_package=gs://bucket/{name}")


def test_a_requirements_file_of_the_user_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    given = f"--requirements_file={file}"
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        requirements(given)
    file.write_text("numpy==2.0  # not fitfeed\n")
    with pytest.raises(UsageError, match=rf"Add the line fitfeed=={re.escape(VERSION)}"):
        requirements(given)
    assert requirements(given, WHEEL) == []
    file.write_text(f"fitfeed=={VERSION}\n")
    assert requirements(given) == []
    assert with_packages([given]) == [given, "--no_save_main_session"]


@pytest.mark.usefixtures("from_index")
def test_beam_gets_a_file() -> None:
    given, session, file, cache = with_packages(["--project=my-project"])
    assert (given, session, cache) == (
        "--project=my-project",
        "--no_save_main_session",
        "--requirements_cache=skip",
    )
    path = Path(file.removeprefix("--requirements_file="))
    assert path.read_text().splitlines() == requirements()
    assert with_packages(["--requirements_cache=/photos/cache"])[-1].startswith("--requirements_file=")


def install(folder: Path, *, direct_url: str | None) -> None:
    """Puts this module below a folder, as an installer does."""
    info = folder / "fitfeed-9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fitfeed\nVersion: 9.9\n")
    if direct_url is not None:
        (info / "direct_url.json").write_text(direct_url)


@pytest.mark.parametrize(
    ("direct_url", "elsewhere", "expected"),
    [
        (None, False, True),
        ('{"url": "file:///photos/fitfeed", "dir_info": {"editable": true}}', False, False),
        ('{"url": "https://example.com/fitfeed.whl", "archive_info": {}}', False, False),
        (None, True, False),  # installed, but what runs is a folder that comes first on the path
    ],
)
def test_where_fitfeed_comes_from_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct_url: str | None, elsewhere: bool, expected: bool
) -> None:
    install(tmp_path / "site", direct_url=direct_url)
    module = (
        tmp_path / ("folder" if elsewhere else "site") / "fitfeed" / "beam_jobs" / "engines" / "module.py"
    )
    monkeypatch.setattr(dataflow_packages, "__file__", str(module))
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert dataflow_packages._comes_from_an_index() is expected


def test_without_a_version_nobody_knows_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataflow_packages, "PACKAGE", "no-such-fitfeed")
    with pytest.raises(UsageError, match="not installed"):
        requirements()


@pytest.mark.slow
def test_pip_finds_nothing_to_complain_of_in_the_lines(tmp_path: Path) -> None:
    """Here all of them are installed, in these versions."""
    file = tmp_path / "requirements.txt"
    file.write_text("\n".join(requirements(WHEEL)))
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "-r", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout


ONLY_WORKERS = """
import importlib.metadata, re, sys
from pathlib import Path

listed = {{re.sub(r"[-_.]+", "-", name).lower() for name in {names!r}}}
found = importlib.metadata.packages_distributions()
missing = {{
    module
    for module, names in found.items()
    if not {{re.sub(r"[-_.]+", "-", name).lower() for name in names}} & listed | ({{"fitfeed"}} & set(names))
}}

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in missing:
            raise ModuleNotFoundError(name)

missing -= {{"tests"}}  # some package has such a folder, too
sys.meta_path.insert(0, Missing())
from fitfeed.beam_jobs.pipeline import WriteShard, publish_dataset
from tests.without_beam import convert
print(len(missing), convert({source!r}, {dataset!r}, {{"size": (32, 32)}}).files)
"""


@pytest.mark.slow
def test_workers_of_an_image_need_nothing_that_is_not_listed(few_photos: Path, tmp_path: Path) -> None:
    listed = Path(__file__).parents[3] / "requirements-worker.txt"
    names = re.findall(r"^([\w.-]+)==", listed.read_text(), re.MULTILINE)
    code = ONLY_WORKERS.format(names=names, source=str(few_photos), dataset=str(tmp_path / "dataset"))
    missing, files = run_program(code).split()
    assert int(missing) > 20  # TensorFlow, Keras, …
    assert files == "8"
