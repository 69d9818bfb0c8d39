"""Printed h5py programs, executed, against the values that were written."""

import fcntl
import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from fitfeed.converters.inspect.reader.hdf5_code import hdf5_reader
from fitfeed.converters.inspect.report import ForeignFeature
from tests.converters.inspect.reader.programs import hdf5_names, run

RANDOM = np.random.default_rng(0)


def pixels(*shape: int) -> Any:
    return RANDOM.integers(0, 256, shape, np.uint8)


def png(image: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


WRITTEN = [pixels(6, 7 + i, 3) for i in range(5)]


def store(file: Any, kind: str, encoded: list[bytes]) -> None:
    if kind.startswith("variable"):
        made = file.create_dataset("images", (5,), h5py.vlen_dtype(np.dtype(kind.split()[1])))
        for i, one in enumerate(encoded):
            made[i] = np.frombuffer(one, made.dtype.metadata["vlen"])
    elif kind == "opaque":
        longest = max(map(len, encoded))
        file["images"] = np.array([one.ljust(longest, b"\0") for one in encoded], f"V{longest}")
    elif kind == "strings":
        file["images"] = np.array(encoded, h5py.string_dtype("ascii", max(map(len, encoded))))
    else:
        file["images"] = np.frombuffer(b"".join(encoded), np.int8 if kind == "joined int8" else np.uint8)
        file["image_offset"] = np.cumsum([0, *map(len, encoded)])


@pytest.mark.parametrize(
    "kind", ["variable uint8", "variable int8", "opaque", "strings", "joined uint8", "joined int8"]
)
def test_encoded_images(tmp_path: Path, kind: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        store(file, kind, [png(one) for one in WRITTEN])
    report, names = hdf5_names(tmp_path / "a.h5")
    (found,) = (feature for feature in report.features if feature.name == "/images")
    assert "png" in str(found.images) + str(found.note).lower()
    for i, one in enumerate(WRITTEN):
        np.testing.assert_array_equal(names["read_images"](i), one)
    names["file"].close()


@pytest.mark.parametrize("kind", ["opaque", "uint8", "int8"])
@pytest.mark.parametrize("count", [3, 20])
def test_an_encoded_image_in_each_data_set(tmp_path: Path, kind: str, count: int) -> None:
    written = {f"/cat/{i}.png": pixels(5, 6, 3) for i in range(count)}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, one in written.items():
            encoded = png(one)
            file[name] = np.void(encoded) if kind == "opaque" else np.frombuffer(encoded, kind)
    _, names = hdf5_names(tmp_path / "a.h5")
    if count == 20:
        read = dict(names["read_cat_png"]())
    else:
        read = {name: names[f"read_cat_{i}_png"]() for i, name in enumerate(written)}
    assert read.keys() == written.keys()
    for name, one in written.items():
        np.testing.assert_array_equal(read[name], one)


@pytest.mark.parametrize("channels", [3, 4])
def test_colors_of_16_bits(tmp_path: Path, channels: int) -> None:
    written = RANDOM.integers(0, 65536, (5, 6, channels), np.uint16)
    order = [2, 1, 0, 3][:channels]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = cv2.imencode(".png", written[..., order])[1].ravel()
    _, names = hdf5_names(tmp_path / "a.h5")
    np.testing.assert_array_equal(names["read_image"](), written)


def test_channels_first(tmp_path: Path) -> None:
    written = pixels(4, 6, 7, 3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = written.transpose(0, 3, 1, 2)
    _, names = hdf5_names(tmp_path / "a.h5")
    for i in range(4):
        np.testing.assert_array_equal(names["read_images"](i), written[i])


@pytest.mark.parametrize("is_last", [True, False])
def test_matlab(tmp_path: Path, is_last: bool) -> None:
    """MATLAB's array of height x width x channels x examples has the axes in reverse in HDF5; some have examples first."""
    path, written = tmp_path / "a.mat", pixels(8, 6, 7, 3)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["images"] = written.transpose(3, 2, 1, 0) if is_last else written.transpose(0, 3, 2, 1)
        file["labels"] = np.arange(8.0).reshape(1, 8)
        cells = file.create_dataset("names", (1, 2), h5py.ref_dtype)
        for i, name in enumerate(["cat", "Käfer"]):
            text = file.create_dataset(f"#refs#/{i}", data=np.array([[ord(c)] for c in name], np.uint16))
            text.attrs["MATLAB_class"] = np.bytes_("char")
            cells[0, i] = text.ref
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")
    report, names = hdf5_names(path)
    assert report.content == "matlab"
    assert [feature.name for feature in report.features] == ["/images", "/labels", "/names"]
    for i in range(8):
        expected = written[i].transpose(0, 1, 2) if not is_last else written[i]
        np.testing.assert_array_equal(names["read_images"](i), expected)
    assert names["read_labels"]().ravel().tolist() == list(range(8))
    assert names["read_names"]() == ["cat", "Käfer"]


def test_a_group_for_each_image(tmp_path: Path) -> None:
    written = {f"/img_{i:03}/image": pixels(5, 6, 3) for i in range(30)}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for i, (name, one) in enumerate(written.items()):
            file[name] = one
            file[f"/img_{i:03}"].attrs["label"] = i % 3
        file["other"] = 1
        file["soft"] = h5py.SoftLink("/nowhere")
    report, names = hdf5_names(tmp_path / "a.h5")
    assert len(report.parser.splitlines()) < 40
    read = dict(names["read_img_image"]())
    assert read.keys() == written.keys()
    for name, one in written.items():
        np.testing.assert_array_equal(read[name], one)


def test_virtual_data_sets(tmp_path: Path) -> None:
    written = pixels(4, 6, 6, 3)
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["x"] = written
    with h5py.File(tmp_path / "a.h5", "w") as file:
        layout = h5py.VirtualLayout((4, 6, 6, 3), np.uint8)
        layout[:] = h5py.VirtualSource(tmp_path / "part.h5", "x", (4, 6, 6, 3))
        file.create_virtual_dataset("images", layout)
    report, names = hdf5_names(tmp_path / "a.h5")
    assert report.features[0].shape == (4, 6, 6, 3)
    np.testing.assert_array_equal(names["images"][:], written)


def test_labels_names_and_what_is_empty(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["labels"], file["scalar"], file["names"] = np.arange(5), 7, ["a", "b"]
        file["none_yet"] = np.zeros((0, 4, 4, 3), np.uint8)
        file["nothing"] = h5py.Empty("f4")
        file[b"gr\xf6n"] = [1, 2]
    report, names = hdf5_names(tmp_path / "a.h5")
    assert names["labels"][:].tolist() == list(range(5))
    assert names["scalar"][()] == 7
    assert names["names"][1] == b"b"
    assert names["gr_xf6n"][1] == 2
    assert "none_yet[0]" not in report.parser


def test_a_filter_of_hdf5plugin_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((50,))
        plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
        made = h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((50,)), plan)
        made.write_direct_chunk((0,), b"of somebody else")
    monkeypatch.setitem(sys.modules, "hdf5plugin", ModuleType("hdf5plugin"))
    report = inspect_hdf5(tmp_path / "a.h5")
    assert run(report.parser)["x"].shape == (50,)
    assert "import hdf5plugin  # pip install hdf5plugin" in report.parser
    assert str(report.features[0].note).startswith("compressed with Zstandard (HDF5 filter 32015)")


def test_a_lock_does_not_matter(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as writer:
        writer["x"] = np.arange(3)
    with (tmp_path / "a.h5").open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        report, names = hdf5_names(tmp_path / "a.h5")
    assert report.note == "a program has it open for writing, so it may change"
    assert names["x"][:].tolist() == [0, 1, 2]


def test_variables_are_names_of_python_and_differ() -> None:
    names = ("/images", "/a b", "/a_b", "/1st", "/class", "/file", "/each", '/q"\n')
    features = [ForeignFeature(name=name, role="dataset", dtype="int64", shape=(3,)) for name in names]
    text = hdf5_reader(Path("x.h5"), features, content="hdf5")
    lines = [line.split(" = ")[0] for line in text.splitlines() if " = file[" in line]
    assert lines == ["images", "a_b", "a_b_2", "data_1st", "data_class", "file_2", "each_2", "q"]
    compile(text, "program", "exec")


def test_very_many_different_data_sets() -> None:
    features = [ForeignFeature(name=f"/d{i}", role="dataset", dtype="int64") for i in range(150)]
    text = hdf5_reader(Path("x.h5"), features, content="hdf5")
    assert "# 50 more data sets: file.visit(print) names them" in text
