"""Reads of many byte ranges in one call: for raw images, which are copied and nothing else.

A loop in Python spends several microseconds on each image beside the copying; this one spends almost
none, and it holds no interpreter lock. It calls `pread`: a file that was cut off gives a short read,
where access to a mapped file would end the process. Importing this module imports Numba, so its
users import it late.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from fitfeed.pipelines.arrays.numba_kernels import compiled

_pread: Any = types.ExternalFunction(
    "pread", types.intp(types.int32, types.voidptr, types.uintp, types.int64)
)


def _make_pointer(context: Any, address: Any) -> Any:
    """Turns an address into a pointer, for `_pread`."""

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], target.get_value_type(types.voidptr))

    return types.voidptr(types.uintp), generate


_pointer: Any = intrinsic(_make_pointer)


@compiled
def read_ranges(
    descriptors: npt.NDArray[np.int32],
    offsets: npt.NDArray[np.int64],
    length: int,
    address: int,
    done: npt.NDArray[np.int64],
) -> None:
    """Reads n byte ranges of one length into memory, one after the other.

    Ranges that follow each other in a file are read by one call.

    Args:
        descriptors: int32 (n,), of open files.
        offsets: int64 (n,), where each range begins.
        length: Bytes of each range.
        address: Of n * length writable bytes.
        done: int64 (n,), to be written: how many bytes of each range were read. Fewer than `length` if
            the file ends there, or if reading failed.
    """
    first = 0
    while first < len(offsets):
        stop = first + 1
        while (
            stop < len(offsets)
            and descriptors[stop] == descriptors[first]
            and offsets[stop] == offsets[stop - 1] + length
        ):
            stop += 1
        wanted, got = (stop - first) * length, 0
        while got < wanted:
            count = _pread(
                descriptors[first],
                _pointer(types.uintp(address + first * length + got)),
                types.uintp(wanted - got),
                offsets[first] + got,
            )
            if count <= 0:
                break
            got += count
        for place in range(first, stop):
            done[place] = max(0, min(length, got - (place - first) * length))
        first = stop
