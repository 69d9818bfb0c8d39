"""Files that cost much to look into, for their size: what `benchmarks/inspect_bounds.py` measures."""

import gzip
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import h5py
import numpy as np

from fitfeed.schemas.tfrecord import frame, masked_crc32c

MIB = 1 << 20
NOTHING = bytes(MIB)


def huge_strings(folder: Path) -> Path:
    """A hundred million strings of 4 MB that were never written."""
    with h5py.File(folder / "x.h5", "w") as file:
        file.create_dataset("s", (100_000_000,), "S4000000", chunks=(1,))
    return folder / "x.h5"


def zeros_in_gzip(folder: Path) -> Path:
    """Arrays of a hundred million zeros, compressed to a thousandth."""
    chunk = zlib.compress(bytes(8 * MIB), 9)
    with h5py.File(folder / "x.h5", "w") as file:
        for number in range(4):
            data = file.create_dataset(f"a{number}", (100 * MIB,), "i8", chunks=(MIB,), compression="gzip")
            for start in range(0, 100 * MIB, MIB):
                data.id.write_direct_chunk((start,), chunk)
    return folder / "x.h5"


def strings_in_one_chunk(folder: Path) -> Path:
    """Strings in one compressed chunk, which HDF5 inflates anew for each part that is asked for."""
    count = 200_000
    with h5py.File(folder / "x.h5", "w") as file:
        names = np.char.zfill(np.arange(count).astype("S"), 60)
        file.create_dataset("names", data=names, chunks=(count,), compression="gzip")
        texts = [b"%060d" % number for number in range(count // 10)]
        kind = h5py.string_dtype()
        file.create_dataset("texts", data=texts, dtype=kind, chunks=(count // 10,), compression="gzip")
    return folder / "x.h5"


def many_groups(folder: Path) -> Path:
    """Thirty thousand groups with a data set in each."""
    with h5py.File(folder / "x.h5", "w", libver="latest") as file:
        for number in range(30_000):
            file.create_group(f"g{number:05d}")["x"] = number
    return folder / "x.h5"


def many_kinds(folder: Path) -> Path:
    """Data sets no two of which are alike, so none can be summarized with another."""
    with h5py.File(folder / "x.h5", "w", libver="latest") as file:
        for number in range(5_000):
            file.create_dataset(f"{number * 7919:x}-{number}", data=np.zeros((number % 90 + 1, 2), "f4"))
    return folder / "x.h5"


def deep_groups(folder: Path) -> Path:
    """Groups below groups, three thousand deep, and links that lead back."""
    with h5py.File(folder / "x.h5", "w") as file:
        group = file
        for _ in range(3_000):
            group = group.create_group("g")
            group["back"] = h5py.SoftLink("/")
        group["same"] = file["g"]
    return folder / "x.h5"


def many_attributes(folder: Path) -> Path:
    """Attributes by the thousand, and long ones."""
    with h5py.File(folder / "x.h5", "w", libver="latest") as file:
        data = file.create_dataset("x", data=np.arange(10))
        for number in range(20_000):
            data.attrs[f"attribute {number}"] = "x" * 200
        for number in range(20):
            file.attrs[f"long {number}"] = np.zeros(2 * MIB)
    return folder / "x.h5"


def wide_types(folder: Path) -> Path:
    """Rows with a thousand fields, and a type with two thousand named values."""
    with h5py.File(folder / "x.h5", "w", libver="latest") as file:
        row = np.dtype([(f"field {number}", "f4") for number in range(1_000)])
        file.create_dataset("rows", data=np.zeros(100, row), chunks=(1,), compression="gzip")
        names = {f"value {number}": number for number in range(2_000)}
        file.create_dataset("names", data=np.zeros(1000, "i4"), dtype=h5py.enum_dtype(names, "i4"))
    return folder / "x.h5"


def images_in_hdf5(folder: Path) -> Path:
    """What people have: many encoded images, and pixels, of 150 MB."""
    generator = np.random.default_rng(0)
    with h5py.File(folder / "x.h5", "w") as file:
        jpeg = b"\xff\xd8\xff\xe0" + generator.bytes(5000)
        kind = h5py.vlen_dtype(np.uint8)
        images = file.create_dataset("images", (20_000,), kind)
        for start in range(0, 20_000, 1000):
            images[start : start + 1000] = [np.frombuffer(jpeg, np.uint8)] * 1000
        pixels = generator.integers(0, 256, (64, 256, 256, 3), np.uint8)
        file.create_dataset("pixels", data=pixels, chunks=(8, 256, 256, 3), compression="gzip")
    return folder / "x.h5"


def many_sources(folder: Path) -> Path:
    """A data set of twenty thousand parts of other files."""
    layout = h5py.VirtualLayout((20_000, 4), "f4")
    for number in range(20_000):
        layout[number] = h5py.VirtualSource(f"part-{number}.h5", "x", (4,))
    with h5py.File(folder / "x.h5", "w", libver="latest") as file:
        file.create_virtual_dataset("x", layout)
    return folder / "x.h5"


def small_records(folder: Path) -> Path:
    """A million records with nothing in them."""
    return _records(folder, (b"" for _ in range(1_000_000)))


def record_of_zeros(folder: Path) -> Path:
    """A record of 2 GiB, compressed to 2 MB."""
    claim = struct.pack("<Q", 2 << 30)
    return _gzipped(folder, [claim + struct.pack("<I", masked_crc32c(claim)), *[NOTHING] * 2048, bytes(4)])


def empty_members(folder: Path) -> Path:
    """Four hundred thousand gzip members without a byte in them."""
    path = folder / "x.tfrecord.gz"
    path.write_bytes(gzip.compress(b"") * 400_000)
    return path


def records_of_zeros(folder: Path) -> Path:
    """Thirty thousand records of 1 MiB, compressed to 28 MB: 28 GiB."""
    head, end = frame(NOTHING)
    part = gzip.compress(head + NOTHING + end)
    path = folder / "x.tfrecord.gz"
    with path.open("wb") as file:
        for _ in range(28_000):
            file.write(part)
    return path


def record_of_features(folder: Path) -> Path:
    """Records with a hundred thousand features each, all with other names."""
    return _records(
        folder, (_example((b"%d %d" % (n, f), b"\x1a\x00") for f in range(100_000)) for n in range(5))
    )


def record_of_numbers(folder: Path) -> Path:
    """Records with lists of a million numbers, one byte for each."""
    numbers = _field(3, _field(1, b"\x01" * 1_000_000))
    return _records(folder, (_example([(b"numbers", numbers)]) for _ in range(50)))


def record_of_strings(folder: Path) -> Path:
    """Records with lists of a million empty strings, two bytes for each."""
    return _records(folder, (_example([(b"s", _field(1, b"\x0a\x00" * 1_000_000))]) for _ in range(20)))


def images_in_records(folder: Path) -> Path:
    """What people have: records with an image and a label, of 150 MB."""
    image = b"\xff\xd8\xff\xe0" + np.random.default_rng(0).bytes(30_000)
    return _records(
        folder,
        (
            _example([(b"image", _field(1, _field(1, image))), (b"label", _field(3, _field(1, b"\x05")))])
            for _ in range(5_000)
        ),
    )


def folder_of_records(folder: Path) -> Path:
    """A folder of a thousand shards."""
    for number in range(1_000):
        (folder / f"x-{number:05d}-of-01000.tfrecord").write_bytes(b"".join(frame(b"")))
    return folder


def folder_of_hdf5(folder: Path) -> Path:
    """A folder of five hundred files, each with a few data sets."""
    for number in range(500):
        with h5py.File(folder / f"x-{number:03d}.h5", "w") as file:
            for name in "abc":
                file[name] = np.arange(1000)
    return folder


CASES: dict[str, Callable[[Path], Path]] = {
    case.__name__: case
    for case in (
        *(huge_strings, zeros_in_gzip, strings_in_one_chunk, many_groups, many_kinds, deep_groups),
        *(many_attributes, wide_types, images_in_hdf5, many_sources, small_records, record_of_zeros),
        *(empty_members, records_of_zeros, record_of_features, record_of_numbers, record_of_strings),
        *(images_in_records, folder_of_records, folder_of_hdf5),
    )
}
"""Name to what makes it in an empty folder."""


def _records(folder: Path, contents: Iterable[bytes]) -> Path:
    path = folder / "x.tfrecord"
    with path.open("wb") as file:
        for content in contents:
            head, end = frame(content)
            file.write(head + content + end)
    return path


def _gzipped(folder: Path, parts: Iterable[bytes]) -> Path:
    path = folder / "x.tfrecord.gz"
    with gzip.open(path, "wb") as file:
        for part in parts:
            file.write(part)
    return path


def _example(features: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A `tf.train.Example` of names and serialized `Feature` messages."""
    return _field(1, b"".join(_field(1, _field(1, name) + _field(2, value)) for name, value in features))


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes in a protocol buffer."""
    length, size = len(content), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2, *size, length]) + content
