import gc
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fitfeed.pipelines.arrays.buffer_pool import MAX_SPARE_BUFFERS, BufferPool


def address(array: npt.NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def test_arrays_are_aligned_typed_and_writable() -> None:
    buffers = BufferPool((8, 5, 3), np.float32)
    for length in (8, 3, 1):
        array = buffers.take(length)
        assert array.shape == (length, 5, 3)
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert address(array) % 64 == 0
        array[:] = 1


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="a kernel without huge pages"
)
@pytest.mark.parametrize(("size", "huge"), [(1 << 20, False), ((4 << 20) + 5, True)])
def test_large_arrays_ask_for_huge_pages(size: int, huge: bool) -> None:
    array = BufferPool((1, size), np.uint8).take(1)
    assert array.shape == (1, size)
    array[:] = 7
    assert ("hg" in flags_of_memory(address(array))) is huge  # see proc_pid_smaps(5)


def flags_of_memory(place: int) -> list[str]:
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, *words = line.split()
        if "-" in name and not name.endswith(":"):
            first, stop = (int(edge, 16) for edge in name.split("-"))
            inside = first <= place < stop
        elif inside and name == "VmFlags:":
            return words
    msg = f"no mapping holds {place:#x}"
    raise AssertionError(msg)


def test_memory_is_used_again_once_all_views_are_gone() -> None:
    buffers = BufferPool((4, 1000), np.uint8)
    first = buffers.take(4)
    place = address(first)
    view = first[1:3, ::2].T
    del first
    gc.collect()
    second = buffers.take(4)
    assert address(second) != place  # the view still needs it
    del view
    assert address(buffers.take(2)) == place


def test_live_arrays_never_share_memory() -> None:
    buffers = BufferPool((1, 100), np.uint8)
    alive = [buffers.take(1) for _ in range(20)]
    for number, array in enumerate(alive):
        array[:] = number
    assert [int(array[0, 0]) for array in alive] == list(range(20))


def test_spare_memory_is_bounded() -> None:
    buffers = BufferPool((1, 100), np.uint8)
    alive = [buffers.take(1) for _ in range(20)]
    assert alive
    del alive
    assert len(buffers._spare) == MAX_SPARE_BUFFERS


def test_threads() -> None:
    buffers = BufferPool((1, 1000), np.uint8)
    mixed: list[int] = []

    def work(number: int) -> None:
        for _ in range(300):
            array = buffers.take(1)
            array[:] = number
            if not (array == number).all():
                mixed.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not mixed
