"""Two loops over pixels, written in the language of LLVM, by which images become floats.

Numba would compile them as well, but it takes 0.6 s of CPU time and 46 MB in each process until its first function runs. llvmlite, which
Numba is made of, takes 0.04 s. So the two loops that nearly every pipeline needs are here, and the others in `numba_kernels`.

The values of an image are one long line, in which channels repeat. So do the numbers that belong to channels: a pattern of them fills
whole vectors of 16 values, and then begins again.

    values   r g b r g b r g b r g b r g b r | g b r ...
    pattern  0 1 2 0 1 2 0 1 2 0 1 2 0 1 2 0 | 1 2 0 ...       3 vectors for 3 channels, 1 for 1

The loops release the interpreter lock. Products and sums are not fused, so all processors compute the same numbers.
"""

import ctypes
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.schemas.payload import Pixels

LANES = 16
"""Values that one turn of a loop computes."""

OPAQUE_POINTERS = 17
"""The first version of LLVM where the type of a pointer does not name what it points to."""

_FUNCTION = """
define void @loop(i64 %pixels, i64 %pattern, i64 %other, i64 %out, i64 %period, i64 %count) {{
start:
  %last = sub i64 %count, %period
  br label %periods
periods:
  %begin = phi i64 [ 0, %start ], [ %next, %end ]
  br label %turns
turns:
  %place = phi i64 [ 0, %periods ], [ %after, %turns ]
  %value = add i64 %begin, %place
{turn}
  %after = add i64 %place, {lanes}
  %inside = icmp ult i64 %after, %period
  br i1 %inside, label %turns, label %end
end:
  %done = add i64 %begin, %period
  %fits = icmp ult i64 %done, %last
  %next = select i1 %fits, i64 %done, i64 %last
  %unfinished = icmp ult i64 %done, %count
  br i1 %unfinished, label %periods, label %return
return:
  ret void
}}
"""
"""Its arguments are four addresses; `period`, the length of the pattern; and `count`, the values of the image, at least as many. The
last period ends with the image, so it computes some values once more."""

_ARGUMENTS = (*[ctypes.c_void_p] * 4, *[ctypes.c_ssize_t] * 2)


class PixelLoop(ABC):
    """A loop over the pixels of an image, with what it needs for each channel. Immutable, thread-safe, picklable."""

    dtype: ClassVar[np.dtype[Any]]

    def __init__(self, pattern: npt.NDArray[Any], other: npt.NDArray[Any]) -> None:
        """Stores what the loop reads besides pixels.

        Args:
            pattern: (channels,): a number for each channel.
            other: C-contiguous.
        """
        repeated = np.resize(pattern, math.lcm(pattern.size, LANES))
        self._arrays = repeated, other  # they own the memory at the addresses
        self._addresses, self._period = (repeated.ctypes.data, other.ctypes.data), repeated.size

    @staticmethod
    @abstractmethod
    def write_turn(code: "Code", bits: int) -> None:
        """Writes one turn of the loop.

        Args:
            code: Where to.
            bits: Of a pixel, 8 or 16.
        """
        raise NotImplementedError

    @classmethod
    def load(cls) -> None:
        """Compiles the loop for pixels of 8 bits, if that has not been done: processes that are forked then have it."""
        _compiled(cls, 8)

    @classmethod
    def load_deep(cls) -> None:
        """Compiles the loop for pixels of 16 bits."""
        _compiled(cls, 16)

    def __call__(self, pixels: Pixels, out: npt.NDArray[Any]) -> None:
        """Computes an image.

        Args:
            pixels: uint8 or uint16 (H, W, channels).
            out: As many values of the loop's type, C-contiguous, to be written. It has no memory in common with `pixels`.

        Raises:
            ValueError: If one is of another type or size, or `out` is read-only: the loop would write to memory that is not theirs.
        """
        count = pixels.size
        flags = out.flags
        if out.dtype != self.dtype or out.size != count or not (flags.c_contiguous and flags.writeable):
            msg = f"out must have {count} values of type {self.dtype}, one after the other, and not be read-only. Received: {out.dtype} {out.shape}"
            raise ValueError(msg)
        compiled = _compiled(type(self), _bits(pixels))
        small = count < self._period  # others are computed, too, which nobody reads
        # Names own the memory until the loop has ended: it runs without the interpreter lock, so other threads take what is free.
        source = np.resize(pixels, self._period) if small else np.ascontiguousarray(pixels)
        target = np.empty(self._period, self.dtype) if small else out
        compiled(_address(source), *self._addresses, _address(target), self._period, source.size)
        if small:
            out.reshape(-1)[:] = target[:count]


class ScaleLoop(PixelLoop):
    """Writes pixel * factor + shift, as float32."""

    dtype = np.dtype(np.float32)

    def __init__(self, factor: npt.NDArray[np.float32], shift: npt.NDArray[np.float32]) -> None:
        """Stores the numbers.

        Args:
            factor: float32 (channels,). Other types are converted.
            shift: The same.

        Raises:
            ValueError: If they are not one number for each channel: the loop would read memory that is not theirs.
        """
        factor, shift = np.asarray(factor, np.float32), np.asarray(shift, np.float32)
        if factor.ndim != 1 or factor.shape != shift.shape or not factor.size:
            msg = f"factor and shift must have one number for each channel. Received: shapes {factor.shape} and {shift.shape}"
            raise ValueError(msg)
        self._given = factor, shift
        super().__init__(factor, np.resize(shift, math.lcm(shift.size, LANES)))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the numbers, as addresses are those of a process."""
        return ScaleLoop, self._given

    @staticmethod
    @override
    def write_turn(code: "Code", bits: int) -> None:
        floats = f"<{LANES} x float>"
        pixels = code.load(f"<{LANES} x i{bits}>", "%pixels", "%value", bits // 8)
        wide = code.add(f"uitofp <{LANES} x i{bits}> {pixels} to {floats}")
        product = code.add(f"fmul {floats} {wide}, {code.load(floats, '%pattern', '%place', 4)}")
        total = code.add(f"fadd {floats} {product}, {code.load(floats, '%other', '%place', 4)}")
        code.store(floats, total, "%out", "%value", 4)


class LookUpLoop(PixelLoop):
    """Replaces each value by its entry in a table: the bits of a 16-bit float."""

    dtype = np.dtype(np.int16)

    def __init__(self, table: npt.NDArray[np.int16]) -> None:
        """Stores the table.

        Args:
            table: int16 (channels, 256 or 65,536), an entry for each value of a pixel.

        Raises:
            ValueError: If it is of another type or shape.
        """
        if table.dtype != self.dtype or table.ndim != 2 or not len(table):
            msg = f"the table must be int16 (channels, values). Received: {table.dtype} {table.shape}"
            raise ValueError(msg)
        self._table = np.ascontiguousarray(table)
        channels, self._levels = table.shape
        super().__init__(np.arange(channels) * self._levels, self._table)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the table, as addresses are those of a process."""
        return LookUpLoop, (self._table,)

    @override
    def __call__(self, pixels: Pixels, out: npt.NDArray[Any]) -> None:
        if 1 << _bits(pixels) > self._levels:  # it would read behind the table
            msg = (
                f"the table has {self._levels} entries for a channel. Received: pixels of type {pixels.dtype}"
            )
            raise ValueError(msg)
        super().__call__(pixels, out)

    @staticmethod
    @override
    def write_turn(code: "Code", bits: int) -> None:
        for lane in range(LANES):  # one by one: reading a vector from a table is no faster
            pixel = code.load(f"i{bits}", "%pixels", "%value", bits // 8, lane)
            start = code.load("i64", "%pattern", "%place", 8, lane)
            entry = code.add(f"add i64 {start}, {code.add(f'zext i{bits} {pixel} to i64')}")
            code.store("i16", code.load("i16", "%other", entry, 2), "%out", "%value", 2, lane)


class Code:
    """Lines of a function."""

    def __init__(self, *, typed_pointers: bool) -> None:
        """Starts with no line.

        Args:
            typed_pointers: Whether the type of a pointer names what it points to, as before LLVM 17.
        """
        self._lines: list[str] = []
        self._typed = typed_pointers

    def text(self) -> str:
        """All lines."""
        return "\n".join(self._lines)

    def add(self, expression: str) -> str:
        """Adds a line; returns the name of its result."""
        name = f"%v{len(self._lines)}"
        self._lines.append(f"  {name} = {expression}")
        return name

    def load(self, kind: str, array: str, place: str, size: int, lane: int = 0) -> str:
        """Adds what reads a number or a vector; returns its name. The other arguments are those of `_pointer`."""
        return self.add(f"load {kind}, {self._pointer(kind, array, place, size, lane)}, align 1")

    def store(self, kind: str, value: str, array: str, place: str, size: int, lane: int = 0) -> None:
        """Adds what writes it."""
        pointer = self._pointer(kind, array, place, size, lane)
        self._lines.append(f"  store {kind} {value}, {pointer}, align 1")

    def _pointer(self, kind: str, array: str, place: str, size: int, lane: int) -> str:
        """Adds an address.

        Args:
            kind: Type of what is there.
            array: The address of an array.
            place: The number of an element.
            size: Bytes of an element.
            lane: How many elements further.
        """
        offset = self.add(f"mul i64 {place}, {size}")
        address = self.add(f"add i64 {offset}, {lane * size}")
        total = self.add(f"add i64 {array}, {address}")
        pointer = f"{kind}*" if self._typed else "ptr"
        return f"{pointer} {self.add(f'inttoptr i64 {total} to {pointer}')}"


_compiling = threading.Lock()


@cache
def _compiled(kind: type[PixelLoop], bits: int) -> Callable[..., None]:
    """A loop for this processor. Threads that come at once wait for the first one to compile it."""
    with _compiling:
        return _compile(kind, bits)


@cache
def _compile(kind: type[PixelLoop], bits: int) -> Callable[..., None]:
    import llvmlite.binding as llvm  # it is large, and images that stay integers do not need it

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
    )
    code = Code(typed_pointers=llvm.llvm_version_info[0] < OPAQUE_POINTERS)
    kind.write_turn(code, bits)
    module = llvm.parse_assembly(_FUNCTION.format(turn=code.text(), lanes=LANES))
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    function: Any = ctypes.CFUNCTYPE(None, *_ARGUMENTS)(engine.get_function_address("loop"))
    function.engine = engine  # it owns the machine code
    return function  # type: ignore[no-any-return]


def _bits(pixels: Pixels) -> int:
    """8 or 16."""
    if pixels.dtype not in (np.uint8, np.uint16) or not pixels.dtype.isnative:
        msg = f"pixels must be uint8 or uint16. Received: {pixels.dtype}"
        raise ValueError(msg)
    return 8 * pixels.itemsize


def _address(array: npt.NDArray[Any]) -> int:
    """Where the memory of an array begins. It keeps no reference, so the caller does, as long as the memory is used."""
    if array.flags.writeable:  # a third of the time of what always works
        return ctypes.addressof(ctypes.c_char.from_buffer(array.data))
    return int(array.ctypes.data)
