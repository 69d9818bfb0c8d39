"""What a sample says of the whole: arithmetic."""

import pytest

from fitfeed.estimate.interval import Interval
from fitfeed.estimate.prediction import (
    fastest,
    missing,
    predict_bytes,
    predict_rate,
    predict_seconds,
    recommend,
)
from fitfeed.estimate.ways import Way, usual_sides, ways_for
from tests.fitfeed.estimate.estimates import made_predictions


def test_bytes_are_those_of_all_images() -> None:
    found = predict_bytes([90.0, 100.0, 110.0], images=1000)
    assert found.value == 100_000
    assert 90_000 <= found.low < 100_000 < found.high <= 111_000


def test_workers_share_images_and_the_start_is_once() -> None:
    found = predict_seconds([0.010, 0.010], images=1000, read_s=0.002, is_far=False, workers=4, start_s=2.5)
    assert found.value == pytest.approx(1000 * 0.012 / 4 + 2.5)


def test_what_a_store_reads_ahead_is_hidden_behind_the_work() -> None:
    hidden = predict_seconds([0.010, 0.010], images=1000, read_s=0.002, is_far=True, workers=4, start_s=2.5)
    waiting = predict_seconds([0.010, 0.010], images=1000, read_s=0.050, is_far=True, workers=4, start_s=2.5)
    assert hidden.value == pytest.approx(1000 * 0.010 / 4 + 2.5)
    assert waiting.value == pytest.approx(1000 * 0.050 / 4 + 2.5)


def test_one_image_has_one_worker() -> None:
    found = predict_seconds([1.0], images=1, read_s=0.0, is_far=False, workers=8, start_s=2.5)
    assert found.value == pytest.approx(1.0 + 2.5)


def test_the_rate_is_as_measured_and_its_range_that_of_the_parts() -> None:
    found = predict_rate(1000, [0.8e-3, 1.0e-3, 1.2e-3], cold_rate=10, fits_in_memory=True)
    assert found.value == pytest.approx(1000)
    assert 700 < found.low < 1000 < found.high < 1300


def test_the_disk_counts_where_memory_is_too_small() -> None:
    assert predict_rate(1000, [1.0], cold_rate=300, fits_in_memory=False) == Interval(
        value=300, low=300, high=300
    )
    assert predict_rate(1000, [1.0], cold_rate=3000, fits_in_memory=False).value == 1000


@pytest.mark.parametrize(
    ("need", "encoding"),
    [(500, "keep"), (855, "keep"), (856, "jpeg"), (2300, "jpeg"), (2400, "raw"), (9000, None)],
)
def test_the_cheapest_that_surely_suffices(need: float, encoding: str | None) -> None:
    chosen = recommend(made_predictions(), need)
    assert (None if chosen is None else chosen.way.encoding) == encoding


def test_the_fastest_and_what_it_lacks() -> None:
    best = fastest(made_predictions())
    assert best.way.encoding == "raw"
    assert missing(best, 9000) == ["1 more CPU"]
    assert missing(best, 100) == []


def test_usual_sides_leave_room_to_crop_and_are_smaller_than_images() -> None:
    assert usual_sides(image_side=224, stored_side=1000) == [256, 384]
    assert usual_sides(image_side=224, stored_side=400) == [256]
    assert usual_sides(image_side=224, stored_side=250) == [224]
    assert usual_sides(image_side=32, stored_side=28) == [28]


def test_flags_are_those_that_convert_needs() -> None:
    assert Way(encoding="keep").flags == ""
    assert Way(encoding="jpeg").flags == "--encoding jpeg"
    assert [way.flags for way in ways_for([256], quality=75)] == [
        "--size 256 --encoding png",
        "--size 256 --quality 75",
        "--size 256 --encoding raw",
    ]
