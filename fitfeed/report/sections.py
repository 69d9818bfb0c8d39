"""The parts of the page, each from what was counted."""

from collections.abc import Mapping, Sequence

import numpy as np

from fitfeed.output.byte_size import human_bytes
from fitfeed.report.charts import bar, histogram, scatter
from fitfeed.report.duplicate_pairs import Pairs
from fitfeed.report.elements import Element, element, table
from fitfeed.report.facts import MAX_ASPECT, Drift, Example, Outlier, SplitFacts
from fitfeed.report.pictures import Pictures
from fitfeed.schemas.bit_depth import levels_of
from fitfeed.schemas.manifest import Manifest

CHANNELS = {1: ("gray",), 3: ("red", "green", "blue")}
VALUES = {"darkest": ": mean", "brightest": ": mean", "flattest": ": deviation"}
PAIRS = {
    "duplicate": "with equal pixels",
    "label_conflict": "with equal pixels and other labels",
    "split_leak": "with equal pixels in two splits",
    "near_duplicate": "that look alike",
    "near_split_leak": "that look alike in two splits",
}
"""Kinds of pairs in words."""

SHOWN_MISSING = 10

MAX_ROWS = 100
"""Classes with a heading of their own."""

MAX_CLASS_ROWS = 1000
"""Classes of the table. Of more, the largest and the smallest are shown."""

WHY_OUTLIERS = "Flat images are often empty, covered or damaged; very dark and very bright ones are often failed exposures."


def section(name: str, title: str, *content: Element | None) -> Element:
    """A part of the page with its heading."""
    return element("section", element("h2", title, id=name), *content, **{"aria-labelledby": name})


def overview(manifest: Manifest) -> Element:
    """What the dataset is."""
    image = manifest.features.image
    size = f"{image.shape[0]} x {image.shape[1]} pixels" if image.shape[0] else "of any size"
    labels = ", ".join(f"{name} ({kind})" for name, kind in manifest.features.label_kinds.items()) or "none"
    rows = [
        ["format", f"{manifest.format}, version {manifest.format_version}"],
        ["examples", f"{sum(split.examples for split in manifest.splits.values()):,}"],
        ["bytes of shards", human_bytes(sum(split.bytes for split in manifest.splits.values()))],
        ["images", f"{image.dtype}, {size}, {image.channels} channels, encoding {image.encoding}"],
        ["labels", labels],
        ["classes", f"{len(manifest.class_names):,}"],
        ["fingerprint", manifest.fingerprint],
    ]
    return section(
        "dataset", "The dataset", table(["property", "value"], rows, caption="What it is", numbers=False)
    )


def samples(
    groups: Sequence[Sequence[Example]], names: Sequence[str], split: str, pictures: Pictures
) -> Element:
    """Some pictures of each class: a row for each, or one grid if most classes have one or two."""
    if len(groups) > MAX_ROWS:
        pairs = [(each, names[number]) for number, examples in enumerate(groups) for each in examples]
        shown = [pictures.row([each for each, _ in pairs], [name for _, name in pairs])]
    else:
        shown = []
        for number, examples in enumerate(groups):
            name = names[number] if number < len(names) else ""
            shown += [element("h3", name)] if name else []
            shown.append(pictures.row(examples, [pictures.key(each).rpartition("/")[2] for each in examples]))
    chosen = f"Chosen at random from {split}."
    if len(groups) < len(names):
        chosen += f" Of the {len(names):,} classes, the first {len(groups):,} are shown."
    return section("samples", "Samples", element("p", chosen, class_="faint"), *shown)


def balance(manifest: Manifest) -> Element | None:
    """How many examples each class has in each split."""
    if not manifest.class_names:
        return None
    splits = manifest.splits
    most = max((max(split.class_counts, default=0) for split in splits.values()), default=0) or 1
    rows: list[list[Element | str]] = []
    together = np.sum([split.class_counts for split in splits.values()], axis=0)
    shown = _shown_classes(together.tolist())
    for number in shown:
        name = manifest.class_names[number]
        counts = [split.class_counts[number] for split in splits.values()]
        cells = [
            element("span", element("span", f"{count:,}", class_="count"), bar(count / most, color))
            for color, count in enumerate(counts)
        ]
        rows.append([f"{number} {name}", *cells])
    left_out = (
        f"Of the {len(manifest.class_names):,} classes, those with the most and with the fewest examples are "
        f"shown, {len(shown):,} together."
    )
    return section(
        "classes",
        "Classes",
        table(["class", *splits], rows, caption="Examples of each class", numbers=False),
        element("p", left_out, class_="faint") if len(shown) < len(manifest.class_names) else None,
    )


def _shown_classes(counts: Sequence[int]) -> list[int]:
    """The numbers of the classes that the table shows."""
    if len(counts) <= MAX_CLASS_ROWS:
        return list(range(len(counts)))
    ordered, half = sorted(range(len(counts)), key=counts.__getitem__), MAX_CLASS_ROWS // 2
    return sorted([*ordered[:half], *ordered[-half:]])


def sizes(facts: Sequence[SplitFacts]) -> Element:
    """How large the stored images are, and their shapes."""
    rows = [
        [
            each.name,
            *(
                ""
                if extent is None
                else f"{extent.min} / {extent.p5} / {extent.median} / {extent.p95} / {extent.max}"
                for extent in (each.split.width, each.split.height)
            ),
        ]
        for each in facts
    ]
    points: dict[tuple[float, float], int] = {}
    for each in facts:
        for width, height, count in each.sizes:
            points[width, height] = points.get((width, height), 0) + count
    dots = [(width, height, count) for (width, height), count in points.items()]
    curves = {each.name: each.aspects for each in facts}
    bound = np.log2(MAX_ASPECT)
    return section(
        "sizes",
        "Sizes",
        table(["split", "width", "height"], rows, caption="Least, 5%, median, 95% and largest, in pixels"),
        element(
            "div",
            _figure(
                scatter(dots, label="Widths and heights of all images", across="width", upwards="height"),
                "Widths and heights, on logarithmic axes",
            ),
            _figure(
                histogram(curves, low=-bound, high=bound, label="Width / height of the images of each split"),
                "Width / height, as power of two: 0 is square, 1 twice as wide as high",
            ),
            class_="charts",
        ),
        _legend(facts),
    )


def pixels(manifest: Manifest) -> Element:
    """The values of the pixels of the split that is normalized by."""
    recorded = manifest.statistics
    counts, top = manifest.splits[recorded.split].counts, levels_of(manifest.features.image.depth)
    names = CHANNELS.get(len(counts), tuple(map(str, range(len(counts)))))
    rows = [
        [
            name,
            f"{recorded.mean[i]:.3f}",
            f"{recorded.std[i]:.3f}",
            str(recorded.min[i]),
            str(recorded.max[i]),
        ]
        for i, name in enumerate(names)
    ]
    charts = [
        _figure(
            histogram(
                {name: counts[i]}, low=0, high=top, label=f"Values of the channel {name}", colors=[name]
            ),
            f"{name}: mean {recorded.mean[i]:.1f}, deviation {recorded.std[i]:.1f}",
        )
        for i, name in enumerate(names)
    ]
    text = f"Of the {recorded.images:,} images of {recorded.split} as stored, {recorded.pixels:,} pixels. make_pipeline normalizes by them."
    return section(
        "pixels",
        "Pixels",
        element("p", text, class_="faint"),
        table(
            ["channel", "mean", "deviation", "least", "largest"], rows, caption="Statistics of each channel"
        ),
        element("div", *charts, class_="charts"),
    )


def splits(facts: Sequence[SplitFacts], drifts: Sequence[Drift]) -> Element:
    """The splits side by side."""
    rows = [
        [
            each.name,
            f"{each.split.examples:,}",
            f"{len(each.split.shards):,}",
            human_bytes(each.split.bytes),
            f"{each.mean_brightness:.1f} ± {each.deviation_of_brightness:.1f}",
        ]
        for each in facts
    ]
    compared: list[list[Element | str]] = [
        [
            f"{drift.name} against {drift.other}",
            "" if drift.classes is None else f"{drift.classes:.1%}",
            _missing(drift),
            f"{drift.brightness:+.2f}",
            f"{drift.pixels:.2f}",
        ]
        for drift in drifts
    ]
    head = ["splits", "class shares", "classes missing", "brightness", "pixels"]
    differ = "How they differ: in shares of classes, in brightness by deviations, in pixels by a factor"
    curves = {each.name: each.brightness for each in facts}
    return section(
        "splits",
        "Splits",
        table(["split", "examples", "shards", "bytes", "brightness"], rows, caption="The splits"),
        table(head, compared, caption=differ) if compared else None,
        _figure(
            histogram(curves, low=0, high=256, label="Mean brightness of the images of each split"),
            "Mean brightness of each image, as shares of its split",
        ),
        _legend(facts),
    )


def _missing(drift: Drift) -> Element:
    """How many classes are missing, and the first of them: text that wraps, in a column of numbers."""
    more = "" if len(drift.missing) <= SHOWN_MISSING else ", ..."
    named = f": {', '.join(drift.missing[:SHOWN_MISSING])}{more}" if drift.missing else ""
    return element("span", f"{len(drift.missing)}{named}", class_="names")


def duplicates(manifest: Manifest, pairs: Pairs | None, pictures: Pictures) -> Element:
    """Pictures that are there twice."""
    twice = manifest.duplicates
    rows = [
        ["within a split", f"{twice.within:,}"],
        ["across splits", f"{twice.across_splits:,}"],
        ["with another label", f"{twice.label_conflicts:,}"],
        ["left out", f"{twice.dropped:,}"],
    ]
    shown: list[Element] = []
    for pair in pairs.shown if pairs else ():
        what = "equal pixels" if pair.exact else f"alike, {pair.distance} bits differ"
        what += ", labels differ" if pair.labels_differ else ""
        where = " and ".join(dict.fromkeys([pair.first.split, pair.second.split]))
        shown.append(pictures.pair(pair.first, pair.second, f"{where}: {what}"))
    listed = pairs and ", ".join(f"{count:,} {PAIRS.get(kind, kind)}" for kind, count in pairs.listed.items())
    text = (
        "duplicates.arrow is not there, so pairs are not shown."
        if pairs is None
        else f"Pairs that duplicates.arrow lists: {listed or 'none'}{'' if pairs.complete else '; there may be more'}."
    )
    return section(
        "duplicates",
        "Duplicates",
        table(["with the pixels of another one", "examples"], rows, caption="Exact duplicates"),
        element("p", text, class_="faint"),
        element("div", *shown, class_="row"),
    )


def outlying(found: Mapping[str, Sequence[Outlier]], pictures: Pictures) -> Element:
    """Examples that are worth a look."""
    shown: list[Element] = []
    for kind, examples in found.items():
        shown += [
            element("h3", f"{kind.capitalize()}{VALUES.get(kind, '')}"),
            pictures.row([each.example for each in examples], [each.value for each in examples]),
        ]
    return section("outliers", "Worth a look", element("p", WHY_OUTLIERS, class_="faint"), *shown)


def _legend(facts: Sequence[SplitFacts]) -> Element:
    """Which color is which split."""
    names = [element("li", bar(1.0, number), f" {each.name}") for number, each in enumerate(facts)]
    return element("ul", *names, class_="legend faint")


def _figure(chart: Element, caption: str) -> Element:
    return element("figure", chart, element("figcaption", caption))
