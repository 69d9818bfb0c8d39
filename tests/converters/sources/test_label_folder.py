"""The images of a folder with all that options say of them: choice, masks, labels, lists."""

from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.discover import Discovery, find_examples
from fitfeed.converters.sources.source_options import LabelSource, SourceOptions
from fitfeed.schemas.errors import UsageError


def make(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\xd8\xff")
    return folder / "photos"


def find(
    source: Path, labels: LabelSource = None, lists: dict[str, Path] | None = None, **options: object
) -> Discovery:
    reading = SourceOptions(labels=labels, split_lists=lists or {})
    return find_examples(source, ConvertOptions(**options), reading)  # type: ignore[arg-type]


def paths(found: Discovery) -> list[str]:
    return [file.path for file in found.example_table.files]


def test_a_flat_folder_without_labels(tmp_path: Path) -> None:
    found = find(make(tmp_path, "1.jpg", "2.jpg"), "none")
    assert paths(found) == ["1.jpg", "2.jpg"]
    assert (found.example_table.labels, found.example_table.features) == ({}, {})
    assert found.example_table.splits == [None, None]


def test_folders_without_labels_may_be_splits(tmp_path: Path) -> None:
    found = find(make(tmp_path, "train/a/1.jpg", "test/2.jpg"), "none")
    assert dict(zip(paths(found), found.example_table.splits, strict=True)) == {
        "test/2.jpg": "test",
        "train/a/1.jpg": "train",
    }
    assert find(make(tmp_path, "x/1.jpg"), "none", split_folders={}).example_table.splits == [None] * 3


def test_masks_beside_classes_and_without_them(tmp_path: Path) -> None:
    source = make(tmp_path, "cat/1.jpg", "cat/1_mask.png", "dog/2.jpg", "dog/2_mask.png", "dog/3.jpg")
    pattern = "{dir}/{stem}_mask.png"
    table = find(source, mask_from=pattern).example_table
    assert table.kinds == {"label": "class", "mask": "mask"}
    assert [mask.path for mask in table.labels["mask"]] == ["cat/1_mask.png", "dog/2_mask.png"]
    found = find(source, "none", mask_from=pattern)
    assert found.example_table.kinds == {"mask": "mask"}
    assert [(reject.path, reject.reason) for reject in found.rejects] == [("dog/3.jpg", "mask_missing")]


def test_lists_decide_the_split(tmp_path: Path) -> None:
    source = make(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/3.jpg")
    (tmp_path / "test.txt").write_text("cat/2.jpg\n3\n")
    table = find(source, lists={"test": tmp_path / "test.txt"}).example_table
    assert table.splits == ["train", "test", "test"]
    found = find(source, lists={"train": tmp_path / "test.txt"})
    assert paths(found) == ["cat/2.jpg", "dog/3.jpg"]
    assert [(reject.path, reject.reason) for reject in found.ignored] == [("cat/1.jpg", "left_out")]
    assert "1 images are in none of the lists of --split-list" in found.warnings[0]


def test_groups_are_read_from_paths_with_folders_and_tables(tmp_path: Path) -> None:
    source = make(tmp_path, "cat/p1_1.jpg", "cat/p1_2.jpg", "dog/p2_1.jpg")
    (source / "t.csv").write_text("path,label\ncat/p1_1.jpg,x\ndog/p2_1.jpg,y\n")
    assert find(source, group_from=r"p\d").example_table.groups == ["p1", "p1", "p2"]
    assert find(source / "t.csv", group_from=r"p(\d)").example_table.groups == ["1", "2"]


def test_a_table_of_one_split_is_warned_of(tmp_path: Path) -> None:
    source = make(tmp_path, "train/cat/1.jpg", "train/cat/2.jpg", "test/3.jpg")
    (tmp_path / "test.csv").write_text("path,label\ntest/3.jpg,cat\n")
    (line,) = find(source, tmp_path / "test.csv").warnings[:1]
    assert line.startswith("no row of test.csv names any of the 2 images in train/, so all are left out")
    root = source.resolve()
    assert f"fitfeed convert {root}/train train-dataset, and then" in line
    assert line.endswith("with --classes-from train-dataset")
    (source / "test.csv").write_text("path,label\ntest/3.jpg,cat\n")
    (line,) = find(source, source / "test.csv").warnings[:1]
    assert line.endswith(f"fitfeed convert {root}/train {source}/test.csv DATASET --split-column COLUMN")
    (tmp_path / "link").symlink_to(source)
    for reached in (tmp_path / "link" / "test.csv", source / ".." / source.name / "test.csv"):
        (line,) = find(reached.parent, reached).warnings[:1]
        assert line.endswith(f"fitfeed convert {root}/train {reached} DATASET --split-column COLUMN")
    (tmp_path / "train.csv").write_text("path,label\ntrain/cat/1.jpg,cat\ntrain/cat/2.jpg,cat\n")
    assert (
        find(source, tmp_path / "train.csv").warnings[0].endswith("takes them, too")
    )  # no class folder there


def test_empty_folders_and_labels_for_detection_are_said(tmp_path: Path) -> None:
    source = make(tmp_path, "cat/1.jpg", "dog/2.jpg")
    (source / "bird").mkdir()
    (source / "fish").mkdir()
    (source / "fish" / ".keep").write_text("")
    (source / "cat" / "1.xml").write_text("<annotation/>")
    assert find(source).warnings == [
        "folders without any file, so without a class: bird, fish",
        "cat/1.xml looks like labels for detection (VOC), which are not read yet; what an image gets is said by folders or a table",
    ]
    (source / "instances.json").write_text("{}")
    flat = make(tmp_path / "flat", "1.jpg")
    (flat / "_annotations.coco.json").write_text("{}")
    with pytest.raises(
        UsageError, match=r"--labels none if they have none\.\n_annotations\.coco\.json looks like"
    ):
        find(flat)


@pytest.mark.parametrize(
    ("labels", "options", "lists", "message"),
    [
        (None, {"group": "x"}, {}, "--group needs a table of labels"),
        ("none", {"label_columns": ("x",)}, {}, "--label-column needs a table of labels"),
        (Path("t.csv"), {"mask_from": "{stem}.png"}, {}, "Give the table a column of masks"),
        (None, {"split": {"train": 1.0}}, {"test": Path("t")}, "--split-list and --split contradict"),
    ],
)
def test_options_that_do_not_fit(
    tmp_path: Path, labels: LabelSource, options: dict[str, object], lists: dict[str, Path], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        find(make(tmp_path, "cat/1.jpg"), labels, lists, **options)


@pytest.mark.parametrize("options", [{"include": ("*",)}, {"exclude": ("x",)}, {"mask_from": "{stem}.png"}])
def test_a_table_as_source_names_its_images_itself(tmp_path: Path, options: dict[str, object]) -> None:
    make(tmp_path, "1.jpg")
    (tmp_path / "photos" / "t.csv").write_text("path,label\n1.jpg,a\n")
    with pytest.raises(UsageError, match="names each image itself, so it takes no --"):
        find(tmp_path / "photos" / "t.csv", None, None, **options)
