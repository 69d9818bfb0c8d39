"""The chart of `fitfeed bench`: one page with bars of each stage beside its floor, and the verdict."""

from fitfeed.bench.bench_text import bench_lines
from fitfeed.bench.run import BenchResult
from fitfeed.pipelines.stages.stage_times import STAGES
from fitfeed.report.charts import bar
from fitfeed.report.elements import Element, element, table, write_page
from fitfeed.report.style import STYLE


def bench_page(result: BenchResult, dataset: str) -> str:
    """Makes the page.

    Args:
        result: What was measured.
        dataset: As the user wrote it.
    """
    lines = bench_lines(result, dataset)
    said = [line.strip() for line in lines[lines.index("", 2) + 1 :]]
    return write_page(
        f"{dataset}: fitfeed bench",
        STYLE,
        element("header", element("h1", dataset), element("p", lines[0], class_="faint")),
        element(
            "main",
            element("p", said[0], class_="finding"),
            *(element("p", line) for line in said[1:]),
            element("h2", "What an image costs"),
            _stages(result),
            element("h2", "What would help"),
            _changes(result),
        ),
    )


def _stages(result: BenchResult) -> Element:
    """Bars of CPU time, and below each, in another color, the floor."""
    times = result.times
    longest = max(times[stage].cpu_s for stage in STAGES) or 1.0
    rows = []
    for stage in STAGES:
        time = times[stage]
        floor = time.floor_s
        bars = element(
            "span",
            bar(time.cpu_s / longest, 0),
            element("br"),
            None if floor is None else bar(min(1.0, floor / longest), 2),
        )
        share = "" if time.of_floor is None else f"{time.of_floor:.2f}"
        rows.append(
            [stage, bars, f"{1e6 * time.cpu_s:,.1f}", "" if floor is None else f"{1e6 * floor:,.1f}", share]
        )
    caption = "CPU time for an image: what the stage takes (above), and the floor of this machine (below)"
    return table(["stage", "", "microseconds", "floor", "of the floor"], rows, caption=caption)


def _changes(result: BenchResult) -> Element:
    """Images per second now and after each change."""
    verdict = result.verdict
    shown = [
        ("as it is", verdict.makes, 1.0),
        *((each.change.action, each.rate, each.gain) for each in verdict.changes),
    ]
    if result.model is not None:
        shown.append(
            (
                f"what {result.model.name} takes",
                result.model.images_per_second,
                result.model.images_per_second / shown[0][1],
            )
        )
    most = max(rate for _, rate, _ in shown)
    rows: list[list[Element | str]] = [
        [what, bar(rate / most, number), f"{rate:,.0f}", f"{gain:.2f}"]
        for number, (what, rate, gain) in enumerate(shown)
    ]
    return table(["", "", "images/s", "times"], rows, caption="Images per second")
