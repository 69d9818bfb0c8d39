import gc
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.buffers import SPARE_BUFFERS, Buffers


def address(array: npt.NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def test_arrays_are_aligned_typed_and_writable() -> None:
    buffers = Buffers((8, 5, 3), np.float32)
    for length in (8, 3, 1):
        array = buffers.take(length)
        assert array.shape == (length, 5, 3)
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert address(array) % 64 == 0
        array[:] = 1


def test_memory_is_used_again_once_all_views_are_gone() -> None:
    buffers = Buffers((4, 1000), np.uint8)
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
    buffers = Buffers((1, 100), np.uint8)
    alive = [buffers.take(1) for _ in range(20)]
    for number, array in enumerate(alive):
        array[:] = number
    assert [int(array[0, 0]) for array in alive] == list(range(20))


def test_spare_memory_is_bounded() -> None:
    buffers = Buffers((1, 100), np.uint8)
    alive = [buffers.take(1) for _ in range(20)]
    assert alive
    del alive
    assert len(buffers._spare) == SPARE_BUFFERS


def test_threads() -> None:
    buffers = Buffers((1, 1000), np.uint8)
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
