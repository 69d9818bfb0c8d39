"""What a conversion would do, without a trace of having asked."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fitfeed import convert as convert_with_beam
from fitfeed import plan_conversion
from fitfeed.beam_jobs.local import run_local
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import FitfeedError, OvertakenError, UsageError
from tests.beam_jobs.growing import SMALL
from tests.folders import contents
from tests.without_beam import convert


def test_a_plan_is_what_the_conversion_does_then(few_photos: Path, tmp_path: Path) -> None:
    options = ConvertOptions(shards=2, **SMALL)
    planned = plan_conversion(few_photos, tmp_path / "dataset", options)
    assert not (tmp_path / "dataset").exists()
    assert (planned.up_to_date, planned.existing, planned.plan.job.files) == (False, None, 8)
    manifest = convert(few_photos, tmp_path / "dataset", options).manifest
    files = [shard.file for split in manifest.splits.values() for shard in split.shards]
    assert [shard.file for shard in planned.plan.shards] == files
    again = plan_conversion(few_photos, tmp_path / "dataset", options)
    assert again.up_to_date
    assert again.existing == manifest


class PlanReports:
    """Remembers what planning tells."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.files = 0

    def listing(self) -> None:
        self.told.append("listing")

    def listed(self, files: int) -> None:
        self.files += files

    def start(self, *, files: int, total_bytes: int) -> None:
        self.told.append(f"{files} to compare")

    def update(self, read_bytes: int) -> None:
        self.told.append("compared")


def test_planning_tells_what_it_does(few_photos: Path, tmp_path: Path) -> None:
    reports = PlanReports()
    plan_conversion(few_photos, tmp_path / "out", progress=reports)
    assert (reports.told, reports.files) == (["listing"], 8)
    convert(few_photos, tmp_path / "out")
    plan_conversion(few_photos, tmp_path / "out", progress=reports, check_content=True)
    assert reports.told == ["listing", "listing", "8 to compare", *["compared"] * 8]
    wrong = PlanReports()
    with pytest.raises(UsageError):
        plan_conversion(few_photos, tmp_path / "out", runner="DirectRunner", progress=wrong)
    assert wrong.told == []  # what is wrong on the command line is answered alone


def test_an_append_plans_what_is_new(few_photos: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    convert(few_photos, dataset, ConvertOptions(**SMALL))
    shutil.copytree(few_photos / "dress", tmp_path / "more" / "hat")
    before = contents(dataset)
    planned = plan_conversion(tmp_path / "more", dataset, append=True)
    assert planned.plan.job.files == 4
    assert planned.plan.job.class_names == ["dress", "pants", "hat"]
    assert not planned.up_to_date
    assert plan_conversion(few_photos, dataset, append=True).up_to_date
    assert contents(dataset) == before


def test_what_changes_between_plan_and_lock_is_planned_again(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    module = sys.modules["fitfeed.beam_jobs.convert"]  # `beam_jobs.convert` is the function
    dataset, more = tmp_path / "dataset", tmp_path / "more"
    convert(few_photos, dataset, ConvertOptions(**SMALL))
    shutil.copytree(few_photos / "dress", more / "hat")
    real, plans = module.plan_conversion, []

    def overtaken(*arguments: object, **options: object) -> object:
        plans.append(real(*arguments, **options))
        if len(plans) == 1:
            with monkeypatch.context() as patch:
                patch.setattr(module, "plan_conversion", real)
                convert(more, dataset, append=True)  # somebody else, and faster
        return plans[-1]

    monkeypatch.setattr(module, "plan_conversion", overtaken)
    done = contents(dataset)
    assert convert(more, dataset, append=True).up_to_date
    assert len(plans) == 2
    assert contents(dataset) != done
    assert not (dataset / ".work").exists()


@pytest.mark.slow
def test_who_is_overtaken_publishes_nothing(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tmp_path / "dataset"
    convert(few_photos, dataset, ConvertOptions(**SMALL))
    published = (dataset / "manifest.json").read_text() + "\n"

    def overtaken(work: WorkFolder, job: Job, **running: Any) -> None:
        (dataset / "manifest.json").write_text(published)  # somebody else, whom the lock does not stop
        run_local(work, job, **running)

    monkeypatch.setattr("fitfeed.beam_jobs.run.run_local", overtaken)
    with pytest.raises(
        OvertakenError, match=r"has published into .* since this one began, so.*now\.$"
    ) as caught:
        convert_with_beam(few_photos, dataset, ConvertOptions(size=(9, 9)), overwrite=True)
    assert caught.value.exit_status == 7
    assert (dataset / "manifest.json").read_text() == published
    monkeypatch.undo()
    assert convert(few_photos, dataset, ConvertOptions(size=(9, 9)), overwrite=True).reused_shards == 1
    assert verify_dataset(dataset).ok


def test_wrong_arguments(few_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="workers=0"):
        plan_conversion(few_photos, tmp_path / "dataset", workers=0)
    with pytest.raises(UsageError, match="Give one of them"):
        plan_conversion(few_photos, tmp_path / "dataset", overwrite=True, append=True)


def damage(dataset: Path) -> None:
    (dataset / "manifest.json").write_text("{")


def lose_manifest(dataset: Path) -> None:
    (dataset / "manifest.json").unlink()


@pytest.mark.parametrize("harm", [damage, lose_manifest])
def test_overwrite_replaces_what_cannot_be_read(
    few_photos: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    dataset = tmp_path / "dataset"
    whole = convert(few_photos, dataset, ConvertOptions(size=(8, 8))).manifest
    harm(dataset)
    with pytest.raises(FitfeedError):
        plan_conversion(few_photos, dataset, ConvertOptions(size=(8, 8)))
    assert convert(few_photos, dataset, ConvertOptions(size=(8, 8)), overwrite=True).manifest == whole
    assert not (dataset / ".work").exists()


@pytest.mark.parametrize("content", ['{"format_version": 1}', '{"name": "an app"}'])
def test_overwrite_spares_the_manifests_of_other_programs(
    few_photos: Path, tmp_path: Path, content: str
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "manifest.json").write_text(content)
    with pytest.raises(UsageError, match="other files in it"):
        convert(few_photos, folder, overwrite=True)
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]
    assert (folder / "manifest.json").read_text() == content
