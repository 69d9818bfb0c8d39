"""Images that join a dataset which was made from a table: labels of several kinds, known and new classes."""

import csv
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.cli import main
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import TooManyRejectsError, UsageError
from fitfeed.schemas.manifest import Manifest, read_manifest
from tests.beam_jobs.growing import rejects
from tests.folders import contents
from tests.without_beam import convert

FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")
COLUMNS = ("species", "tags:multiclass", "height_cm:float", "petals:int", "note:text")
Row = dict[str, Any]
FIRST, ALL = range(16), range(26)


def row(number: int) -> Row:
    """The first 16 have other species and tags than the last ten, besides some in common."""
    species = ["rose", "tulip", "daisy"] if number < 16 else ["rose", "aster", "zinnia"]
    tags = ["red", "wild", "garden"] if number < 16 else ["red", "alpine", "blue"]
    return {
        "path": f"pictures/{number}.png",
        "set": ["train", "train", "val"][number % 3],
        "gardener": f"gardener {number % 5}",
        "species": species[number % 3],
        "tags": [tag for bit, tag in enumerate(tags) if number >> bit & 1],
        "height_cm": number / 7 - 1,
        "petals": number - 2**40,
        "note": f'No. {number}, "ü"\nsecond line' * (number % 3 + 1),
    }


def write(folder: Path, rows: list[Row], name: str = "labels.csv") -> Path:
    """Writes pictures and a table of them."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for each in rows:
        number = int(Path(each["path"]).stem)
        pixels = np.random.default_rng(number).integers(0, 256, (9, 8, 3), np.uint8)
        if not (folder / each["path"]).exists():
            Image.fromarray(pixels).save(folder / each["path"])
    table = folder / name
    if table.suffix == ".jsonl":
        table.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
        return table
    with table.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        for each in rows:
            writer.writerow({**each, "tags": json.dumps(each["tags"]), "height_cm": repr(each["height_cm"])})
    return table


def rows_of(numbers: range) -> list[Row]:
    return [row(number) for number in numbers]


def options(format_: Format = "tfrecord", **more: Any) -> ConvertOptions:
    chosen = {"split_column": "set", "label_columns": COLUMNS, "shards": 2, **more}
    return ConvertOptions(format=format_, **chosen)


def index_of(dataset: Path) -> dict[str, list[Row]]:
    """The rows of each split's index, as anyone reads them."""
    return {
        name: pa.ipc.open_file(str(dataset / split.index.file)).read_all().to_pylist()
        for name, split in read_manifest(dataset).splits.items()
    }


def names_of(manifest: Manifest, label: str) -> list[str]:
    names: list[str] = getattr(manifest.features.labels[label], "class_names")  # noqa: B009 - not all have it
    return names


def by_stock_readers(dataset: Path) -> dict[str, Row]:
    """The labels of every example by key, read by TensorFlow or h5py, classes by name."""
    manifest, found = read_manifest(dataset), {}
    species, tags = names_of(manifest, "species"), names_of(manifest, "tags")
    for path in sorted(dataset.glob("*.tfrecord")):
        for record in tf.data.TFRecordDataset(str(path)):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            found[features["key"].bytes_list.value[0].decode()] = {
                "species": species[features["species"].int64_list.value[0]],
                "tags": [tags[tag] for tag in features["tags"].int64_list.value],
                "height_cm": features["height_cm"].float_list.value[0],
                "petals": features["petals"].int64_list.value[0],
                "note": features["note"].bytes_list.value[0].decode(),
            }
    for path in sorted(dataset.glob("*.h5")):
        with h5py.File(path) as file:
            tag_ends, note_ends = file["tags_offset"][:], file["note_offset"][:]
            for i, key in enumerate(file["key"].asstr()[:]):
                found[key] = {
                    "species": species[file["species"][i]],
                    "tags": [tags[tag] for tag in file["tags"][tag_ends[i] : tag_ends[i + 1]]],
                    "height_cm": file["height_cm"][i],
                    "petals": file["petals"][i],
                    "note": file["note"][note_ends[i] : note_ends[i + 1]].tobytes().decode(),
                }
    return found


def assert_labels(dataset: Path, expected: list[Row]) -> None:
    """Every example has what its row says: by stock readers, by our records, and in the right split."""
    wanted = {each["path"]: each for each in expected}
    found = by_stock_readers(dataset)
    assert found.keys() == wanted.keys()
    ours = open_dataset(dataset)
    species, tags = names_of(ours.manifest, "species"), names_of(ours.manifest, "tags")
    for split in ours.splits:
        records = ours.records(split)
        for record in (records[i] for i in range(len(records))):
            right = wanted[record["key"]]
            named = {"species": species[record["species"]], "tags": [tags[tag] for tag in record["tags"]]}
            for labels in (found[record["key"]], {**record, **named}):
                assert labels["species"] == right["species"]
                assert sorted(labels["tags"]) == sorted(right["tags"])
                assert labels["height_cm"] == pytest.approx(right["height_cm"], rel=1e-6)
                assert (labels["petals"], labels["note"]) == (right["petals"], right["note"])


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("source", ["grown", "only the new", "lines"])
def test_the_whole_is_as_if_converted_at_once(tmp_path: Path, format_: Format, source: str) -> None:
    folder, dataset = tmp_path / "source", tmp_path / "dataset"
    convert(write(folder, rows_of(FIRST)), dataset, options(format_))
    before, rows = contents(dataset), index_of(dataset)
    shown = range(16, 26) if source == "only the new" else ALL
    table = write(folder, rows_of(shown), "more.jsonl" if source == "lines" else "labels.csv")
    conversion = convert(table, dataset, append=True)
    assert conversion.added == {"train": 7, "validation": 3}
    assert conversion.new_classes == ["aster", "zinnia"]

    manifest, after = conversion.manifest, contents(dataset)
    assert names_of(manifest, "species") == ["daisy", "rose", "tulip", "aster", "zinnia"]
    assert names_of(manifest, "tags") == ["garden", "red", "wild", "alpine", "blue"]
    assert all(after[name] == data for name, data in before.items() if "-of-" in name)
    for split, old in rows.items():
        assert index_of(dataset)[split][: len(old)] == old  # so labels, splits and row numbers stay
    assert_labels(dataset, rows_of(ALL))
    assert verify_dataset(dataset).ok

    at_once = convert(write(folder, rows_of(ALL)), tmp_path / "at_once", options(format_)).manifest
    for name in ("statistics", "rejects", "ignored", "duplicates", "options", "source"):
        assert getattr(manifest, name) == getattr(at_once, name), name
    for name, whole in at_once.splits.items():
        assert manifest.splits[name].examples == whole.examples
        counts = dict(zip(at_once.class_names, whole.class_counts, strict=True))
        assert dict(zip(manifest.class_names, manifest.splits[name].class_counts, strict=True)) == counts
    assert convert(table, dataset, append=True).up_to_date


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    "column", ["species", "petals:class", "tags:multiclass", "height_cm:float", "petals:int", "note:text"]
)
def test_a_single_label_of_each_kind(tmp_path: Path, format_: Format, column: str) -> None:
    folder, dataset = tmp_path / "source", tmp_path / "dataset"
    chosen = options(format_, label_columns=(column,))
    convert(write(folder, rows_of(FIRST)), dataset, chosen)
    rows = index_of(dataset)
    table = write(folder, rows_of(ALL))
    manifest = convert(table, dataset, append=True).manifest
    assert list(manifest.features.labels) == ["label"]
    assert all(index_of(dataset)[split][: len(old)] == old for split, old in rows.items())
    at_once = convert(table, tmp_path / "at_once", chosen).manifest
    assert manifest.statistics == at_once.statistics

    def labels(folder: Path, names: list[str]) -> dict[str, Any]:
        """By key; classes by name, since those that came later have other numbers."""
        found = {each["key"]: each["label"] for each in index_of(folder)["train"]}
        if not names:
            return found
        return {
            key: sorted(names[i] for i in label) if isinstance(label, list) else names[label]
            for key, label in found.items()
        }

    assert labels(dataset, manifest.class_names) == labels(tmp_path / "at_once", at_once.class_names)
    assert verify_dataset(dataset).ok


@pytest.mark.parametrize("more", [{"group": "gardener"}, {}])
def test_hash_splits_stay_and_groups_stay_together(tmp_path: Path, more: dict[str, Any]) -> None:
    folder, dataset = tmp_path / "source", tmp_path / "dataset"
    chosen = options(split={"train": 0.6, "validation": 0.4}, split_column=None, **more)
    convert(write(folder, rows_of(FIRST)), dataset, chosen)
    rows = index_of(dataset)
    assert {name: len(found) > 0 for name, found in rows.items()} == {"train": True, "validation": True}
    convert(write(folder, rows_of(ALL)), dataset, append=True)
    splits = {each["key"]: name for name, found in index_of(dataset).items() for each in found}
    assert {each["key"]: name for name, found in rows.items() for each in found}.items() <= splits.items()
    assert len(splits) == 26
    if more:
        of_group: dict[str, set[str]] = {}
        for each in rows_of(ALL):
            of_group.setdefault(each["gardener"], set()).add(splits[each["path"]])
        assert all(len(found) == 1 for found in of_group.values())
    convert(folder / "labels.csv", tmp_path / "at_once", chosen)
    at_once = {each["key"]: name for name, found in index_of(tmp_path / "at_once").items() for each in found}
    assert splits == at_once


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("species", "aster", "species rose, now aster"),
        ("tags", ["wild"], r"tags \[\], now \['wild'\]"),
        ("height_cm", -0.5, r"height_cm -1\.0, now -0\.5"),
        ("petals", 7, r"petals -1099511627776, now 7"),
        ("note", "changed", r'note No. 0, "ü"\\nsecond line, now changed'),
        ("set", "val", "split train, now validation"),
    ],
)
def test_a_known_row_must_say_the_same(tmp_path: Path, column: str, value: Any, message: str) -> None:
    folder, dataset = tmp_path / "source", tmp_path / "dataset"
    convert(write(folder, rows_of(FIRST)), dataset, options())
    before = contents(dataset)
    changed = rows_of(ALL)
    changed[0][column] = value
    with pytest.raises(UsageError, match=rf"1 files in SOURCE .*\n  pictures/0\.png: {message}\n"):
        convert(write(folder, changed), dataset, append=True)
    assert contents(dataset) == before


def test_other_columns_are_refused(tmp_path: Path) -> None:
    folder, dataset = tmp_path / "source", tmp_path / "dataset"
    table = write(folder, rows_of(FIRST))
    convert(table, dataset, options())
    refused: list[tuple[dict[str, Any], str]] = [
        ({"label_columns": ("species",)}, r"--label-column species \(it has species,tags:multiclass,"),
        ({"label_columns": (*COLUMNS[:4], "note:class")}, "--label-column .*note:class"),
        ({"split_column": None}, r"--split-column none \(it has set\)"),
        ({"path_column": "path"}, r"--path-column path \(it has none\)"),
        ({"group": "gardener"}, r"--group gardener \(it has none\)"),
    ]
    for given, named in refused:
        with pytest.raises(UsageError, match=f"made with other options: {named}"):
            convert(table, dataset, options(**given), append=True)
    narrow = [{name: each[name] for name in ("path", "set", "species")} for each in rows_of(ALL)]
    table.write_text("".join(json.dumps(each) for each in narrow[:1]))
    (folder / "narrow.jsonl").write_text("".join(json.dumps(each) + "\n" for each in narrow))
    with pytest.raises(UsageError, match="tags"):
        convert(folder / "narrow.jsonl", dataset, append=True)


def test_a_stratified_dataset_says_why_not(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    table = write(folder, rows_of(FIRST))
    chosen = options(split={"train": 0.6, "validation": 0.4}, split_column=None, stratify=True)
    convert(table, tmp_path / "strata", chosen)
    write(folder, rows_of(ALL))
    with pytest.raises(UsageError, match="divided with --stratify"):
        convert(table, tmp_path / "strata", append=True)


@pytest.mark.parametrize("format_", FORMATS)
def test_rows_at_fault_are_tolerated_once_and_repaired_ones_join(tmp_path: Path, format_: Format) -> None:
    folder, dataset = tmp_path / "source", tmp_path / "dataset"
    faulty = rows_of(FIRST)
    faulty[3]["height_cm"] = float("nan")
    (folder / "pictures").mkdir(parents=True)
    (folder / "pictures" / "5.png").write_bytes(b"not a picture")
    table = write(folder, faulty)
    convert(table, dataset, options(format_), max_bad=2)
    assert rejects(dataset) == {"pictures/3.png": "label_invalid", "pictures/5.png": "not_an_image"}
    faulty += rows_of(range(16, 20))
    conversion = convert(write(folder, faulty), dataset, append=True)  # those two were tolerated before
    assert sum((conversion.added or {}).values()) == 4
    faulty.append({**row(20), "petals": "many"})
    with pytest.raises(TooManyRejectsError, match=r"pictures/20\.png"):
        convert(write(folder, faulty), dataset, append=True)
    (folder / "pictures" / "5.png").unlink()
    conversion = convert(write(folder, rows_of(range(20))), dataset, append=True)
    assert sum((conversion.added or {}).values()) == 2
    assert rejects(dataset) == {}
    assert_labels(dataset, rows_of(range(20)))
    at_once = convert(folder / "labels.csv", tmp_path / "at_once", options(format_)).manifest
    assert conversion.manifest.statistics == at_once.statistics
    assert verify_dataset(dataset).ok


@pytest.mark.usefixtures("no_beam")
@pytest.mark.parametrize("format_", FORMATS)
def test_a_folder_with_a_table_beside_it(
    tmp_path: Path, format_: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, dataset = tmp_path / "source", str(tmp_path / "dataset")
    write(folder, rows_of(ALL))  # all pictures are there from the beginning, and get their rows later
    table = write(folder, rows_of(FIRST))
    columns = [part for column in COLUMNS for part in ("--label-column", column)]
    given = ["convert", str(folder), dataset, "--labels", str(table)]
    assert main([*given, *columns, "--split-column", "set", "--format", format_, "--quiet"]) == 0
    named_later = {each["path"]: "label_invalid" for each in rows_of(range(16, 26))}
    assert named_later.items() <= rejects(Path(dataset)).items()
    rows = index_of(Path(dataset))
    write(folder, rows_of(ALL))
    assert main([*given, "--append", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["added"] == {"train": 7, "validation": 3}
    assert document["new_classes"] == ["aster", "zinnia"]
    assert all(index_of(Path(dataset))[split][: len(old)] == old for split, old in rows.items())
    assert_labels(Path(dataset), rows_of(ALL))
    assert verify_dataset(Path(dataset)).ok
    assert main([*given, "--append"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert main(["convert", str(folder), dataset, "--append"]) == 2
    assert "--label-column needs a table of labels. Add --labels" in capsys.readouterr().err


def test_a_leak_through_a_table_is_found(tmp_path: Path) -> None:
    folder, dataset = tmp_path / "source", tmp_path / "dataset"
    convert(write(folder, rows_of(FIRST)), dataset, options(duplicates="drop"))
    more = [{**row(0), "path": "pictures/30.png"}, {**row(1), "path": "pictures/31.png", "petals": 9}]
    for number, each in enumerate(more):
        data = (folder / f"pictures/{number}.png").read_bytes()
        (folder / each["path"]).write_bytes(data)
    conversion = convert(write(folder, [*rows_of(FIRST), *more]), dataset, append=True, max_bad=1)
    assert rejects(dataset) == {"pictures/30.png": "duplicate", "pictures/31.png": "label_conflict"}
    assert conversion.manifest.duplicates.dropped == 2
