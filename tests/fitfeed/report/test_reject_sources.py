"""Rejected files are found in their sources, and nothing else is read."""

import os
from pathlib import Path

import pytest

from fitfeed.converters.rejects import Reject, path_of_text, text_path
from fitfeed.report.reject_sources import CannotBeShownError, RejectSources, find_sources
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.manifest import Manifest, read_manifest
from fitfeed.schemas.manifest_parts import NamedSource


def reject(path: str) -> Reject:
    return Reject(path, "corrupt", "broken")


@pytest.fixture
def manifest(gray: Path) -> Manifest:
    return read_manifest(gray)


def several(manifest: Manifest, *names: str) -> Manifest:
    sources = [NamedSource(name=name, kind="folder", uri=None) for name in names]
    return manifest.model_copy(update={"sources": sources})


def test_a_file_is_read_from_the_source_or_beside_the_table(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").write_bytes(b"content")
    (tmp_path / "labels.csv").write_text("path,label")
    for given in (tmp_path, tmp_path / "labels.csv"):
        assert find_sources([str(given)], manifest).read(reject("a/x.jpg")) == b"content"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.jpg",
        "/etc/hostname",
        "out/secret.jpg",
        "link.jpg",
        "a/./x.jpg",
        "",
        "pipe",
        "folder",
        "a\\\udc80.jpg",
        "\\\ud800",
    ],
)
def test_a_list_of_rejects_leads_nowhere_else(path: str, manifest: Manifest, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (source / "out").symlink_to(tmp_path)
    (source / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    os.mkfifo(source / "pipe")
    with pytest.raises(CannotBeShownError):
        find_sources([str(source)], manifest).read(reject(path))


def test_a_file_that_is_gone_or_too_large_is_named_so(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = find_sources([str(tmp_path)], manifest)
    with pytest.raises(CannotBeShownError, match=r"^it is not in the source any more$"):
        sources.read(reject("gone.jpg"))
    monkeypatch.setattr("fitfeed.report.reject_sources.MAX_FILE_BYTES", 1 << 20)
    (tmp_path / "x.jpg").write_bytes(bytes(1 << 20))
    assert len(sources.read(reject("x.jpg"))) == 1 << 20
    (tmp_path / "x.jpg").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(CannotBeShownError, match="more than 1 MiB"):
        sources.read(reject("x.jpg"))


@pytest.mark.parametrize("name", [b"caf\xe9.jpg", b"back\\slash \xff.jpg", b"a\\x41.jpg", "été.jpg".encode()])
def test_names_that_are_not_text_are_found(name: bytes, manifest: Manifest, tmp_path: Path) -> None:
    path = os.fsdecode(name)
    (tmp_path / path).write_bytes(name)
    assert path in path_of_text(text_path(path))
    assert find_sources([str(tmp_path)], manifest).read(reject(text_path(path))) == name


def test_files_of_several_sources_are_told_apart(manifest: Manifest, tmp_path: Path) -> None:
    for name in ("photos", "site2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_bytes(name.encode())
    both = several(manifest, "photos", "site2")
    found = find_sources([str(tmp_path / "photos"), f"site2={tmp_path / 'site2'}"], both)
    assert (found.read(reject("x.jpg")), found.read(reject("site2/x.jpg"))) == (b"photos", b"site2")
    with pytest.raises(CannotBeShownError, match="its source photos was not given"):
        find_sources([str(tmp_path / "site2")], both).read(reject("x.jpg"))
    with pytest.raises(FitfeedError, match=r"no source 'x', but 'photos', 'site2'.*Write --source NAME="):
        find_sources([f"x={tmp_path}"], both)


def test_examples_of_a_dataset_have_no_file(manifest: Manifest) -> None:
    of = NamedSource(name="old", kind="dataset", uri=None)
    with pytest.raises(CannotBeShownError, match="example of a dataset"):
        RejectSources(manifest.model_copy(update={"sources": [of]}), {}).read(reject("x.jpg"))


def test_a_source_that_is_not_there(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(FitfeedError, match=r"does not exist\. Give the folder from which"):
        find_sources([str(tmp_path / "no")], manifest)


def test_a_source_may_be_given_once(manifest: Manifest, tmp_path: Path) -> None:
    """The only source of a dataset needs no name, so two folders would both be that one."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    two = several(manifest, "first", "second")
    find_sources([str(first), str(second)], two)
    with pytest.raises(
        FitfeedError, match=r"given twice. Received: --source \S+first --source \S+second\. Give"
    ):
        find_sources([str(first), str(second)], manifest)
    with pytest.raises(FitfeedError, match="source 'second' of the dataset was given twice"):
        find_sources([f"second={first}", str(second)], two)
