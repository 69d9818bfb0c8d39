"""The loops that make floats of pixels, against NumPy, to the last bit."""

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines.arrays.pixel_loops import Code, LookUpLoop, PixelLoop, ScaleLoop
from tests.effort import tries

sizes = st.tuples(st.integers(1, 9), st.integers(1, 40), st.sampled_from([1, 2, 3, 4]))
types = st.sampled_from([np.uint8, np.uint16])


def drawn(size: tuple[int, ...], dtype: Any, seed: int) -> tuple[npt.NDArray[Any], np.random.Generator]:
    random = np.random.default_rng(seed)
    return random.integers(0, np.iinfo(dtype).max + 1, size, dtype), random


@given(size=sizes, dtype=types, seed=st.integers(0, 99))
@settings(max_examples=tries(200))
def test_scale_is_a_product_and_a_sum(size: tuple[int, int, int], dtype: Any, seed: int) -> None:
    pixels, random = drawn(size, dtype, seed)
    factor, shift = random.normal(size=(2, size[2])).astype(np.float32)
    out = np.full(size, np.nan, np.float32)
    ScaleLoop(factor, shift)(pixels, out)
    # No product is fused with a sum, whatever the processor has.
    np.testing.assert_array_equal(out, pixels.astype(np.float32) * factor + shift)


@given(size=sizes, dtype=types, seed=st.integers(0, 99))
@settings(max_examples=tries(200))
def test_look_up_is_an_entry_of_the_channels_table(size: tuple[int, int, int], dtype: Any, seed: int) -> None:
    pixels, random = drawn(size, dtype, seed)
    table = random.integers(-(2**15), 2**15, (size[2], np.iinfo(dtype).max + 1), np.int16)
    out = np.zeros(size, np.int16)
    LookUpLoop(table)(pixels, out)
    np.testing.assert_array_equal(
        out, np.stack([table[channel][pixels[..., channel]] for channel in range(size[2])], axis=-1)
    )


@pytest.mark.parametrize("rows", [1, 5])
def test_nothing_beside_the_image_is_written(rows: int) -> None:
    memory = np.full((rows + 2, 7, 3), -1, np.float32)
    ScaleLoop(np.ones(3, np.float32), np.zeros(3, np.float32))(np.ones((rows, 7, 3), np.uint8), memory[1:-1])
    assert (memory[1:-1] == 1).all()
    assert (memory[[0, -1]] == -1).all()


def test_memory_of_small_images_is_theirs_while_threads_compute() -> None:
    """An image of fewer values than the pattern is repeated, in memory that no other thread may take meanwhile."""
    loop = ScaleLoop(np.ones(3, np.float32), np.zeros(3, np.float32))

    def wrong(value: int) -> int:
        pixels, out = np.full((3, 5, 3), value, np.uint8), np.empty((3, 5, 3), np.float32)
        found = 0
        for _ in range(4000):
            loop(pixels, out)
            found += not (out == value).all()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(wrong, [10, 20, 30, 40])) == [0] * 4


def test_pixels_may_have_gaps_and_be_read_only() -> None:
    pixels, _ = drawn((6, 20, 3), np.uint8, 1)
    out = np.empty((3, 10, 3), np.float32)
    part = pixels[::2, :10]
    part.flags.writeable = False
    ScaleLoop(np.ones(3, np.float32), np.zeros(3, np.float32))(part, out)
    np.testing.assert_array_equal(out, part)


def test_a_copy_from_another_process_is_the_same() -> None:
    pixels, random = drawn((8, 9, 3), np.uint8, 2)
    scale = ScaleLoop(*random.normal(size=(2, 3)).astype(np.float32))
    look_up = LookUpLoop(random.integers(0, 99, (3, 256), np.int16))
    for loop in (scale, look_up):
        ours, copied = np.empty((2, *pixels.shape), loop.dtype)
        loop(pixels, ours)
        pickle.loads(pickle.dumps(loop))(pixels, copied)  # noqa: S301 - it is ours
        np.testing.assert_array_equal(ours, copied)


PIXELS = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("pixels", "out", "message"),
    [
        (PIXELS, np.empty((4, 4, 3)), "48 values of type float32"),
        (PIXELS, np.empty((4, 4, 2), np.float32), "48 values of type float32"),
        (PIXELS, np.empty((4, 3, 4), np.float32).T, "one after the other"),
        (PIXELS, np.broadcast_to(np.float32(0), (4, 4, 3)), "one after the other"),
        (PIXELS, np.frombuffer(bytes(4 * 48), np.float32), "not be read-only"),
        (PIXELS.astype(np.int8), np.empty((4, 4, 3), np.float32), "uint8 or uint16. Received: int8"),
        (PIXELS.astype(">u2"), np.empty((4, 4, 3), np.float32), "uint8 or uint16. Received: >u2"),
    ],
)
def test_what_would_reach_other_memory_is_refused(pixels: Any, out: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScaleLoop(np.ones(3, np.float32), np.ones(3, np.float32))(pixels, out)


def test_numbers_of_channels_may_be_of_another_type() -> None:
    pixels, random = drawn((8, 9, 3), np.uint8, 3)
    factor, shift = random.normal(size=(2, 3))
    ours, expected = np.empty((2, *pixels.shape), np.float32)
    ScaleLoop(factor, shift)(pixels, ours)
    ScaleLoop(factor.astype(np.float32), shift.astype(np.float32))(pixels, expected)
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("shapes", [((3,), (1,)), ((1,), (3,)), ((3, 1), (3, 1)), ((0,), (0,)), ((), ())])
def test_each_channel_needs_its_numbers(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="one number for each channel"):
        ScaleLoop(*(np.zeros(shape, np.float32) for shape in shapes))


@pytest.mark.parametrize(
    "table",
    [np.zeros((3, 256)), np.zeros((3, 256), ">i2"), np.zeros(256, np.int16), np.zeros((0, 256), np.int16)],
)
def test_a_table_of_something_else_is_refused(table: Any) -> None:
    with pytest.raises(ValueError, match=r"must be int16 \(channels, values\)"):
        LookUpLoop(table)


def test_a_table_that_is_too_short_for_the_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match=r"256 entries for a channel\. Received: pixels of type uint16"):
        LookUpLoop(np.zeros((3, 256), np.int16))(PIXELS.astype(np.uint16), np.empty((4, 4, 3), np.int16))


def test_pointers_are_written_as_llvm_wants_them() -> None:
    """LLVM 15 has typed pointers, as llvmlite sets it up."""
    for typed, pointer in ((True, "float*"), (False, "ptr")):
        code = Code(typed_pointers=typed)
        code.store("float", "1.0", "%out", "%value", 4)
        assert f"to {pointer}" in code.text()


def test_only_loops_that_do_something_are_loaded() -> None:
    with pytest.raises(NotImplementedError):
        PixelLoop.load()


def test_threads_that_begin_at_once_compile_once() -> None:
    compiled: list[int] = []

    class CountedLoop(ScaleLoop):
        @staticmethod
        def write_turn(code: Code, bits: int) -> None:
            compiled.append(bits)
            ScaleLoop.write_turn(code, bits)

    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        CountedLoop.load()

    with ThreadPoolExecutor(8) as pool:
        for task in [pool.submit(load) for _ in range(8)]:
            task.result()
    assert compiled == [8]


def test_neither_llvm_nor_numba_is_loaded_before_they_are_needed() -> None:
    program = (
        "import sys, numpy as np\n"
        "from fitfeed.pipelines.batches import renderer\n"
        "from fitfeed.pipelines.arrays.pixel_loops import ScaleLoop\n"
        "print('llvmlite' in sys.modules)\n"
        "ScaleLoop.load()\n"
        "print('llvmlite' in sys.modules, 'numba' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "True", "False"]
