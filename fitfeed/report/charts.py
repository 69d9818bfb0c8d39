"""Charts as SVG, of a few lines each. Colors are classes of the style sheet, so that they fit light and dark."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.report.elements import Element, element

WIDTH, HEIGHT = 320.0, 120.0
FOOT = 16.0
"""Room for the numbers below a chart."""

COLORS = 4
"""Of the style sheet."""

MAX_STEPS = 256
"""More values are joined: a screen shows no more."""

MARGIN = 1.15
"""By which an axis goes beyond its values, as a factor."""

Counts = npt.NDArray[np.int64] | Sequence[int]


def bar(share: float, number: int = 0) -> Element:
    """A bar of a table's row. The number beside it says the same, so it is hidden from screen readers.

    Args:
        share: Its length, 0 to 1.
        number: Of what it shows. The fifth has the color of the first again.
    """
    return element(
        "svg",
        element("rect", width=f"{100 * share:.2f}%", height="100%", class_=f"fill{number % COLORS}"),
        class_="bar",
        aria_hidden="true",
    )


def histogram(
    curves: Mapping[str, Counts], *, low: float, high: float, label: str, colors: Sequence[str] = ()
) -> Element:
    """Some histograms over one another, as shares of their counts.

    Args:
        curves: Name to counts of equally wide bins.
        low: Where the first bin begins.
        high: Where the last one ends.
        label: What it shows, for those who do not see it.
        colors: Class of the style sheet for each curve; none: those of splits.
    """
    colors = colors or [f"curve{number % COLORS}" for number in range(len(curves))]
    shares = {name: _shares(counts) for name, counts in curves.items()}
    top = max((float(share.max()) for share in shares.values()), default=0.0) or 1.0
    drawn = [
        element("path", element("title", name), d=_outline(share / top), class_=f"curve {color}")
        for color, (name, share) in zip(colors, shares.items(), strict=True)
    ]
    ticks = [
        element("text", _short(value), x=WIDTH * place, y=HEIGHT + FOOT - 3, text_anchor=anchor)
        for value, place, anchor in (
            (low, 0.0, "start"),
            ((low + high) / 2, 0.5, "middle"),
            (high, 1.0, "end"),
        )
    ]
    base = element("path", d=f"M0 {HEIGHT:g}H{WIDTH:g}", class_="axis")
    return element(
        "svg",
        *drawn,
        base,
        *ticks,
        viewBox=f"-2 -2 {WIDTH + 4:g} {HEIGHT + FOOT + 4:g}",
        class_="chart",
        role="img",
        aria_label=label,
    )


def scatter(points: Sequence[tuple[float, float, int]], *, label: str, across: str, upwards: str) -> Element:
    """Points whose area says how often they are there, on logarithmic axes: sizes differ by factors.

    Args:
        points: Across, upwards, and how often. Both are more than 0.
        label: What it shows, for those who do not see it.
        across: Name of the axis across.
        upwards: Name of the axis upwards.
    """
    columns, rows = _LogAxis.of([point[0] for point in points]), _LogAxis.of([point[1] for point in points])
    most = max((point[2] for point in points), default=1)
    height = WIDTH * 0.6
    circles = [
        element(
            "circle",
            element("title", f"{x:g} x {y:g}: {count:,}"),
            cx=WIDTH * columns.place(x),
            cy=height * (1 - rows.place(y)),
            r=1.5 + 8 * (count / most) ** 0.5,
            class_="dot",
        )
        for x, y, count in sorted(points, key=lambda point: -point[2])
    ]
    return element(
        "svg",
        element("path", d=f"M0 0V{height:g}H{WIDTH:g}", class_="axis"),
        *circles,
        element("text", f"{across} {columns}", x=WIDTH, y=height + FOOT - 3, text_anchor="end"),
        element("text", f"{upwards} {rows}", x=2.0, y=-4.0),
        viewBox=f"-12 -18 {WIDTH + 24:g} {height + FOOT + 22:g}",
        class_="chart",
        role="img",
        aria_label=label,
    )


class _LogAxis(NamedTuple):
    """A logarithmic axis from the least to the largest value, with some room at both ends."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        return cls(min(values, default=1.0), max(values, default=1.0))

    def place(self, value: float) -> float:
        """Where a value is, 0 to 1."""
        low, high = self.low / MARGIN, self.high * MARGIN
        return math.log(value / low) / math.log(high / low)

    @override
    def __str__(self) -> str:
        return f"{_short(self.low)} to {_short(self.high)}" if self.low < self.high else _short(self.low)


def _shares(counts: Counts) -> npt.NDArray[np.float64]:
    values = np.asarray(counts, np.float64)
    joined = -(-len(values) // MAX_STEPS)
    if joined > 1:
        values = np.add.reduceat(values, np.arange(0, len(values), joined))
    total = values.sum()
    return values / total if total else values


def _outline(heights: npt.NDArray[np.float64]) -> str:
    """A path that steps from bin to bin, and back along the base."""
    step = WIDTH / max(1, len(heights))
    parts = [f"M0 {HEIGHT:g}"]
    for number, value in enumerate(heights.tolist()):
        parts.append(f"V{HEIGHT * (1 - value):.1f}H{step * (number + 1):.1f}")
    return "".join([*parts, f"V{HEIGHT:g}Z"])


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.2g}"
