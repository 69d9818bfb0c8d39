"""`fitfeed convert` in the test's own process: what it takes, and what it prints."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.cli import main
from tests.photos import copy_photos
from tests.without_beam import without_beam

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    """The command in this process, without Beam: for what it takes and prints."""

    def called(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = list(map(str, arguments))
        with without_beam():
            status = main(words)
        output = capfd.readouterr()
        return subprocess.CompletedProcess(words, status, output.out, output.err)

    return called


@pytest.fixture
def photos(clothing: Path, tmp_path: Path) -> Path:
    """Ten photographs in two classes."""
    return copy_photos(clothing / "test", tmp_path / "photos", ("dress", "hat"), count=5)


def test_json_prints_one_document_and_nothing_else(photos: Path, tmp_path: Path, call: Call) -> None:
    done = call("convert", photos, tmp_path / "flowers", "--json", "--size", "64", "--format", "hdf5")
    document = json.loads(done.stdout)
    assert document["format"] == "hdf5"
    train = document["splits"]["train"]
    assert (train["examples"], train["shards"], train["class_counts"]) == (10, 1, {"dress": 5, "hat": 5})
    assert train["bytes"] == sum(path.stat().st_size for path in (tmp_path / "flowers").glob("*.h5"))
    assert document["images_per_second"] > 0
    assert document["seconds"] > 0
    inspected = json.loads(call("inspect", tmp_path / "flowers", "--json").stdout)
    assert {key: document[key] for key in inspected} == inspected


def test_quiet(photos: Path, tmp_path: Path, call: Call) -> None:
    done = call("convert", photos, tmp_path / "flowers", "--quiet")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_dry_run_changes_nothing(photos: Path, tmp_path: Path, call: Call) -> None:
    arguments = ("convert", photos, tmp_path / "flowers", "--dry-run", "--shards", "2")
    document = json.loads(call(*arguments, "--json").stdout)
    assert document["splits"] == {
        "train": {"images": 10, "shards": 2, "class_counts": {"dress": 5, "hat": 5}}
    }
    assert "10 images into 2 tfrecord shards" in call(*arguments).stdout
    assert not (tmp_path / "flowers").exists()


def test_options_reach_the_dataset(photos: Path, tmp_path: Path, call: Call) -> None:
    done = call(
        "convert", photos, tmp_path / "flowers", "--format", "hdf5", "--encoding", "jpeg", "--size", "40x50", "--fit", "cover",
        "--quality", "70", "--channels", "1", "--background", "1,2,3", "--frames", "reject", "--max-pixels", "5000000",
        "--shard-size", "1GiB", "--split", "train=0.5,validation=0.5", "--class-from", "parent", "--seed", "5", "--workers", "1",
        "--max-bad", "10%", "--timeout", "99.5", "--runner", "local", "--overwrite",
        "--duplicates", "drop", "--allow-leaks",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "flowers" / "manifest.json").read_text())
    assert manifest["options"] == {
        "format": "hdf5",
        "encoding": "jpeg",
        "size": [40, 50],
        "fit": "cover",
        "quality": 70,
        "channels": 1,
        "background": [1, 2, 3],
        "frames": "reject",
        "max_pixels": 5_000_000,
        "shards": None,
        "shard_bytes": 1 << 30,
        "split": {"train": 0.5, "validation": 0.5},
        "class_from": "parent",
        "seed": 5,
        "duplicates": "drop",
    }
    assert manifest["features"]["image"]["shape"] == [40, 50, 1]
    assert list(manifest["splits"]) == ["train", "validation"]


WRONG_CALLS = [
    (["{tmp}/nothing", "{tmp}/out"], "SOURCE {tmp}/nothing does not exist"),
    (["{tmp}/empty", "{tmp}/out"], "has no images"),
    (["{photos}", "{tmp}/file"], "is a file"),
    (["{photos}", "{tmp}/file/out"], "cannot write to DATASET {tmp}/file/out: Not a directory"),
    (["{photos}", "{tmp}/link"], "cannot write to DATASET {tmp}/link: File exists"),
    (["{photos}", "{tmp}/foreign"], "a pattern such as photos/*, give the folder itself, and then DATASET"),
    (
        ["{done}", "{tmp}/out", "--label-column", "a"],
        "SOURCE {done} is a dataset, which has its labels and splits",
    ),
    (
        ["{photos}/hat", "{photos}/pants", "{tmp}/out"],
        "such as {photos}/*, give the folder, and then DATASET: fitfeed convert {photos} DATASET.",
    ),
    (["{photos}", "{photos}", "{tmp}/out"], "Give each a name: "),
    (["{photos}", "a=", "{tmp}/out"], "SOURCE a= names a source, and does not say which"),
    (["{photos}", "{photos}/../nothing", "{tmp}/out", "--quiet"], "nothing does not exist"),
    (["{photos}", "{photos}/out"], "must not contain each other"),
    (["{photos}", "{tmp}/out", "--format", "zarr"], "invalid choice: 'zarr'"),
    (["{photos}", "{tmp}/out", "--size", "0"], "Received: '0'"),
    (["{photos}", "{tmp}/out", "--size", "12x"], "N or HxW"),
    (["{photos}", "{tmp}/out", "--split", "train=0.8,validation=0.3"], "sum to 1.1"),
    (["{photos}", "{tmp}/out", "--split", "train"], "NAME=SHARE"),
    (["{photos}", "{tmp}/out", "--encoding", "raw"], "Add --size"),
    (["{photos}", "{tmp}/out", "--max-bad", "some"], "Received: 'some'"),
    (["{photos}", "{tmp}/out", "--workers", "0"], "Received: workers=0"),
    (["{photos}", "{tmp}/out", "--timeout", "-1"], "Received: timeout_s=-1"),
    (["{photos}", "{tmp}/out", "--runner", "DirectRunner"], "Use --runner local"),
    (["{photos}", "{tmp}/out", "--runner", "NoSuchRunner"], "--runner NoSuchRunner is not known"),
    (["{photos}", "{tmp}/out", "--", "--project=x"], "--project=x"),
    (["{photos}", "{tmp}/out", "--labels", "{tmp}/none.csv"], "none.csv"),
    (["{photos}/hat", "{tmp}/out"], "SOURCE/<class>/<image>"),
    (["{photos}"], "DATASET"),
    (["{photos}", "{done}", "--quality", "50"], "quality 90 -> 50). Give --overwrite"),
    (["{later}", "{done}"], "was made from other files"),
    (["{photos}", "{done}", "--append", "--overwrite"], "not allowed with argument"),
    (["{photos}", "{done}", "--append", "--quality", "50"], "--quality 50 (it has 90)"),
    (["{photos}", "{done}", "--append", "--workers", "0"], "Received: workers=0"),
    (["photos={changed}", "{done}", "--append"], "have the path of an example"),
    (["{photos}", "{tmp}/out", "--append"], "does not exist"),
    (["{photos}", "{tmp}/foreign", "--append"], "{tmp}/foreign"),
]
"""Arguments, and what is said of them; every status is 2."""


@pytest.fixture(scope="module")
def places(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Sources and targets for wrong calls, which change none of them."""
    tmp = tmp_path_factory.mktemp("places")
    for name in ("photos/dress", "photos/hat", "later/hat", "changed/hat", "empty", "foreign"):
        (tmp / name).mkdir(parents=True)
    images = sorted((clothing / "test" / "hat").iterdir())
    for folder in ("photos/dress", "photos/hat", "changed/hat"):
        shutil.copy(images[0], tmp / folder / "first.jpg")
    with (tmp / "changed" / "hat" / "first.jpg").open("ab") as stream:
        stream.write(b"\0")
    shutil.copy(images[1], tmp / "later" / "hat" / "second.jpg")
    (tmp / "file").touch()
    (tmp / "foreign" / "thesis.doc").touch()
    (tmp / "link").symlink_to("nowhere")
    done = tmp / "done"
    with without_beam():
        assert main(["convert", str(tmp / "photos"), str(done), "--quiet"]) == 0
    return {"tmp": tmp, "done": done, **{name: tmp / name for name in ("photos", "later", "changed")}}


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """All below a folder: size and time of change."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in folder.rglob("*")
    }


def refused(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[object, str]:
    """Status and message of a call."""
    try:
        status: object = main(["convert", *arguments])
    except SystemExit as stopped:  # argparse's own
        status = stopped.code
    output = capfd.readouterr()
    assert output.out == ""
    return status, output.err


@pytest.mark.parametrize(("arguments", "message"), WRONG_CALLS)
def test_mistakes_are_explained_without_a_traceback_with_a_dry_run_too(
    places: dict[str, Path], arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    given = [argument.format(**places) for argument in arguments]
    before = state(places["tmp"])
    status, errors = refused(given, capfd)
    assert status == 2
    assert message.format(**places) in errors
    assert "Traceback" not in errors
    assert state(places["tmp"]) == before
    assert refused(["--dry-run", *given], capfd) == (status, errors)
    assert state(places["tmp"]) == before


def test_mistakes_that_only_a_run_can_find(
    photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status, errors = refused([str(photos), "/proc/out"], capfd)
    assert status == 2
    assert "cannot write to DATASET" in errors
    (photos / "hat" / "empty.jpg").touch()
    status, errors = refused([str(photos), str(tmp_path / "out")], capfd)
    assert status == 3
    assert "hat/empty.jpg: empty_file" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_dry_run_on_a_complete_dataset(places: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    photos, done, later = (str(places[name]) for name in ("photos", "done", "later"))
    before = state(places["tmp"])
    for arguments in ([photos, done], [photos, done, "--append"]):
        assert main(["convert", *arguments, "--dry-run"]) == 0
        assert capfd.readouterr().out == f"{done} is up to date: compared 2 contents; nothing to do\n"
        assert main(["convert", *arguments, "--dry-run", "--json"]) == 0
        assert json.loads(capfd.readouterr().out)["up_to_date"]
    for arguments, images in (
        ([photos, done, "--overwrite"], 2),
        ([later, done, "--append"], 1),
    ):
        assert main(["convert", *arguments, "--dry-run", "--json"]) == 0
        document = json.loads(capfd.readouterr().out)
        assert not document["up_to_date"]
        assert document["splits"]["train"]["images"] == images
    assert state(places["tmp"]) == before


def test_too_many_rejects_names_the_command_that_accepts_them(
    photos: Path, tmp_path: Path, call: Call
) -> None:
    (photos / "hat" / "empty.jpg").touch()
    done = call("convert", photos, tmp_path / "flowers")
    assert done.returncode == 3
    assert "--max-bad 1" in done.stderr
    accepted = call("convert", photos, tmp_path / "flowers", "--max-bad", "1")
    assert accepted.returncode == 0
    assert "1 shards of an earlier run re-used" in accepted.stdout
    assert "rejects    1 (1 empty_file)" in accepted.stdout


def test_one_class_is_warned_of(photos: Path, tmp_path: Path, call: Call) -> None:
    shutil.rmtree(photos / "hat")
    done = call("convert", photos, tmp_path / "flowers")
    assert done.returncode == 0
    assert "only one class ('dress')" in done.stdout
