"""The files that TensorFlow Datasets writes beside its shards, and others of these names."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.sources.tfds_json import (
    NamedFeature,
    TfdsFeature,
    class_names,
    is_tfds_folder,
    read_features,
    read_info,
)
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.local import LocalPlace


def write(folder: Path, features: Any, info: Any) -> LocalPlace:
    for name, content in (("features.json", features), ("dataset_info.json", info)):
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return LocalPlace(folder)


def of_dict(**features: Any) -> dict[str, Any]:
    return {"pythonClassName": "x.FeaturesDict", "featuresDict": {"features": features}}


LABEL = {"pythonClassName": "a.b.ClassLabel", "classLabel": {"numClasses": "3"}}


def named(folder: Path, **features: Any) -> list[NamedFeature]:
    return read_features(write(folder, of_dict(**features), {}))


def test_both_files_make_it_one(tmp_path: Path) -> None:
    place = LocalPlace(tmp_path)
    assert not is_tfds_folder(place)
    (tmp_path / "dataset_info.json").write_text("{}")
    assert not is_tfds_folder(place)  # that of Hugging Face
    (tmp_path / "features.json").write_text("{}")
    assert is_tfds_folder(place)


def test_nested_features_have_names_of_two_kinds(tmp_path: Path) -> None:
    inner = of_dict(**{"c/d": LABEL, "e": LABEL})
    found = named(tmp_path, a=LABEL, b=of_dict(f=inner))
    assert [each[:2] for each in found] == [("a", "a"), ("b/f/c/d", "b-f-c.d"), ("b/f/e", "b-f-e")]
    assert found[0].feature.class_name == "ClassLabel"


def test_classes_are_those_of_the_file(tmp_path: Path) -> None:
    (label,) = named(tmp_path, label=LABEL)
    place = LocalPlace(tmp_path)
    assert class_names(place, label) == ["0", "1", "2"]
    file = tmp_path / "label.labels.txt"
    file.write_text(" ü\n\nold dog \nc\n")
    assert class_names(place, label) == ["ü", "old dog", "c"]
    for text in ("a\nb\n", "a\na\nb\n", ""):
        file.write_text(text)
        with pytest.raises(UsageError, match=r"label\.labels\.txt.* has . names.*Restore it"):
            class_names(place, label)
    file.write_bytes(b"\xff\n")
    with pytest.raises(UsageError, match="is not as TensorFlow Datasets"):
        class_names(place, label)
    file.unlink()
    unknown = label._replace(feature=TfdsFeature.model_validate({**LABEL, "classLabel": {}}))
    with pytest.raises(UsageError, match=r"label\.labels\.txt is missing"):
        class_names(place, unknown)


def test_classes_as_fitfeed_writes_them(tmp_path: Path) -> None:
    content = {"pythonClassName": "a.ClassLabel", "jsonFeature": {"json": '{"names": ["a", " b"]}'}}
    (label,) = named(tmp_path, label=content)
    assert class_names(LocalPlace(tmp_path), label) == ["a", " b"]
    names = ('["a", "a"]', "[]", '"abc"', "[1]", '["\\ud800"]', '[["a"]]')
    for text in ("{}", "[", "3", *(f'{{"names": {each}}}' for each in names)):
        broken = TfdsFeature.model_validate({**content, "jsonFeature": {"json": text}})
        with pytest.raises(UsageError, match="is not as TensorFlow Datasets"):
            class_names(LocalPlace(tmp_path), label._replace(feature=broken))


def test_text_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    """JSON can escape half of a character, and UTF-8 has none."""
    half = "[\\ud800]"  # as JSON
    for features in (f'{{"pythonClassName": "{half}"}}', json.dumps(of_dict(**{"\ud800": LABEL}))):
        with pytest.raises(UsageError, match=r"features\.json is not as .*surrogates not allowed"):
            read_features(write(tmp_path, features, {}))
    with pytest.raises(UsageError, match=r"dataset_info\.json is not as .*surrogates not allowed"):
        read_info(write(tmp_path, {}, f'{{"name": "{half}"}}'))


def test_too_much_is_refused(tmp_path: Path) -> None:
    few = {f"n{number}": LABEL for number in range(1000)}
    assert len(named(tmp_path, **few)) == 1000
    with pytest.raises(UsageError, match="has more than 1000 features"):
        named(tmp_path, **few, more=LABEL)
    assert len(named(tmp_path, **{"a" * 1000: LABEL})) == 1
    for features in ({"a" * 1001: LABEL}, {"a" * 600: of_dict(**{"b" * 600: LABEL})}):
        with pytest.raises(UsageError, match=r"has a name of more than 1000 characters: 'a+\.\.\.'") as error:
            named(tmp_path, **features)
        assert len(str(error.value)) < 500
    (label,) = named(tmp_path, label={"pythonClassName": "a.ClassLabel"})
    (tmp_path / "label.labels.txt").write_text("\n".join(map(str, range(100_001))))
    with pytest.raises(UsageError, match="has 100001 names"):
        class_names(LocalPlace(tmp_path), label)


def test_a_folder_that_cannot_be_looked_at_is_not_one_of_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: LocalPlace, name: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self.path / name))

    monkeypatch.setattr(LocalPlace, "find", failing)
    with pytest.raises(UsageError, match=r"cannot read SOURCE .*features\.json: Permission denied"):
        is_tfds_folder(LocalPlace(tmp_path))


def test_the_defaults_of_the_info(tmp_path: Path) -> None:
    info = read_info(write(tmp_path, {}, {"splits": [{"name": "train", "shardLengths": ["2", 3]}]}))
    assert info.splits[0].shard_lengths == (2, 3)
    assert info.splits[0].filepath_template == "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    assert (info.file_format, info.supervised_keys.names) == ("tfrecord", ("", ""))
    old = read_info(write(tmp_path, {}, {"supervisedKeys": {"input": "image", "output": "label"}}))
    assert old.supervised_keys.names == ("image", "label")


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{", "null", '{"type": "x", "content": {}}', '{"pythonClassName": 3}', "[" * 100_000),
        '{"pythonClassName": "x", "featuresDict": {"features": {"a": 1}}}',
    ],
)
def test_files_of_others_are_named(tmp_path: Path, text: str) -> None:
    place = write(tmp_path, text, text)
    with pytest.raises(
        UsageError, match=r"features\.json is not as TensorFlow Datasets .*docs/from-tfds\.md"
    ):
        read_features(place)
    if "{" not in text[:1] or text == "{":
        with pytest.raises(UsageError, match=r"dataset_info\.json is not as"):
            read_info(place)
    (tmp_path / "features.json").unlink()
    with pytest.raises(UsageError, match=r"features\.json is missing"):
        read_features(place)
