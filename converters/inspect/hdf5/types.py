"""Words for the types and filters of HDF5."""

from typing import Any

import h5py

MAX_TYPE_TEXT = 200


def type_text(dtype: Any) -> str:
    """A type as NumPy writes it, or as HDF5 does for types that NumPy does not have."""
    text = h5py.check_string_dtype(dtype)
    if text is not None:
        return f"string ({text.encoding}, {'variable length' if text.length is None else f'{text.length} bytes'})"
    element = h5py.check_vlen_dtype(dtype)
    if element is not None:
        return f"variable length of {element}"
    members = h5py.check_enum_dtype(dtype)
    if members is not None:
        return f"enum of {dtype} {dict(list(members.items())[:20])}"
    if h5py.check_ref_dtype(dtype) is not None:
        return "reference"
    if dtype.kind == "V" and dtype.names is None and dtype.subdtype is None:
        return f"opaque, {dtype.itemsize} bytes"
    written = str(dtype)
    return written if len(written) <= MAX_TYPE_TEXT else f"{written[:MAX_TYPE_TEXT]}..."


def unknown_type_text(type_id: Any) -> str:
    """A type that NumPy cannot hold."""
    names = {h5py.h5t.BITFIELD: "bitfield", h5py.h5t.TIME: "time", h5py.h5t.FLOAT: "float"}
    name = names.get(type_id.get_class(), "type")
    return f"{name} of {type_id.get_size()} bytes, which NumPy does not have"


def filter_text(number: int) -> str:
    """What a filter that is not installed is called, and what helps."""
    name = _IN_HDF5PLUGIN.get(number)
    if name is not None:
        return f"compressed with {name} (HDF5 filter {number}): pip install hdf5plugin, and import it before reading; not read"
    known = _OTHERS.get(number, f"HDF5 filter {number}")
    return f"compressed with {known}, which is not installed; not read"


def is_in_hdf5plugin(number: int) -> bool:
    """Whether the package hdf5plugin has the filter."""
    return number in _IN_HDF5PLUGIN


# From HDF5's list of registered filters, and the documentation of hdf5plugin.
_IN_HDF5PLUGIN = {
    307: "bzip2",
    32001: "Blosc",
    32004: "LZ4",
    32008: "Bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32017: "SZ",
    32018: "FCIDECOMP",
    32024: "SZ3",
    32026: "Blosc2",
    32028: "SPERR",
}
_OTHERS = {
    4: "SZIP (HDF5 filter 4)",
    305: "LZO (HDF5 filter 305)",
    32000: "LZF (HDF5 filter 32000)",
    32019: "JPEG (HDF5 filter 32019)",
    32022: "Granular BitRound (HDF5 filter 32022)",
}
