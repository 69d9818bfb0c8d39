"""Streams of gzip: what they hold, whatever members they have, in time that grows with their size."""

import gzip
import io
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.inspect.decompress import MAX_EMPTY_MEMBERS, Inflated


@given(st.lists(st.binary(max_size=3000), min_size=1), st.integers(0, 3000), st.integers(1, 5000))
def test_members_follow_each_other(contents: list[bytes], padding: int, step: int) -> None:
    stream = Inflated(io.BytesIO(b"".join(map(gzip.compress, contents)) + bytes(padding)))
    parts = iter(lambda: stream.read(step), b"")
    assert b"".join(parts) == b"".join(contents)
    assert stream.members == len(contents)


def test_more_empty_members_than_programs_write_are_refused() -> None:
    members = gzip.compress(b"") * (MAX_EMPTY_MEMBERS - 1)
    assert Inflated(io.BytesIO(members + gzip.compress(b"x"))).read(1) == b"x"
    with pytest.raises(zlib.error, match="nothing in them"):
        Inflated(io.BytesIO(2 * members + gzip.compress(b"x"))).read(1)


def seconds_for(members: int) -> float:
    content = gzip.compress(b"x") * members
    times = []
    for _ in range(3):
        began = time.process_time()
        assert Inflated(io.BytesIO(content)).read(members) == b"x" * members
        times.append(time.process_time() - began)
    return min(times)


def test_small_members_take_time_that_grows_with_their_number() -> None:
    """zlib copies what follows a member: of a megabyte of them, that was 25 GB."""
    assert seconds_for(16_000) < 10 * seconds_for(4_000)


def test_a_stream_that_is_cut_off() -> None:
    content = gzip.compress(bytes(range(256)) * 40)
    with pytest.raises(EOFError, match="too early"):
        Inflated(io.BytesIO(content[:-20])).read(100_000)
