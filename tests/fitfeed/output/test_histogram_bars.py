"""Histograms in the terminal: their bars have the lengths of the counts, and no line is wider than the terminal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tqdm.utils import disp_len

from fitfeed.output.histogram_bars import (
    BINS,
    EIGHTHS,
    HEIGHTS,
    MAX_CLASSES,
    class_bars,
    histogram_lines,
    pixel_bars,
)
from fitfeed.schemas.manifest import read_manifest


def eighths(line: str) -> int:
    """How long the bar of a line is."""
    return sum(EIGHTHS.index(c) for c in line if c in EIGHTHS[1:])


def test_bars_are_as_long_as_counts() -> None:
    lines = class_bars(["daisy", "rose", "none"], [400, 100, 0], 100)
    assert [line[:18] for line in lines] == ["classes    daisy  ", "           rose   ", "           none   "]
    assert [eighths(line) for line in lines] == [320, 80, 0]
    assert [line.split()[-1] for line in lines] == ["400", "100", "0"]


@given(
    st.lists(st.tuples(st.text(max_size=60), st.integers(0, 10**9)), min_size=1, max_size=40),
    st.integers(60, 200),
)
def test_no_line_is_wider_than_the_terminal(classes: list[tuple[str, int]], columns: int) -> None:
    names, counts = [name for name, _ in classes], [count for _, count in classes]
    lines = class_bars(names, counts, columns)
    assert all(disp_len(line) <= columns for line in lines)
    assert all(line.isprintable() for line in lines)
    assert len(lines) <= MAX_CLASSES + 1
    assert bool(lines) == any(counts)
    if len(classes) <= MAX_CLASSES:
        assert [bool(eighths(line)) for line in lines] == [bool(count) for count in counts if lines]


def test_of_many_classes_the_largest_and_the_smallest_are_shown() -> None:
    lines = class_bars([f"c{i}" for i in range(1000)], list(range(1, 1001)), 100)
    assert lines[0].split()[1] == "c999"
    assert lines[6].strip() == "... 988 more classes between them"
    assert lines[-1].split()[0] == "c0"


def test_the_heights_of_pixels_are_their_shares() -> None:
    histogram = np.zeros((3, 256), np.int64)
    histogram[0, :8] = 100  # black
    histogram[1, 128] = 400
    histogram[2, 255] = 1
    red, green, blue, axis = pixel_bars(histogram, 255)
    assert red == f"pixels     red    {HEIGHTS[-1]}"
    assert green[18:].index(HEIGHTS[4]) == BINS // 2
    assert blue[18:] == " " * (BINS - 1) + HEIGHTS[1]
    assert axis[18] == "0"
    assert axis.endswith("255")
    assert len(axis) == 18 + BINS


def test_sixteen_bits_have_as_many_bars() -> None:
    histogram = np.ones((1, 65536), np.int64)
    gray, axis = pixel_bars(histogram, 65535)
    assert gray == f"pixels     gray   {HEIGHTS[-1] * BINS}"
    assert axis.endswith("65535")


@pytest.mark.parametrize("columns", [None, 59])
def test_a_narrow_terminal_and_none_get_no_bars(columns: int | None, dataset_tfrecord: str) -> None:
    assert histogram_lines(read_manifest(dataset_tfrecord), columns) == []


def test_a_dataset_has_both(dataset_tfrecord: str) -> None:
    manifest = read_manifest(dataset_tfrecord)
    lines = histogram_lines(manifest, 80)
    assert len(lines) == len(manifest.class_names) + 4
    counts = {line[11:].split()[0]: int(line.split()[-1]) for line in lines[: len(manifest.class_names)]}
    assert sum(counts.values()) == 521
