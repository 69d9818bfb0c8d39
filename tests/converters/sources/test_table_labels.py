"""Tables and pictures joined: what is found, every fault with its row, and the sample table as a whole."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.discover import Discovery, find_examples
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel

JPEG = b"\xff\xd8\xff\xe0rest"


def make(folder: Path, table: str, *pictures: str, name: str = "labels.csv") -> Path:
    for picture in pictures:
        (folder / "photos" / picture).parent.mkdir(parents=True, exist_ok=True)
        (folder / "photos" / picture).write_bytes(JPEG)
    (folder / name).write_text(table)
    return folder


def find(folder: Path, *, name: str = "labels.csv", **options: Any) -> Discovery:
    return find_examples(folder / "photos", ConvertOptions(**options), folder / name)


def labels_of(example_table: ExampleTable, name: str = "label") -> dict[str, Any]:
    return {file.path: example_table.value(name, i) for i, file in enumerate(example_table.files)}


def faults(found: Discovery) -> dict[str, tuple[str, str]]:
    return {reject.path: (reject.reason, reject.detail) for reject in found.rejects}


def test_whole_paths_short_names_and_names_without_extension(tmp_path: Path) -> None:
    table = "path,label\nx/a.jpg,1\nb.jpg,2\nc,3\ny/d,4\n./y//e.jpg,5\n"
    found = find(make(tmp_path, table, "x/a.jpg", "x/b.jpg", "y/c.jpg", "y/d.jpg", "y/e.jpg"))
    expected = {"x/a.jpg": "1", "x/b.jpg": "2", "y/c.jpg": "3", "y/d.jpg": "4", "y/e.jpg": "5"}
    assert labels_of(found.example_table) == expected
    assert found.rejects == []


def test_a_name_that_fits_several_pictures_fits_none(tmp_path: Path) -> None:
    found = find(make(tmp_path, "path,label\na,1\nx/a.jpg,2\n", "x/a.jpg", "y/a.jpg", "y/a.png"))
    assert labels_of(found.example_table) == {"x/a.jpg": "2"}
    reason, detail = faults(found)["a"]
    assert reason == "label_invalid"
    assert detail == "labels.csv, line 2: 'a' fits several images: x/a.jpg, y/a.jpg, y/a.png"


@pytest.mark.parametrize(
    ("path", "reason", "detail"),
    [
        ("none.jpg", "vanished", "is not among the images of SOURCE"),
        ("x\\a.jpg", "vanished", "not with a backslash"),
        ("/etc/a.jpg", "label_invalid", "is absolute"),
        ("C:\\a.jpg", "label_invalid", "is absolute"),
        ("../a.jpg", "label_invalid", "contains '..'"),
        ("x/../x/a.jpg", "label_invalid", "contains '..'"),
        (".", "label_invalid", "does not name a file"),
        ("", "label_invalid", "names no image"),
        ("x", "vanished", "is not among"),
    ],
)
@pytest.mark.parametrize("is_source", [False, True])
def test_paths_that_lead_nowhere(
    tmp_path: Path, path: str, reason: str, detail: str, is_source: bool
) -> None:
    make(tmp_path, f'path,label\nx/a.jpg,1\n"{path}",2\n', "x/a.jpg", name="photos.csv")
    if is_source:
        (tmp_path / "photos.csv").rename(tmp_path / "photos" / "photos.csv")
        found = find_examples(tmp_path / "photos" / "photos.csv", ConvertOptions(), None)
        detail = "SOURCE" if "among" in detail else detail
        if path == "x":
            detail = "is not a file"
    else:
        found = find(tmp_path, name="photos.csv")
    assert labels_of(found.example_table) == {"x/a.jpg": "1"}
    ((where, (got, text)),) = faults(found).items()
    assert (where, got) == (path or "photos.csv:3", reason)
    assert text.startswith("photos.csv, line 3: ")
    assert detail in text


@pytest.mark.parametrize("name", ["\\ud800.jpg", "a\\u0000b.jpg", "x" * 5000, "y" * 2_000_000])
def test_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    make(tmp_path, "", "a.jpg")
    lines = f'{{"path": "a.jpg", "label": 1}}\n{{"path": "{name}", "label": 2}}\n'
    for place in (tmp_path / "photos" / "t.jsonl", tmp_path / "t.jsonl"):
        place.write_text(lines)
        is_source = place.parent.name == "photos"
        labels, source = (None, place) if is_source else (place, tmp_path / "photos")
        found = find_examples(source, ConvertOptions(), labels)
        ((path, (reason, detail)),) = faults(found).items()
        assert reason in ("vanished", "label_invalid")
        assert f"{path}{detail}".encode()
        assert len(path) + len(detail) < 5000


def test_a_table_as_source_takes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path, "", "a.jpg", "b.jpg")
    (tmp_path / "photos" / "t.jsonl").write_text('{"file": "b.jpg", "label": "x"}\n')
    found = find_examples(tmp_path / "photos" / "t.jsonl", ConvertOptions(), None)
    assert labels_of(found.example_table) == {"b.jpg": "x"}
    assert (found.root, found.ignored) == (tmp_path / "photos", [])


def test_pictures_without_a_row_are_reported_but_not_bad(tmp_path: Path) -> None:
    table = "path,label,m\na.jpg,x,m.png\nb.jpg,,m.png\n"
    make(tmp_path, table, "a.jpg", "b.jpg", "c.jpg", "m.png")
    found = find(tmp_path, label_columns=("label", "m:mask"))
    assert [(r.path, r.reason, r.handling, r.detail) for r in found.ignored] == [
        ("c.jpg", "label_invalid", "ignored", "ignored: no row of labels.csv names it")
    ]
    assert faults(found) == {
        "b.jpg": ("label_invalid", "labels.csv, line 3: column 'label': there is no value")
    }


def test_the_same_picture_twice(tmp_path: Path) -> None:
    table = "path,label\na.jpg,x\nb.jpg,x\na,x\nb,y\nb.jpg,z\nc.jpg,x\n"
    found = find(make(tmp_path, table, "a.jpg", "b.jpg", "c.jpg"))
    assert labels_of(found.example_table) == {"a.jpg": "x", "c.jpg": "x"}
    assert [(r.path, r.reason, r.detail) for r in found.rejects] == [
        (
            "b.jpg",
            "label_conflict",
            f"labels.csv, line {n}: contradicts line 3 about this image, so the image is left out",
        )
        for n in (5, 6)
    ]
    assert [(r.path, r.reason, r.detail) for r in found.ignored] == [
        ("a.jpg", "duplicate", "ignored: labels.csv, line 4 repeats line 2")
    ]


def test_labels_against_folders(tmp_path: Path) -> None:
    table = "path,label\nhat/1.jpg,Hat\nhat/2.jpg,Coat\nimages/3.jpg,Coat\nCOAT/4.jpg,Coat\n5.jpg,Hat\n"
    found = find(make(tmp_path, table, "hat/1.jpg", "hat/2.jpg", "images/3.jpg", "COAT/4.jpg", "5.jpg"))
    expected = {"hat/1.jpg": "Hat", "images/3.jpg": "Coat", "COAT/4.jpg": "Coat", "5.jpg": "Hat"}
    assert labels_of(found.example_table) == expected  # the table's spelling
    detail = "labels.csv, line 3: the label is 'Coat', but the image is in folder 'hat'"
    assert faults(found) == {"hat/2.jpg": ("label_conflict", detail)}


def test_letters_in_two_cases_are_two_classes(tmp_path: Path) -> None:
    table = "path,label\na/1.jpg,a\nA/2.jpg,A\na/3.jpg,A\n"
    found = find(make(tmp_path, table, "a/1.jpg", "A/2.jpg", "a/3.jpg"))
    assert labels_of(found.example_table) == {"a/1.jpg": "a", "A/2.jpg": "A"}
    assert faults(found)["a/3.jpg"][0] == "label_conflict"


def test_split_columns_take_the_names_of_split_folders(tmp_path: Path) -> None:
    table = "path,label,set\n1.jpg,a,TRAIN\n2.jpg,a,val\n3.jpg,a,valid\n4.jpg,a,test\n5.jpg,a,trian\n"
    found = find(make(tmp_path, table, *(f"{n}.jpg" for n in range(1, 6))), split_column="set")
    assert found.example_table.splits == ["train", "validation", "validation", "test"]
    reason, detail = faults(found)["5.jpg"]
    assert reason == "label_invalid"
    assert "column 'set': 'trian' is not a split; expected one of train, validation" in detail


def test_split_folders_count_where_no_column_says(tmp_path: Path) -> None:
    found = find(make(tmp_path, "path,label\ntrain/1.jpg,a\nval/2.jpg,b\n", "train/1.jpg", "val/2.jpg"))
    assert found.example_table.splits == ["train", "validation"]


def test_class_folders_are_the_labels_of_a_table_without(tmp_path: Path) -> None:
    table = "path,patient\nrose/1.jpg,p\ntulip/2.jpg,q\n3.jpg,q\n"
    found = find(make(tmp_path, table, "rose/1.jpg", "tulip/2.jpg", "3.jpg"), group="patient")
    assert labels_of(found.example_table) == {"rose/1.jpg": "rose", "tulip/2.jpg": "tulip"}
    assert found.example_table.groups == ["p", "q"]
    assert faults(found)["3.jpg"][1].endswith("line 4: is directly in SOURCE, so it has no class folder")


def test_several_columns_keep_their_names_and_one_becomes_label(tmp_path: Path) -> None:
    make(tmp_path, "path,kind,age\n1.jpg,b,3\n2.jpg,a,4.5\n", "1.jpg", "2.jpg")
    one = find(tmp_path, label_columns=("age:float",)).example_table
    assert (one.features, one.labels) == ({"label": PlannedLabel(kind="float")}, {"label": [3.0, 4.5]})
    two = find(tmp_path, label_columns=("kind", "age:float")).example_table
    assert two.labels == {"kind": [1, 0], "age": [3.0, 4.5]}
    assert two.features == {
        "kind": PlannedLabel(kind="class", class_names=["a", "b"]),
        "age": PlannedLabel(kind="float"),
    }


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("path,a,key", {"label_columns": ("a", "key")}, "'key' cannot name a label.*Rename the column"),
        ("path,a,a_offset", {"label_columns": ("a:mask", "a_offset:int")}, "each is stored as 'a_offset'"),
        ("path,a,b/c", {"label_columns": ("a", "b/c")}, "HDF5 gives"),
        ("path,a", {"label_columns": ("a", "a:int")}, "names a column twice"),
        ("path,a", {"label_columns": ("b",)}, "--label-column b: labels.csv must have one such column.* a"),
        ("path,a", {"label_columns": ("a:flaot",)}, "--label-column a:flaot"),
        ("path,a", {}, "no --label-column is given, .* no column called 'label'.* a"),
        ("name,label", {}, "Give --path-column"),
        ("path,label", {"split_column": "set"}, "--split-column set"),
        ("path,label", {"group": "who"}, "--group who"),
    ],
)
def test_columns_that_do_not_fit(tmp_path: Path, header: str, options: dict[str, Any], message: str) -> None:
    row = ",".join(["1.jpg", *("x" for _ in header.split(",")[1:])])
    with pytest.raises(UsageError, match=message):
        find(make(tmp_path, f"{header}\n{row}\n", "1.jpg"), **options)


def test_no_row_fits(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no row .* line 2: 'b.jpg' is not among .* from column 'path'"):
        find(make(tmp_path, "path,label\nb.jpg,x\n", "a.jpg"))
    with pytest.raises(UsageError, match="has no rows"):
        find(make(tmp_path, "path,label\n", "a.jpg"))


@pytest.mark.parametrize(("count", "length"), [(100_001, 1), (1100, 990)])
def test_more_classes_than_a_manifest_can_name(tmp_path: Path, count: int, length: int) -> None:
    rows = "".join(f'{{"path": "a.jpg", "tags": ["{n:0{length}}"]}}\n' for n in range(1))
    names = ", ".join(f'"{n:0{length}}"' for n in range(count))
    make(tmp_path, rows + f'{{"path": "b.jpg", "tags": [{names}]}}\n', "a.jpg", "b.jpg", name="t.jsonl")
    with pytest.raises(UsageError, match=r"different classes, more than a manifest can name.*COLUMN:text"):
        find(tmp_path, name="t.jsonl", label_columns=("tags:multiclass",))


def test_options_that_need_a_table(tmp_path: Path) -> None:
    make(tmp_path, "path,label\nx/a.jpg,1\n", "x/a.jpg")
    for options in ({"group": "a"}, {"split_column": "a"}, {"path_column": "a"}, {"label_columns": ("a",)}):
        with pytest.raises(UsageError, match="needs a table"):
            find_examples(tmp_path / "photos", ConvertOptions(**options), None)
    with pytest.raises(UsageError, match="is a table of labels itself"):
        find_examples(tmp_path / "labels.csv", ConvertOptions(), tmp_path / "labels.csv")


def test_whole_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    make(tmp_path, "path,label,kind\nx/a.jpg,10,1;10\nx/b.jpg,2,2;b\n", "x/a.jpg", "x/b.jpg")
    table = find(tmp_path, label_columns=("label", "kind:multiclass")).example_table
    label, kind = table.features["label"], table.features["kind"]
    assert (label.class_names, label.class_order) == (["2", "10"], "number")
    assert (kind.class_names, kind.class_order) == (["1", "10", "2", "b"], "text")
    assert table.labels == {"label": [1, 0], "kind": [[0, 1], [2, 3]]}


def test_the_sample_table_with_all_its_faults(clothing: Path) -> None:
    found = find_examples(clothing, ConvertOptions(split_column="split"), clothing / "labels.csv")
    reasons = [reject.reason for reject in found.rejects]
    assert (reasons.count("vanished"), reasons.count("label_conflict"), len(reasons)) == (3, 5, 8)
    lines = (clothing / "labels.csv").read_text().splitlines()
    for reject in found.rejects:
        number = int(reject.detail.split("line ")[1].split(":")[0])
        assert Path(reject.path).stem in lines[number - 1]
    example_table = found.example_table
    assert len(example_table.files) == 521 - 5
    for i, file in enumerate(example_table.files):
        split, folder, _ = file.path.split("/")
        assert (example_table.splits[i], example_table.value("label", i).lower()) == (split, folder)
    assert example_table.features["label"].class_names[-1] == "T-Shirt"
    assert [reject.path for reject in found.ignored if reject.reason == "label_invalid"] == []
