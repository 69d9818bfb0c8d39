"""Draws the plots of docs/performance.md from the figures in benchmarks/results.

Needs matplotlib: `pip install '.[bench]'`. Run it as `python -m benchmarks.plots` after
`python -m benchmarks --json benchmarks/results`.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
RESULTS, DOCS = ROOT / "benchmarks" / "results", ROOT / "docs"

OURS, OTHER, FLOOR = "#1b6ca8", "#b8bec6", "#3a3a3a"

PLAIN = "{x:,.0f}"
"""Numbers on logarithmic axes."""

STAGES = ("read", "decode", "augment", "normalise", "draw and compile", "tf.data")


def main() -> int:
    """Draws all plots; returns the exit status."""
    # Text as text and no date: the same figures give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fitfeed", "font.size": 9})
    for name, draw in (("peers", peers), ("stages", stages), ("sizes", sizes), ("scaling", scaling)):
        figure = draw()
        file = DOCS / f"performance-{name}.svg"
        figure.savefig(file, metadata={"Date": None}, bbox_inches="tight")
        plt.close(figure)
        print(file.relative_to(ROOT))
    return 0


def medians(benchmark: str, case: str, unit: str) -> dict[str, float]:
    """The median of each contestant of a case."""
    content: dict[str, Any] = json.loads((RESULTS / f"{benchmark}.json").read_text())
    return {
        result["contestant"]: statistics.median(result["values"])
        for result in content["results"]
        if result["case"] == case and result["unit"] == unit
    }


def peers() -> Any:
    """Images per second of each loader, and of the floor."""
    rates = medians("feed_peers", "F6, F7 jpeg 256, float32", "images/s")
    names = sorted(rates, key=lambda name: rates[name])
    figure, axes = plt.subplots(figsize=(7, 0.3 * len(names) + 0.8))
    colors = [FLOOR if name == "floor" else OURS if "fitfeed" in name else OTHER for name in names]
    bars = axes.barh(names, [rates[name] for name in names], color=colors)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3)
    axes.set_xlabel("images per second, two CPUs (256 px JPEG to 224 px float32 batches)")
    return tidied(figure, axes)


def stages() -> Any:
    """CPU time per image, stage by stage."""
    figure, axes = plt.subplots(figsize=(7, 1.6))
    for row, (label, case) in enumerate((("256 px JPEG", "T1 jpeg 256"), ("533 x 400 originals", "T1 keep"))):
        cost, left = medians("stages", case, "CPU-us/image"), 0.0
        for number, stage in enumerate(STAGES):
            color = plt.get_cmap("tab10")(number)
            axes.barh(label, cost[stage], left=left, color=color, label=stage if row == 0 else None)
            left += cost[stage]
    axes.set_xlabel("CPU microseconds per image")
    axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    return tidied(figure, axes)


def sizes() -> Any:
    """By batch size and by output size."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.4))
    by_batch = medians("stages", "T2 batch size", "images/s")
    left.plot([int(name.split()[-1]) for name in by_batch], list(by_batch.values()), "o-", color=OURS)
    left.set_xscale("log", base=2)
    left.xaxis.set_major_formatter(PLAIN)
    left.set_xlabel("batch size")
    left.set_ylabel("images per second")
    sides = (64, 128, 224, 384)
    for name, color in (("fitfeed", OURS), ("floor", FLOOR)):
        rates = [medians("stages", f"T3 output {side}", "images/s")[name] for side in sides]
        right.plot(sides, rates, "o-", color=color, label=name)
    right.set_xlabel("output side, pixels (from 533 x 400 originals)")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        tidied(figure, axes)
    return figure


def scaling() -> Any:
    """Threads and processes, real and simulated."""
    figure, axes = plt.subplots(figsize=(7, 2.8))
    for case, style in (("P1 as it is", "o-"), ("P3 simulated CPUs", "o--")):
        for kind, color in (("threads", OTHER), ("processes", OURS)):
            points = sorted(
                (int(name.removeprefix(f"{kind}: ")), rate)
                for name, rate in medians("scaling", case, "images/s").items()
                if name.startswith(kind)
            )
            label = kind + (", simulated" if "simulated" in case else "")
            axes.plot(*zip(*points, strict=True), style, color=color, label=label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.xaxis.set_major_formatter(PLAIN)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.set_xlabel("CPUs")
    axes.set_ylabel("images per second")
    axes.legend(frameon=False)
    return tidied(figure, axes)


def tidied(figure: Any, axes: Any) -> Any:
    """Without the frame that says nothing."""
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    sys.exit(main())
