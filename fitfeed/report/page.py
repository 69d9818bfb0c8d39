"""The whole page of a dataset."""

from typing import TYPE_CHECKING, NamedTuple

from fitfeed.output.training_lines import training_lines
from fitfeed.report import sections
from fitfeed.report.duplicate_pairs import find_pairs
from fitfeed.report.elements import Element, element, write_page
from fitfeed.report.facts import drifts, outliers, samples_of_classes, split_facts
from fitfeed.report.findings import findings
from fitfeed.report.pictures import Pictures
from fitfeed.report.rejected_files import first_rejects
from fitfeed.report.style import STYLE
from fitfeed.schemas.storage.open_place import open_place

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset

MAX_SAMPLES = 1000
"""Pictures of all classes together: at 4 KB each, 4 MB."""

EACH_CLASS, OUTLIERS = 8, 6


class ReportPage(NamedTuple):
    """The page, and what it says first.

    Attributes:
        html: The page, which needs nothing else.
        findings: What is worth a look, as sentences.
    """

    html: str
    findings: list[str]


def report_page(dataset: "Dataset", name: str) -> ReportPage:
    """Makes the page of a dataset.

    Only the index, the manifest, the small tables beside them and the pictures that are shown are read.

    Args:
        dataset: The dataset.
        name: As the user wrote it.

    Raises:
        DamagedDatasetError: If what is read, other than pictures, is not what was stored.
    """
    manifest, place = dataset.manifest, open_place(dataset.address, "DATASET")
    pictures = Pictures(dataset)
    facts = [split_facts(dataset, split) for split in manifest.splits]
    compared = list(drifts(facts, manifest.class_names, of=manifest.statistics.split))
    each = max(1, min(EACH_CLASS, MAX_SAMPLES // max(1, len(manifest.class_names))))
    groups = samples_of_classes(dataset, manifest.statistics.split, each=each)[:MAX_SAMPLES]
    parts = [
        sections.overview(manifest),
        sections.samples(groups, manifest.class_names, manifest.statistics.split, pictures),
        sections.balance(manifest),
        sections.splits(facts, compared),
        sections.sizes(facts),
        sections.pixels(manifest),
        sections.outlying(outliers(dataset, count=OUTLIERS), pictures),
        sections.duplicates(manifest, find_pairs(dataset, place), pictures),
        sections.rejects(manifest, first_rejects(place, manifest)),
        sections.files(manifest, facts),
        sections.making(manifest),
        sections.section(
            "training",
            "Train on it",
            element("pre", *(element("code", line) for line in training_lines(name, manifest))),
        ),
    ]
    shown = [part for part in parts if part is not None]
    looks = findings(manifest, compared, pictures.damaged)
    html = write_page(
        f"{name}: fitfeed report",
        STYLE,
        element(
            "header",
            element("h1", name),
            element("ul", *(element("li", line, class_="finding") for line in looks))
            if looks
            else element("p", "Nothing stands out."),
            element("nav", element("ul", *map(_link, shown)), aria_label="Parts of the page"),
        ),
        element("main", *shown),
    )
    return ReportPage(html, looks)


def _link(part: Element) -> Element:
    heading = part[0]
    return element("li", element("a", heading.text, href=f"#{heading.get('id')}"))
