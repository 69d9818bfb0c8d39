"""Reading ahead gives what reading gives, in any plan, and stays within its bounds."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.reading.read_ahead import reading_ahead
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile


def content(file: SourceFile) -> bytes:
    if file.path.endswith("bad"):
        raise ImageError("vanished", file.path)
    return file.path.encode()


def outcome(read: Callable[[SourceFile], bytes], file: SourceFile) -> object:
    try:
        return read(file)
    except ImageError as error:
        return error.detail


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c bad"]), st.integers(0, 9), st.booleans()), max_size=30),
    st.integers(1, 4),
    st.integers(0, 20),
)
def test_it_is_reading(plan: list[tuple[str, int, bool]], threads: int, most_bytes: int) -> None:
    files = [SourceFile(path, size, 0, 0, f"tag {number % 3}") for number, (path, size, _) in enumerate(plan)]
    wanted = [file for file, (_, _, is_wanted) in zip(files, plan, strict=True) if is_wanted]
    under_way, most, lock = [0, 0], [0, 0], threading.Lock()

    def read(file: SourceFile) -> bytes:
        with lock:
            under_way[:] = [under_way[0] + 1, under_way[1] + file.bytes]
            if under_way[0] > 1:  # one alone may be larger
                most[:] = [max(most[0], under_way[0]), max(most[1], under_way[1])]
        try:
            return content(file)
        finally:
            with lock:
                under_way[:] = [under_way[0] - 1, under_way[1] - file.bytes]

    with reading_ahead(files, read, threads=threads, most_bytes=most_bytes) as ahead:
        assert [outcome(ahead, file) for file in wanted] == [outcome(content, file) for file in wanted]
    assert most[0] <= threads
    assert most[1] <= max(most_bytes, 0) + 9  # of the file that is taken, which is not ahead any more


def test_many_are_read_at_once_before_they_are_wanted() -> None:
    files = [SourceFile(str(number), 1, 0) for number in range(9)]
    all_begun = threading.Barrier(4, timeout=30)

    def read(file: SourceFile) -> bytes:
        if int(file.path) < 4:
            all_begun.wait()  # broken, if fewer than four are under way
        return file.path.encode()

    with reading_ahead(files, read, threads=4) as ahead:
        assert [ahead(file) for file in files] == [file.path.encode() for file in files]


def test_what_is_not_in_the_plan_is_not_given() -> None:
    with (
        reading_ahead([SourceFile("a", 1, 0)], content) as ahead,
        pytest.raises(LookupError, match="b is not among"),
    ):
        ahead(SourceFile("b", 1, 0))


def test_reads_that_nobody_waits_for_end_with_the_block() -> None:
    gate, begun = threading.Event(), []

    def read(file: SourceFile) -> bytes:
        begun.append(file.path)
        if file.path != "0":
            gate.wait(30)
        return b""

    files = [SourceFile(str(number), 1, 0) for number in range(100)]
    before = threading.active_count()
    with reading_ahead(files, read, threads=2) as ahead:
        ahead(files[0])
        threading.Timer(0.05, gate.set).start()
    assert len(begun) < 10
    assert threading.active_count() <= before + 1  # the timer
