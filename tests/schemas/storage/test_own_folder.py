"""A staging area of somebody else: nothing in it is read, overwritten or removed, and nothing that it leads to."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.beam_jobs import plan_conversion
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage import own_folder
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.own_folder import require_own, sweep_temporary_files
from tests.folders import contents
from tests.without_beam import convert

NOBODY = 65534
JOB = "0" * 64

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture
def thesis(tmp_path: Path) -> Path:
    """A folder outside the dataset that looks as much like a job as it can."""
    folder = tmp_path / "thesis"
    for name in ("plans", "shards", "results", "quarantine", "kept"):
        (folder / JOB / name).mkdir(parents=True)
        (folder / JOB / name / "chapter").write_text(name)
    (folder / f"notes.tmp-{JOB[:32]}").touch()
    (folder / "notes").write_text("mine")
    return folder


def link_the_root(work: Path, thesis: Path) -> None:
    work.symlink_to(thesis)


def link_a_job(work: Path, thesis: Path) -> None:
    work.mkdir()
    (work / JOB).symlink_to(thesis / JOB)


def link_a_part(work: Path, thesis: Path) -> None:
    (work / JOB).mkdir(parents=True)
    (work / JOB / "shards").symlink_to(thesis / JOB / "shards")


def link_a_file(work: Path, thesis: Path) -> None:
    (work / JOB / "plans").mkdir(parents=True)
    (work / JOB / "plans" / "00000.json").symlink_to(thesis / "notes")


def hard_link(work: Path, thesis: Path) -> None:
    (work / JOB).mkdir(parents=True)
    (work / JOB / "train.index.arrow").hardlink_to(thesis / "notes")  # an index is written in place


def link_the_lock(work: Path, thesis: Path) -> None:
    work.mkdir()
    (work / "lock").symlink_to(thesis / "new")


def link_to_nothing(work: Path, thesis: Path) -> None:
    work.symlink_to(thesis / "nothing")


def file_instead(work: Path, thesis: Path) -> None:
    work.write_text("")


def pipe(work: Path, thesis: Path) -> None:
    (work / JOB / "results").mkdir(parents=True)
    os.mkfifo(work / JOB / "results" / "00000.json")


def depths(work: Path, thesis: Path) -> None:
    folder = work
    for _ in range(200):
        folder /= "a"
    folder.mkdir(parents=True)


PLANTED = [
    link_the_root,
    link_a_job,
    link_a_part,
    link_a_file,
    hard_link,
    link_the_lock,
    link_to_nothing,
    file_instead,
    pipe,
    depths,
]


@pytest.mark.parametrize("plant", PLANTED)
def test_what_is_not_a_staging_area_is_refused(
    tmp_path: Path, thesis: Path, plant: Callable[[Path, Path], None]
) -> None:
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    plant(dataset / ".work", thesis)
    before = contents(tmp_path)
    with pytest.raises(UsageError, match=r"Remove .*\.work and run the same command again") as caught:
        require_own(dataset / ".work")
    assert "\n" not in str(caught.value)
    with pytest.raises(UsageError), open_staging(LocalPlace(dataset)):
        pass
    assert contents(tmp_path) == before


@pytest.mark.parametrize("plant", [link_the_root, link_a_part])
@pytest.mark.parametrize("append", [False, True])
def test_a_conversion_follows_no_link(
    few_photos: Path, tmp_path: Path, thesis: Path, plant: Callable[[Path, Path], None], append: bool
) -> None:
    source, dataset = tmp_path / "source", tmp_path / "dataset"
    shutil.copytree(few_photos, source)
    options = ConvertOptions(encoding="png", size=(8, 8))
    if append:
        convert(source, dataset, options)
        first = next(path for path in source.rglob("*") if path.is_file())
        shutil.copy(first, first.with_name(f"new{first.suffix}"))
    else:
        dataset.mkdir()
    plant(dataset / ".work", thesis)
    before = contents(tmp_path)
    with pytest.raises(UsageError, match=r"staging area|not a file of a conversion"):
        plan_conversion(source, dataset, None if append else options, overwrite=not append, append=append)
    with pytest.raises(UsageError, match=r"staging area|not a file of a conversion"):
        convert(source, dataset, None if append else options, append=append)
    assert contents(tmp_path) == before


def test_the_dataset_itself_may_be_a_link(few_photos: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "dataset").symlink_to(tmp_path / "disk")
    convert(few_photos, tmp_path / "dataset", ConvertOptions(encoding="png", size=(8, 8)))
    assert (tmp_path / "disk" / "manifest.json").is_file()


@needs_root
@pytest.mark.parametrize("what", [".work", f".work/{JOB}", f".work/{JOB}/results/00000.json"])
def test_what_belongs_to_others_is_refused(tmp_path: Path, what: str) -> None:
    folder = tmp_path / ".work" / JOB / "results"
    folder.mkdir(parents=True)
    (folder / "00000.json").touch()
    require_own(tmp_path / ".work")
    os.chown(tmp_path / what, NOBODY, NOBODY)
    with pytest.raises(UsageError, match=r"belongs to nobody \(65534\), and you are root \(0\)"):
        require_own(tmp_path / ".work")


@needs_root
def test_root_may_continue_what_the_user_behind_sudo_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".work").mkdir()
    os.chown(tmp_path / ".work", NOBODY, NOBODY)
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    require_own(tmp_path / ".work")
    monkeypatch.setenv("SUDO_UID", "1234")
    with pytest.raises(UsageError, match="belongs to"):
        require_own(tmp_path / ".work")


def test_a_file_system_without_owners_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".work").mkdir()
    monkeypatch.setattr(own_folder, "_own_users", lambda: {4321})  # none of the files here is of this user
    require_own(tmp_path / ".work")
    monkeypatch.setattr(own_folder, "_owner_of_new_files", lambda folder: 4321)
    with pytest.raises(UsageError, match="belongs to"):
        require_own(tmp_path / ".work")


def test_only_its_owner_may_lock_a_dataset(tmp_path: Path) -> None:
    with open_staging(LocalPlace(tmp_path)):
        assert stat.S_IMODE((tmp_path / ".work" / "lock").stat().st_mode) == 0o600


def test_leftovers_are_swept_and_nothing_else(tmp_path: Path, thesis: Path) -> None:
    job = tmp_path / JOB
    (job / "shards").mkdir(parents=True)
    name = f"train-00000-of-00001.h5.tmp-{'ab' * 16}"
    for leftover in (job / "job.json", job / "shards" / name, job / "shards" / f"{name}-spool0"):
        leftover.with_name(
            leftover.name if ".tmp-" in leftover.name else f"{leftover.name}.tmp-{'0' * 32}"
        ).touch()
    kept = ["job.json", "shards/x.tmp-copy", "shards/.tmp-" + "0" * 32, "shards/x.tmp-" + "0" * 31]
    for each in kept:
        (job / each).touch()
    (job / "kept").symlink_to(thesis)
    before = contents(thesis)
    sweep_temporary_files(job)
    assert {str(path.relative_to(job)) for path in job.rglob("*") if path.is_file()} == set(kept)
    assert contents(thesis) == before
