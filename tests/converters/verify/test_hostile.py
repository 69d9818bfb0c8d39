"""Datasets that mean harm: every SHA-256 is right, and each is refused without reading outside."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.manifest import MANIFEST_NAME, REJECTS_NAME, read_manifest
from tests.converters.damage import reseal
from tests.effort import tries

ROOT = Path(__file__).parents[3]


def hide(file: Any, name: str) -> Any:
    """Removes a data set; returns its values."""
    values = file[name][:]
    del file[name]
    return values


def external_link(file: Any, outside: Path) -> None:
    hide(file, "label")
    file["label"] = h5py.ExternalLink(str(outside), "label")


def soft_link(file: Any, outside: Path) -> None:
    file["elsewhere"] = hide(file, "label")
    file["label"] = h5py.SoftLink("/elsewhere")


def external_storage(file: Any, outside: Path) -> None:
    count = len(hide(file, "label"))
    file.create_dataset("label", (count,), "<i8", external=[(str(outside), 0, 8 * count)])


def virtual(file: Any, outside: Path) -> None:
    count = len(hide(file, "label"))
    layout = h5py.VirtualLayout(shape=(count,), dtype="<i8")
    layout[:] = h5py.VirtualSource(str(outside), "label", shape=(count,))
    file.create_virtual_dataset("label", layout)


def virtual_without_end(file: Any, outside: Path) -> None:
    # To tell its shape, HDF5 would open the other file.
    count = len(hide(file, "label"))
    layout = h5py.VirtualLayout(shape=(count,), dtype="<i8", maxshape=(None,))
    source = h5py.VirtualSource(str(outside), "label", shape=(count,), maxshape=(None,))
    layout[: h5py.h5s.UNLIMITED] = source[: h5py.h5s.UNLIMITED]
    file.create_virtual_dataset("label", layout)


def filtered(file: Any, outside: Path) -> None:
    values = hide(file, "label")
    file.create_dataset("label", data=values, compression="gzip")


def chunked(file: Any, outside: Path) -> None:
    values = hide(file, "label")
    file.create_dataset("label", data=values, chunks=(1,))


def variable_text(file: Any, outside: Path) -> None:
    values = hide(file, "key")
    file.create_dataset("key", data=list(values), dtype=h5py.string_dtype())


def variable_numbers(file: Any, outside: Path) -> None:
    count = len(hide(file, "label"))
    file.create_dataset("label", (count,), h5py.vlen_dtype(np.int64))


def references(file: Any, outside: Path) -> None:
    count = len(hide(file, "label"))
    file.create_dataset("label", (count,), h5py.ref_dtype)


def pickled(file: Any, outside: Path) -> None:
    values = hide(file, "key")
    file.create_dataset("key", data=np.void(pickle.dumps(list(values))))


def compound(file: Any, outside: Path) -> None:
    count = len(hide(file, "label"))
    file.create_dataset("label", (count,), np.dtype([("a", "<i8"), ("b", "<i8")]))


def group(file: Any, outside: Path) -> None:
    hide(file, "label")
    file.create_group("label")


def named_type(file: Any, outside: Path) -> None:
    hide(file, "label")
    file["label"] = np.dtype("<i8")


def missing(file: Any, outside: Path) -> None:
    hide(file, "label")


def other_count(file: Any, outside: Path) -> None:
    values = hide(file, "label")
    file.create_dataset("label", data=[*values, 0])


def absurd_shape(file: Any, outside: Path) -> None:
    hide(file, "label")
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    space = h5py.h5s.create_simple((1 << 40,))
    h5py.h5d.create(file.id, b"label", h5py.h5t.STD_I64LE, space, plist)


def no_value(file: Any, outside: Path) -> None:
    hide(file, "label")
    file["label"] = h5py.Empty("<i8")


def enormous_text(file: Any, outside: Path) -> None:
    count = len(hide(file, "key"))
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    space = h5py.h5s.create_simple((count,))
    text = h5py.h5t.C_S1.copy()
    text.set_size(1 << 30)
    h5py.h5d.create(file.id, b"key", text, space, plist)


def other_image(file: Any, outside: Path) -> None:
    del file["image"]
    file.create_dataset("image", data=np.zeros(5, np.uint8))


SHARDS: list[Callable[[Any, Path], None]] = [
    external_link,
    soft_link,
    external_storage,
    virtual,
    virtual_without_end,
    filtered,
    chunked,
    variable_text,
    variable_numbers,
    references,
    pickled,
    compound,
    group,
    named_type,
    missing,
    other_count,
    absurd_shape,
    no_value,
    enormous_text,
    other_image,
]


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Outside the dataset; whoever opens it waits for ever."""
    path = tmp_path / "outside"
    os.mkfifo(path)
    return path


def verified_in_time(folder: Path) -> str:
    """Verifies in a process of its own, which can be stopped when it waits."""
    program = "import sys; from fitfeed.cli import main; sys.exit(main(['verify', sys.argv[1], '--quiet']))"
    result = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 5, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("change", SHARDS, ids=lambda change: change.__name__)
def test_hdf5_of_another_structure(hdf5: Path, change: Callable[[Any, Path], None], pipe: Path) -> None:
    shard = hdf5 / read_manifest(hdf5).splits["train"].shards[0].file
    with h5py.File(shard, "r+") as file:
        change(file, pipe)
    reseal(hdf5)
    structure = [finding for finding in verify_dataset(hdf5).findings if finding.kind == "structure"]
    assert [finding.file for finding in structure] == [shard.name]
    assert "'" in structure[0].detail


@pytest.mark.slow
def test_hdf5_that_leads_outside_is_not_followed(hdf5: Path, pipe: Path) -> None:
    names = [shard.file for split in read_manifest(hdf5).splits.values() for shard in split.shards]
    leading_out = (external_link, external_storage, virtual, virtual_without_end)
    for name, change in zip(names, leading_out, strict=True):
        with h5py.File(hdf5 / name, "r+") as file:
            change(file, pipe)
    reseal(hdf5)
    assert verified_in_time(hdf5).count("structure") == 4


@pytest.mark.slow
def test_no_pipe_is_opened(tfrecord: Path) -> None:
    listed = [entry.file for entry in read_manifest(tfrecord).files()]
    for name in listed:
        (tfrecord / name).unlink()
        os.mkfifo(tfrecord / name)
    assert verified_in_time(tfrecord).count("is not a regular file") == len(listed)
    (tfrecord / MANIFEST_NAME).unlink()
    os.mkfifo(tfrecord / MANIFEST_NAME)
    assert "is not a regular file" in verified_in_time(tfrecord)


def test_links_out_of_the_folder_are_refused_and_links_inside_followed(dataset: Path, tmp_path: Path) -> None:
    away, inside = tmp_path / "away", dataset / "real"
    away.mkdir()
    inside.mkdir()
    for entry in read_manifest(dataset).files():
        path = dataset / entry.file
        path.rename(away / entry.file)
        path.symlink_to(away / entry.file)
        [finding] = verify_dataset(dataset).findings
        assert (finding.file, finding.kind) == (entry.file, "missing")
        assert "out of the dataset's folder" in finding.detail
        path.unlink()
        (away / entry.file).rename(inside / entry.file)
        path.symlink_to(Path("real", entry.file))
        assert verify_dataset(dataset).ok
    manifest = dataset / MANIFEST_NAME
    manifest.rename(away / MANIFEST_NAME)
    manifest.symlink_to(away / MANIFEST_NAME)
    assert "out of the dataset's folder" in verify_dataset(dataset).findings[0].detail


def test_a_folder_may_itself_be_a_link(tfrecord: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tfrecord)
    assert verify_dataset(tmp_path / "link").ok


def test_names_cannot_change_the_terminal(tfrecord: Path) -> None:
    (tfrecord / "\x1b[2J-of-\n.tfrecord").touch()
    [finding] = verify_dataset(tfrecord).findings
    assert finding.file == "\\x1b[2J-of-\\n.tfrecord"


def test_a_record_that_claims_more_than_there_is(tfrecord: Path) -> None:
    from fitfeed.schemas.tfrecord import masked_crc32c

    shard = tfrecord / read_manifest(tfrecord).splits["train"].shards[0].file
    for length in (1 << 20, 1 << 40, (1 << 64) - 1):
        header = length.to_bytes(8, "little")
        shard.write_bytes(header + masked_crc32c(header).to_bytes(4, "little") + shard.read_bytes()[12:])
        reseal(tfrecord)
        [finding] = [finding for finding in verify_dataset(tfrecord).findings if finding.file == shard.name]
        assert (finding.kind, finding.example, finding.offset) == ("disagrees", 0, 0)


def test_rejects_that_never_end(tfrecord: Path) -> None:
    (tfrecord / REJECTS_NAME).write_bytes(b'{"path": "' + b"x" * (3 << 20))
    reseal(tfrecord)
    assert {finding.kind for finding in verify_dataset(tfrecord).findings} == {"rejects"}


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=tries(40))
@given(st.data())
def test_any_bytes_under_a_right_digest_give_a_report(dataset: Path, data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from(read_manifest(dataset).files()))
    path, manifest = dataset / entry.file, (dataset / MANIFEST_NAME).read_bytes()
    original = path.read_bytes()
    content = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(content) - 1))
        patch = data.draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, bytes(8)]))
        content[start : start + len(patch)] = patch
    try:
        path.write_bytes(content[: data.draw(st.just(len(content)) | st.integers(0, len(content)))])
        reseal(dataset)
        report = verify_dataset(dataset)
        assert all("\n" not in finding.detail for finding in report.findings)
    finally:
        path.write_bytes(original)
        (dataset / MANIFEST_NAME).write_bytes(manifest)
