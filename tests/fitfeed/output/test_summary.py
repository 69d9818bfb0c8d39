"""The lines at the end of a conversion, and those of a dry run."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from fitfeed.beam_jobs import ConversionResult, plan_conversion
from fitfeed.converters.duplicate_pair import DuplicatePair, NearDuplicateReport
from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.source_file import SomeFiles
from fitfeed.output.byte_size import human_bytes
from fitfeed.output.dataset_text import splits_table, statistics_lines
from fitfeed.output.summary import (
    conversion_lines,
    dry_run_document,
    dry_run_lines,
    planned_splits,
)
from fitfeed.output.training_lines import training_lines
from fitfeed.schemas.manifest import Manifest
from tests.without_beam import convert


@pytest.fixture(scope="module")
def manifest(few_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("summary") / "dataset"
    return convert(few_photos, folder, ConvertOptions(encoding="png", size=(8, 8))).manifest


def result(manifest: Manifest, **changed: Any) -> ConversionResult:
    known: dict[str, Any] = {
        "published": manifest,
        "up_to_date": False,
        "files": 8,
        "source_bytes": 3 << 20,
        "seconds": 0.5,
        "reused_shards": 0,
        "duplicates": [],
        "near_duplicates": None,
        "links": LinkReport(),
        "warnings": [],
        "unnamed": 0,
        "ignored_extensions": {},
        "comparison": None,
        "gone": SomeFiles(),
    }
    return ConversionResult(**{**known, **changed})


def text_of(conversion: ConversionResult) -> str:
    return "\n".join(conversion_lines(conversion, "flowers"))


def with_duplicates(manifest: Manifest, **counts: int) -> Manifest:
    return manifest.model_copy(update={"duplicates": manifest.duplicates.model_copy(update=counts)})


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 30, "3.0 GiB"),
        (2048 << 30, "2.0 TiB"),
        (5000 << 40, "5000.0 TiB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    assert human_bytes(count) == shown


def test_a_conversion(manifest: Manifest) -> None:
    lines = conversion_lines(result(manifest), "flowers")
    assert lines[0] == "flowers is complete"
    assert splits_table(manifest) == [
        f"train      8 examples in 1 shards, {human_bytes(manifest.splits['train'].bytes)}",
        "           dress 4, pants 4",
    ]
    assert "rejects    none (0 other files ignored)" in lines
    assert "duplicates none" in lines
    assert "time       0.5 s, 16 images/s" in lines
    assert any(line.startswith("bytes      3.0 MiB in, ") for line in lines)
    assert "warning" not in "\n".join(lines)
    assert lines[-3:] == training_lines("flowers", manifest)
    sized = "batch_size=8, image_size=(8, 8)"  # images of several sizes need one for a batch
    assert lines[-1] == f"  model.fit(make_pipeline('flowers', 'train', {sized}), epochs=10)"


def test_nothing_to_do(manifest: Manifest) -> None:
    lines = conversion_lines(result(manifest, up_to_date=True), "flowers")
    assert lines[0] == "flowers is up to date: nothing to do"
    assert not any(line.startswith("time") for line in lines)


def test_what_was_used_again(manifest: Manifest) -> None:
    assert "16 images/s, 3 shards of an earlier run re-used" in text_of(result(manifest, reused_shards=3))


def test_what_joined(manifest: Manifest) -> None:
    joined = result(manifest, added={"train": 2, "validation": 0}, new_classes=["pants"])
    lines = conversion_lines(joined, "flowers")
    assert lines[1:3] == ["added      2 images (train 2)", "new class  'pants' is label 1"]
    nothing = conversion_lines(result(manifest, added={"train": 0}), "flowers")
    assert nothing[1] == "added      0 images"


def test_statistics_say_which_pixels_they_describe(manifest: Manifest) -> None:
    mean, std = statistics_lines(manifest)
    assert mean.split() == ["mean", *(f"{value:.3f}" for value in manifest.statistics.mean)]
    assert std.endswith("(0..255, of the 8 train images as stored)")


def test_rejects(manifest: Manifest) -> None:
    rejected = manifest.model_copy(update={"rejects": {"empty_file": 2, "truncated": 1}, "ignored": 4})
    assert (
        "rejects    3 (2 empty_file, 1 truncated); 4 other files ignored; see rejects.jsonl"
        in conversion_lines(result(rejected), "flowers")
    )


def test_pictures_without_a_row_are_not_called_other_files(manifest: Manifest) -> None:
    ignored = manifest.model_copy(update={"ignored": 5})
    lines = conversion_lines(result(ignored, unnamed=3), "flowers")
    assert "rejects    none (3 pictures that no row of the table names and 2 other files ignored)" in lines


def test_duplicates(manifest: Manifest) -> None:
    found = with_duplicates(manifest, within=2, across_splits=1, dropped=0)
    assert (
        "duplicates 2 kept within a split (--duplicates drop leaves them out); 1 across splits, allowed by --allow-leaks"
        in conversion_lines(result(found), "flowers")
    )
    left_out = with_duplicates(manifest, dropped=3).model_copy(update={"ignored": 5})
    summary = conversion_lines(result(left_out), "flowers")
    assert "duplicates 3 left out, see rejects.jsonl" in summary
    assert "rejects    none (2 other files ignored)" in summary


def test_a_conflict_of_labels_is_warned_of(manifest: Manifest) -> None:
    conflict = DuplicatePair(("pants/b.jpg", "dress/a.jpg"), "label_conflict")
    copy = DuplicatePair(("dress/c.jpg", "dress/a.jpg"), "duplicate")
    summary = text_of(result(with_duplicates(manifest, label_conflicts=1), duplicates=[copy, conflict]))
    assert "another label: 1\n  pants/b.jpg = dress/a.jpg\n" in summary
    assert "c.jpg" not in summary


def test_images_that_look_alike(manifest: Manifest) -> None:
    pairs = [
        DuplicatePair((f"dress/{number}.jpg", "dress/a.jpg"), "near_duplicate", 3) for number in range(9)
    ]
    near = NearDuplicateReport(within=9, across_splits=1, exhaustive=False, pairs=pairs)
    summary = text_of(result(manifest, near_duplicates=near))
    assert "similar    at least 9 within a split, 1 across splits; all are kept. Look at:" in summary
    assert summary.count(" ~ dress/a.jpg (3 of 128 bits differ)") == 5
    assert "similar" not in text_of(result(manifest, near_duplicates=near.first(0)))


def test_classes_that_differ_only_in_case_are_warned_of(few_photos: Path, tmp_path: Path) -> None:
    for name in ("Dress", "dress", "hat"):
        (tmp_path / "source" / name).mkdir(parents=True)
        for path in sorted((few_photos / "dress").iterdir())[:1]:
            (tmp_path / "source" / name / path.name).write_bytes(path.read_bytes())
    conversion = convert(
        tmp_path / "source", tmp_path / "dataset", ConvertOptions(encoding="png", size=(8, 8))
    )
    assert "warning: classes that differ only in case: Dress, dress" in conversion_lines(
        conversion, "flowers"
    )


def test_a_dry_run(few_photos: Path, tmp_path: Path) -> None:
    planned = plan_conversion(few_photos, tmp_path / "dataset", ConvertOptions(shards=2))
    (train,) = planned_splits(planned.plan).values()
    assert (train.images, train.shards, train.class_counts) == (8, 2, {"dress": 4, "pants": 4})
    document: Any = dry_run_document(planned)
    assert document["splits"] == {
        "train": {"images": 8, "shards": 2, "class_counts": {"dress": 4, "pants": 4}}
    }
    assert document["class_names"] == ["dress", "pants"]
    assert document["labels"]["label"]["kind"] == "class"
    assert (document["rejects"], document["ignored"], document["up_to_date"]) == (0, 0, False)
    assert document["expected_bytes"] > 0
    lines = dry_run_lines(planned, "flowers")
    assert lines[0] == "nothing was done; without --dry-run this would be converted:"
    assert lines[2:4] == ["train      8 images into 2 tfrecord shards", "           dress 4, pants 4"]
    assert "encoding   keep" in lines
    assert "ignored    0 other files; rejected 0 images or rows without a label" in lines
    table = tmp_path / "labels.csv"
    table.write_text(
        "path,label\n" + "".join(f"{path.name},a\n" for path in (few_photos / "dress").iterdir())
    )
    labeled = plan_conversion(few_photos, tmp_path / "dataset", labels=table)
    document = dry_run_document(labeled)
    assert (document["ignored"], document["unnamed"]) == (4, 4)
    assert any(
        line.startswith("ignored    4 pictures that no row of the table names and 0 other files;")
        for line in dry_run_lines(labeled, "flowers")
    )


def test_links_out_of_the_source(manifest: Manifest) -> None:
    links = LinkReport(
        outside_files=7, outside_links=4, first={"a/l": "/home/me", "b.jpg": "/c.jpg"}, not_followed=3
    )
    lines = conversion_lines(result(manifest, links=links), "flowers")
    place = lines.index("links      4 lead out of SOURCE, to 7 images or masks (--links refuse allows none):")
    assert lines[place + 1 : place + 3] == [
        "           a/l -> /home/me, b.jpg -> /c.jpg, ...",
        "links      3 to folders that are listed often enough were not followed; see rejects.jsonl",
    ]
    assert not any(line.startswith("links") for line in conversion_lines(result(manifest), "flowers"))


def test_a_dry_run_warns_of_all_that_the_run_warns_of(few_photos: Path, tmp_path: Path) -> None:
    only = tmp_path / "source"
    shutil.copytree(few_photos / "dress", only / "dress")
    planned = plan_conversion(only, tmp_path / "dataset")
    conversion = convert(only, tmp_path / "dataset")
    warned = "warning: there is only one class ('dress'), so every label is 0"
    assert warned in dry_run_lines(planned, "flowers")
    assert warned in conversion_lines(conversion, "flowers")
    document: Any = dry_run_document(planned)
    assert document["warnings"] == conversion.warnings != []
