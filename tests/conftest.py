"""Datasets that several tests read: the project's own photographs, converted once per run."""

import fcntl
import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from fitfeed import beam_jobs
from fitfeed.converters.options import ConvertOptions
from tests.effort import ALL_EXAMPLES, PROFILE, QUICK_EXAMPLES
from tests.labelled import Flower, make_source, options
from tests.photos import copy_photos
from tests.servers.stores import Store, StoreServers
from tests.shared_guard import SharedGuard
from tests.warm_commands import WarmCommands
from tests.without_beam import convert, without_beam

ROOT = Path(__file__).parent.parent

# No test depends on how fast a machine is; and kernels are compiled when first called.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=QUICK_EXAMPLES)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=ALL_EXAMPLES)
hypothesis.settings.load_profile(PROFILE)


def pytest_collection_finish() -> None:
    """Frameworks are never garbage. A collection that looks at none of their objects takes a hundredth of the time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests leave goes with pytest's own folders: a process that is killed removes no temporary file."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(autouse=True)
def one_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """So pipelines in tests use threads, unless a test asks for processes; scripts that tests run do as users' do."""
    monkeypatch.setattr("fitfeed.pipelines.options.available_cpus", lambda: 1)


@pytest.fixture(autouse=True)
def no_progress_of_slow_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command prints does not depend on how long it takes, unless a test asks for that."""
    monkeypatch.setattr("fitfeed.output.progress_display.QUIET_S", 3600.0)


@pytest.fixture(scope="session", autouse=True)
def one_guard() -> Iterator[None]:
    """Foreign files and columns of shards are read in one guarded process for all tests."""
    guard = SharedGuard()
    with pytest.MonkeyPatch.context() as patch:
        for module in ("inspect.detect", "verify.dataset"):
            patch.setattr(f"fitfeed.converters.{module}.GuardedCalls", lambda **_: guard)
        yield
    guard.end()


@pytest.fixture(scope="session")
def clothing() -> Path:
    """Real photographs, 10 classes in train, validation and test folders."""
    return ROOT / "examples" / "clothing"


@pytest.fixture(scope="session")
def few_photos(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight of them, in two classes, all in `train`: for tests that need photographs, but not many."""
    folder = tmp_path_factory.mktemp("few_photos")
    return copy_photos(clothing / "train", folder, ("dress", "pants"), count=4)


@pytest.fixture(scope="session")
def nasty() -> Path:
    """Hostile files; `expected.csv` beside them says what each must become."""
    return ROOT / "tests" / "data" / "nasty"


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of a run share: pytest-xdist gives each its own below it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def store_servers() -> Iterator[StoreServers]:
    """Servers of object stores; each starts when a test first asks for it."""
    servers = StoreServers()
    yield servers
    servers.close()


@pytest.fixture
def store(
    request: pytest.FixtureRequest, store_servers: StoreServers, monkeypatch: pytest.MonkeyPatch
) -> Store:
    """An empty bucket: `gs://` in memory, or of the kind that the test is parametrized with (indirect)."""
    found = store_servers.store(getattr(request, "param", "gs"))
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture(scope="session")
def commands() -> Iterator[WarmCommands]:
    """Starts commands of fitfeed without their imports."""
    server = WarmCommands()
    yield server
    server.close()


@pytest.fixture
def no_beam() -> Iterator[None]:
    """Commands that convert do so in the test's own process."""
    with without_beam():
        yield


def _converted(
    source: Path, dataset: Path, options: ConvertOptions, convert: Callable[..., object] = convert
) -> Path:
    """Converts, unless another process of this run did; meanwhile the others wait."""
    done = dataset.with_name(f"{dataset.name}.done")
    with dataset.with_name(f"{dataset.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            convert(source, dataset, options)
            done.touch()
    return dataset


@pytest.fixture(scope="session")
def dataset_tfrecord(clothing: Path, shared_folder: Path) -> Path:
    """Original JPEG bytes in TFRecord shards: by Beam and worker processes, as a user's conversion."""
    return _converted(clothing, shared_folder / "tfrecord", ConvertOptions(), beam_jobs.convert)


@pytest.fixture(scope="session")
def dataset_hdf5(clothing: Path, shared_folder: Path) -> Path:
    """Original JPEG bytes in HDF5 shards."""
    return _converted(clothing, shared_folder / "hdf5", ConvertOptions(format="hdf5"))


@pytest.fixture(scope="session")
def dataset_raw_tfrecord(clothing: Path, shared_folder: Path) -> Path:
    """Raw 64 x 64 pixels in TFRecord shards."""
    return _converted(clothing, shared_folder / "raw_tfrecord", ConvertOptions(encoding="raw", size=(64, 64)))


@pytest.fixture(scope="session")
def dataset_raw_hdf5(clothing: Path, shared_folder: Path) -> Path:
    """Raw 64 x 64 pixels in HDF5 shards."""
    return _converted(
        clothing, shared_folder / "raw_hdf5", ConvertOptions(format="hdf5", encoding="raw", size=(64, 64))
    )


@pytest.fixture(scope="session")
def flower_table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Flower]]:
    """A source with a table that gives every picture a label of every kind, and what is in it."""
    folder = tmp_path_factory.mktemp("table") / "source"
    folder.mkdir()
    return folder, make_source(folder)


@pytest.fixture(scope="session")
def labelled(
    flower_table: tuple[Path, list[Flower]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Converts that source to one of `labelled.LAYOUTS`, once per session."""
    made: dict[str, Path] = {}

    def dataset(layout: str) -> Path:
        if layout not in made:
            made[layout] = tmp_path_factory.mktemp("labelled") / layout
            convert(flower_table[0] / "labels.csv", made[layout], options(layout))
        return made[layout]

    return dataset
