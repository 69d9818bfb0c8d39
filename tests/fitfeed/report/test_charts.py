"""Charts: the shape of a curve is that of the counts."""

import re

import numpy as np
import pytest

from fitfeed.report.charts import HEIGHT, WIDTH, bar, histogram, scatter
from fitfeed.report.elements import Element


def steps(curve: Element) -> list[tuple[float, float]]:
    """The height of each bin above the base, and where it ends."""
    path = str(curve.get("d"))
    return [(HEIGHT - float(y), float(x)) for y, x in re.findall(r"V([\d.]+)H([\d.]+)", path)]


def curves(chart: Element) -> list[Element]:
    return [each for each in chart if "curve" in str(each.get("class"))]


def test_a_histogram_steps_from_bin_to_bin() -> None:
    chart = histogram({"a": [1, 0, 3], "b": [0, 4, 0]}, low=0, high=3, label="counts")
    first, second = curves(chart)
    # b has all of its counts in one bin, which is the highest of all; a has three quarters of its own in its highest.
    assert steps(first) == [
        pytest.approx((HEIGHT / 4, WIDTH / 3), abs=0.1),
        pytest.approx((0, 2 * WIDTH / 3), abs=0.1),
        pytest.approx((3 * HEIGHT / 4, WIDTH), abs=0.1),
    ]
    assert [height for height, _ in steps(second)] == [0, HEIGHT, 0]
    assert chart.get("aria-label") == "counts"
    assert [text.text for text in chart if text.tag == "text"] == ["0", "1.5", "3"]


def test_many_bins_are_joined_and_nothing_is_lost() -> None:
    counts = np.zeros(65_536, np.int64)
    counts[[0, 300, 65_535]] = 1, 1, 2
    drawn = steps(curves(histogram({"": counts}, low=0, high=65_536, label=""))[0])
    assert len(drawn) == 256
    assert [height for height, _ in drawn if height] == [HEIGHT / 2, HEIGHT / 2, HEIGHT]


def test_nothing_is_drawn_of_nothing() -> None:
    assert [height for height, _ in steps(curves(histogram({"": [0, 0]}, low=0, high=2, label=""))[0])] == [
        0,
        0,
    ]
    assert not [
        each
        for each in histogram({}, low=0, high=1, label="")
        if each.tag == "path" and each.get("class") != "axis"
    ]
    assert not [each for each in scatter([], label="", across="", upwards="") if each.tag == "circle"]


def test_points_lie_where_their_numbers_say() -> None:
    chart = scatter([(400, 300, 1), (200, 600, 4)], label="sizes", across="width", upwards="height")
    frequent, rare = (each for each in chart if each.tag == "circle")
    assert (frequent.get("r"), rare.get("r")) == ("9.5", "5.5")

    def place(circle: Element) -> tuple[float, float]:
        return float(str(circle.get("cx"))) / WIDTH, 1 - float(str(circle.get("cy"))) / (WIDTH * 0.6)

    # From 200 / 1.15 to 400 * 1.15 the axis has a factor of 2.645, of which 2 lie between the two.
    part = np.log(1.15) / np.log(2 * 1.15**2)
    assert place(frequent) == pytest.approx((part, 1 - part), abs=1e-3)
    assert place(rare) == pytest.approx((1 - part, part), abs=1e-3)
    assert [text.text for text in chart if text.tag == "text"] == ["width 200 to 400", "height 300 to 600"]
    assert [child.text for child in frequent] == ["200 x 600: 4"]


def test_one_size_is_in_the_middle() -> None:
    chart = scatter([(64, 64, 9)], label="sizes", across="width", upwards="height")
    (circle,) = (each for each in chart if each.tag == "circle")
    assert (circle.get("cx"), circle.get("cy")) == ("160", "96")


def test_a_bar_is_as_long_as_its_share() -> None:
    made = bar(0.25, 2)
    assert (made[0].get("width"), made[0].get("class"), made.get("aria-hidden")) == (
        "25.00%",
        "fill2",
        "true",
    )


def test_the_fifth_has_the_color_of_the_first() -> None:
    chart = histogram({str(number): [1] for number in range(5)}, low=0, high=1, label="")
    assert [curve.get("class") for curve in curves(chart)][3:] == ["curve curve3", "curve curve0"]
    assert bar(1, 4)[0].get("class") == "fill0"
