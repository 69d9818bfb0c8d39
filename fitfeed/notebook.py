"""What an open dataset shows of itself. `fitfeed/__init__` names these functions, since `pipelines` may not know them."""

import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fitfeed.output.byte_size import human_bytes
from fitfeed.output.dataset_text import numbered
from fitfeed.report.elements import Element, element
from fitfeed.schemas.report_page import ReportPage

if TYPE_CHECKING:
    from PIL.Image import Image

    from fitfeed.pipelines import Dataset


def preview(dataset: "Dataset", **options: Any) -> "Image":
    """Draws the contact sheet of a dataset: see `Dataset.preview`.

    Args:
        dataset: The dataset.
        options: The fields of `SheetOptions`.
    """
    from fitfeed.preview.sheet import draw_sheet
    from fitfeed.preview.sheet_options import SheetOptions

    sheet = SheetOptions(**options)
    sheet.check(is_augmented=bool(sheet.augment))
    return draw_sheet(dataset, sheet).image


def report(
    dataset: "Dataset", path: str | os.PathLike[str] | None, source: str | os.PathLike[str] | Sequence[str]
) -> ReportPage:
    """Makes the page of a dataset: see `Dataset.report`."""
    from fitfeed.report.page import report_page

    sources = [os.fspath(source)] if isinstance(source, str | os.PathLike) else [*source]
    page = report_page(dataset, dataset.address, sources=sources)
    if path is not None:
        page.save(path)
    return page


def dataset_html(dataset: "Dataset") -> str:
    """Splits, classes, size and statistics of a dataset, for a cell of a notebook. All texts are escaped.

    Args:
        dataset: The dataset.
    """
    manifest, image = dataset.manifest, dataset.manifest.features.image
    size = f"{image.shape[0]} x {image.shape[1]} pixels" if image.shape[0] else "of any size"
    labels = ", ".join(f"{name} ({kind})" for name, kind in manifest.features.label_kinds.items()) or "none"
    classes = f"{len(manifest.class_names):,}: {numbered(manifest.class_names)}"
    splits = [
        [name, f"{split.examples:,}", f"{len(split.shards):,}", human_bytes(split.bytes)]
        for name, split in dataset.splits.items()
    ]
    of = manifest.statistics
    channels = [
        [str(number), f"{mean:.3f}", f"{std:.3f}"]
        for number, (mean, std) in enumerate(zip(of.mean, of.std, strict=True))
    ]
    shown = element(
        "div",
        element("p", element("strong", dataset.address), f", {manifest.format}"),
        element("p", f"Images: {image.dtype}, {size}, {image.channels} channels, encoding {image.encoding}"),
        element("p", f"Labels: {labels}"),
        element("p", f"Classes: {classes}") if manifest.class_names else None,
        _table(["split", "examples", "shards", "bytes"], splits),
        element("p", f"Pixels of {of.split}, by which make_pipeline normalizes:"),
        _table(["channel", "mean", "deviation"], channels),
        element("p", "Look at it: .preview() draws pictures, .report() makes a page."),
    )
    return ET.tostring(shown, encoding="unicode", method="html")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Element:
    return element(
        "table",
        element("thead", element("tr", *(element("th", text, scope="col") for text in head))),
        element(
            "tbody",
            *(
                element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:]))
                for row in rows
            ),
        ),
    )
