"""The manifest: published schema, fingerprint, refusals."""

import json
import shutil
from pathlib import Path

import jsonschema
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.schemas.errors import (
    DamagedDatasetError,
    FitfeedError,
    FormatVersionError,
    IncompleteDatasetError,
    NotFoundError,
    UsageError,
)
from fitfeed.schemas.manifest import (
    MANIFEST_NAME,
    Manifest,
    fingerprint_of,
    json_schema,
    read_as_one,
    read_manifest,
)
from fitfeed.schemas.storage.local import LocalPlace
from tests.effort import tries

SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "manifest.schema.json"


@pytest.fixture
def copy(dataset_tfrecord: Path, tmp_path: Path) -> Path:
    shutil.copy(dataset_tfrecord / MANIFEST_NAME, tmp_path)
    return tmp_path


def edit(folder: Path, change) -> None:  # type: ignore[no-untyped-def]
    path = folder / MANIFEST_NAME
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.skipif(
    pydantic.VERSION.startswith("2.9."),
    reason="pydantic 2.9 writes `enum` beside `const`, and no limits of names",
)
def test_published_schema_is_current() -> None:
    # To regenerate: python -m fitfeed.schemas.manifest
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema()


def test_real_manifest_follows_the_published_schema(dataset_tfrecord: Path, dataset_raw_hdf5: Path) -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for dataset in (dataset_tfrecord, dataset_raw_hdf5):
        jsonschema.validate(json.loads((dataset / MANIFEST_NAME).read_text()), schema)


def test_round_trip(dataset_tfrecord: Path) -> None:
    manifest = read_manifest(dataset_tfrecord)
    assert manifest.to_json() == (dataset_tfrecord / MANIFEST_NAME).read_text()
    assert manifest.fingerprint == fingerprint_of(manifest)


def test_holds_nothing_of_this_machine(dataset_tfrecord: Path, clothing: Path) -> None:
    text = (dataset_tfrecord / MANIFEST_NAME).read_text()
    assert str(clothing) not in text
    assert str(dataset_tfrecord) not in text


@pytest.mark.parametrize("name", ["../x.tfrecord", "/etc/passwd", "a/b", ".hidden", "", "a\\b", "x\0", "x\n"])
def test_paths_out_of_the_folder_are_refused(copy: Path, name: str) -> None:
    edit(copy, lambda content: content["splits"]["train"]["shards"][0].update(file=name))
    with pytest.raises(DamagedDatasetError, match=r"splits\.train\.shards\.0\.file"):
        read_manifest(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["splits"]["train"].update(examples=5), "examples is 5"),
        (lambda c: c["splits"]["train"].update(examples=-1), "examples"),
        (lambda c: c["splits"]["train"].update(bytes=1), "bytes is 1"),
        (lambda c: c["splits"]["train"]["class_counts"].append(0), "counts 11 classes"),
        (lambda c: c["splits"]["train"].update(examples="391"), "valid integer"),
        (lambda c: c["statistics"]["mean"].__setitem__(0, 1.0), "the histogram gives"),
        (lambda c: c["statistics"].update(pixels=5), "pixels 5, but the histogram gives"),
        (lambda c: c["splits"]["train"]["histogram"][0].pop(), "256 bins"),
        (lambda c: c["splits"]["test"]["histogram"][0].pop(), "256 bins"),
        (lambda c: c["splits"]["train"]["histogram"].pop(), "'train' has 2 channels"),
        (lambda c: c["splits"]["test"].update(histogram=["7:9999999"] * 3), "is of 16 bits"),
        (lambda c: c["splits"]["test"].update(histogram=[[1, *[0] * 255]] * 3), r"count \[1\] pixels"),
        (lambda c: c["splits"]["test"]["histogram"][0].__setitem__(0, 2**40), "channels of the histogram"),
        (lambda c: c["splits"]["test"]["histogram"].clear(), "channels of the histogram"),
        (lambda c: c.update(extra=1), "extra"),
        (lambda c: c.pop("splits"), "splits"),
        (lambda c: c.update(splits={}), "splits"),
        (lambda c: c["features"]["label"]["class_names"].reverse(), "do not ascend by text"),
        (lambda c: c["features"]["label"]["class_names"].__setitem__(0, "hat"), "occurs twice"),
        (lambda c: c["features"]["label"].update(class_order="number"), "do not ascend by number"),
        (lambda c: c["features"]["label"].update(class_order="given"), "fingerprint"),
        (lambda c: c["features"]["label"].update(class_order="age"), "class_order"),
        (lambda c: c["sources"].clear(), "sources"),
        (lambda c: c["depths"].update({"8": 3}), "depths count 3 images"),
        (lambda c: c["depths"].update({"16": 1}), "depths count"),
        (lambda c: c["depths"].update({"17": 1}), "depths"),
        (lambda c: c["depths"].update({"x": 1}), "depths"),
        (lambda c: c["profiles"].update({"sRGB": 9999}), "profiles 9999"),
        (lambda c: c.update(largest_value=255), "largest_value is 255, but the histograms give None"),
        (lambda c: c["sources"][0].update(uri="/home/anna/photos"), r"sources\.0\.uri"),
        (lambda c: c["sources"][0].update(kind="tape"), r"sources\.0\.kind"),
        (lambda c: c["features"]["image"].update(shape=[None, 8, 3]), "cannot have shape"),
        (lambda c: c["features"]["image"].update(encoding="raw"), "cannot have shape"),
        (lambda c: c["features"]["image"].update(shape=[2**31, 2**31, 3]), "less than or equal"),
        (lambda c: c["statistics"].update(images=3), "count 3 images"),
        (lambda c: c["statistics"].update(split="test"), "not that split"),
        (lambda c: c["rejects_file"].update(file="manifest.json"), "'manifest.json' is named twice"),
        (
            lambda c: c["rejects_file"].update(file=c["splits"]["train"]["index"]["file"]),
            "is named twice",
        ),
        (lambda c: c["splits"]["train"]["shards"][0].update(bytes=2**63), "less than or equal"),
        (lambda c: c["splits"]["train"]["class_counts"].__setitem__(0, 10**400), "class_counts"),
        (lambda c: c["splits"]["train"]["histogram"][0].__setitem__(0, 2**63), "less than or equal"),
        (lambda c: c["splits"].update({"a\nb": c["splits"]["train"]}), r"a\\nb"),
        (lambda c: c["splits"].update(train=[]), "splits.train"),
        (lambda c: c.update(format_version="1"), "format_version is '?1"),
        (lambda c: c.update(format_version=True), "format_version"),
        (lambda c: c.update(format_version=0), "format_version is 0"),
        (lambda c: c.pop("format_version"), "format_version is None"),
        (lambda c: c.update(format_version={"x" * 10_000: 1}), "format_version is"),
    ],
)
def test_contradictions_are_found(copy: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    edit(copy, change)
    with pytest.raises(DamagedDatasetError, match=message) as caught:
        read_manifest(copy)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (1, "was made by an earlier fitfeed; convert again, .* format version 1, expected 2"),
        (3, "was made by a later fitfeed; .* format version 3, expected 2"),
    ],
)
def test_other_versions_are_named(copy: Path, version: int, message: str) -> None:
    edit(copy, lambda content: content.update(format_version=version))
    with pytest.raises(FormatVersionError, match=message) as caught:
        read_manifest(copy)
    assert str(caught.value).startswith(str(copy))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1, "a": 1}', b"1e999", b"7" * 9999],
)
def test_not_json(tmp_path: Path, text: bytes) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(text)
    with pytest.raises(DamagedDatasetError, match="not JSON"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", [b"[]", b"null", b'"text"', b"1", b"{}", b'{"format_version": null}'])
def test_json_but_no_manifest(tmp_path: Path, text: bytes) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes(text)
    with pytest.raises(DamagedDatasetError, match="not a valid manifest"):
        read_manifest(tmp_path)


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / MANIFEST_NAME).open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(DamagedDatasetError, match="more than 16 MiB"):
        read_manifest(tmp_path)


def test_a_key_twice(copy: Path) -> None:
    path = copy / MANIFEST_NAME
    path.write_text(path.read_text().replace('"format":', '"format": "hdf5", "format":', 1))
    with pytest.raises(DamagedDatasetError, match="the key 'format' twice"):
        read_manifest(copy)


def test_a_nest_of_options(copy: Path) -> None:
    for depth in (50, 150, 300, 900):
        nest: object = 1
        for _ in range(depth):
            nest = [nest]
        edit(copy, lambda content, nest=nest: content.update(options={"a": nest}))
        with pytest.raises(DamagedDatasetError):
            read_manifest(copy)


ODD: st.SearchStrategy[object] = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        2**31,
        2**53,
        2**63,
        2**64,
        10**400,
        1.5,
        1e308,
        "",
        "../x",
        "/x",
        "\0",
        "a\nb",
        [],
        {},
        [[]],
    ]
)


def mutate(content: object, data: st.DataObject) -> object:
    """Replaces, removes or adds something at a random place."""
    if isinstance(content, dict) and content and data.draw(st.booleans() | st.just(True)):
        key = data.draw(st.sampled_from(sorted(content)))
        kind = data.draw(st.sampled_from(["into", "into", "into", "remove", "rename"]))
        if kind == "into":
            return {**content, key: mutate(content[key], data)}
        rest = {name: value for name, value in content.items() if name != key}
        return rest if kind == "remove" else {**rest, data.draw(st.text(max_size=5)): content[key]}
    if isinstance(content, list) and content and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(content) - 1))
        return [*content[:at], mutate(content[at], data), *content[at + 1 :]]
    if isinstance(content, list):
        return [*content, *content] if data.draw(st.booleans()) else content[1:]
    return data.draw(ODD | st.integers() | st.text(max_size=5))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tries(300))
@given(st.data())
def test_any_change_gives_the_same_or_an_error(
    dataset_tfrecord: Path, copy: Path, data: st.DataObject
) -> None:
    original = json.loads((dataset_tfrecord / MANIFEST_NAME).read_text())
    changed = mutate(original, data)
    (copy / MANIFEST_NAME).write_text(json.dumps(changed))
    message = ""
    try:
        manifest = read_manifest(copy)
        assert json.loads(manifest.to_json()) == original
    except FitfeedError as error:
        message = str(error)
    assert "\n" not in message


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        read_manifest(tmp_path / "nothing")
    with pytest.raises(UsageError, match="not a fitfeed dataset"):
        read_manifest(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        read_manifest(tmp_path / "file")
    (tmp_path / ".work").mkdir()
    with pytest.raises(IncompleteDatasetError, match="unfinished"):
        read_manifest(tmp_path)


def test_files_of_one_manifest_are_read_though_another_one_comes(
    dataset_tfrecord: Path, dataset_raw_hdf5: Path, copy: Path
) -> None:
    """An append that settles takes away a file between the manifest and the file."""
    seen: list[Manifest] = []

    def read(manifest: Manifest) -> str:
        seen.append(manifest)
        if len(seen) == 1:
            (copy / MANIFEST_NAME).unlink()
            shutil.copy(dataset_raw_hdf5 / MANIFEST_NAME, copy)
            raise DamagedDatasetError("train.append.index.arrow is missing")
        return manifest.fingerprint

    assert read_as_one(LocalPlace(copy), read) == read_manifest(dataset_raw_hdf5).fingerprint
    assert seen[0] == read_manifest(dataset_tfrecord)


def test_damage_of_one_manifest_is_damage(copy: Path) -> None:
    calls: list[Manifest] = []

    def read(manifest: Manifest) -> None:
        calls.append(manifest)
        raise DamagedDatasetError("train.index.arrow is missing")

    with pytest.raises(DamagedDatasetError, match="is missing"):
        read_as_one(LocalPlace(copy), read)
    assert len(calls) == 1
