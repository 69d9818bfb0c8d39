"""The whole page of a dataset."""

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fitfeed.converters.rejects import Reject
from fitfeed.output.training_lines import TRAIN, training_lines
from fitfeed.report import sections, source_sections
from fitfeed.report.duplicate_pairs import find_pairs
from fitfeed.report.elements import Element, element, write_page
from fitfeed.report.facts import drifts, index_tables, outliers, samples_of_classes, split_facts
from fitfeed.report.findings import NOTHING, findings
from fitfeed.report.pictures import Pictures
from fitfeed.report.reject_pictures import RejectPicture, reject_pictures
from fitfeed.report.reject_sources import find_sources
from fitfeed.report.rejected_files import first_rejects
from fitfeed.report.style import STYLE
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.report_page import ReportPage
from fitfeed.schemas.storage.open_place import open_place

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset

MAX_SAMPLES = 1000
"""Pictures of all classes together: at 4 KB each, 4 MB."""

EACH_CLASS, OUTLIERS, MASKED = 8, 6, 12


def report_page(dataset: "Dataset", name: str, *, sources: Sequence[str] = ()) -> ReportPage:
    """Makes the page of a dataset.

    Only the index, the manifest, the small tables beside them and the pictures that are shown are read.

    Args:
        dataset: The dataset.
        name: As the user wrote it.
        sources: What it was converted from, for pictures of rejected files: `SOURCE` or `NAME=SOURCE`, as for `convert`.

    Raises:
        DamagedDatasetError: If what is read, other than pictures, is not what was stored.
        NotFoundError, UsageError: If a source is not there, or is not known to be one of the dataset's.
    """
    manifest, place = dataset.manifest, open_place(dataset.address, "DATASET")
    rejects = first_rejects(place, manifest)
    rejected = _rejected(rejects.values(), manifest, sources) if sources else None
    pictures, tables, trained = Pictures(dataset), index_tables(dataset), manifest.statistics.split
    facts = [split_facts(name, split, tables[name]) for name, split in manifest.splits.items()]
    compared = list(drifts(facts, manifest.class_names, of=trained))
    pairs = find_pairs(tables, place)
    each = max(1, min(EACH_CLASS, MAX_SAMPLES // max(1, len(manifest.class_names))))
    groups = samples_of_classes(tables, manifest, trained, each=each)[:MAX_SAMPLES]
    masked = [example for group in groups for example in group][:MASKED]
    parts = [
        sections.overview(manifest),
        sections.samples(groups, manifest.class_names, trained, pictures),
        source_sections.masks(manifest, masked, pictures),
        sections.balance(manifest),
        sections.splits(facts, compared),
        sections.sizes(facts),
        sections.pixels(manifest),
        sections.outlying(outliers(tables, count=OUTLIERS), pictures),
        sections.duplicates(manifest, pairs, pictures),
        source_sections.rejects(manifest, rejects, rejected),
        source_sections.files(manifest, facts),
        source_sections.making(manifest),
        _training(name, manifest),
    ]
    looks = findings(manifest, compared, pictures.damaged, pairs)
    return ReportPage(_page(name, looks, [part for part in parts if part is not None]), looks)


def _rejected(
    rejects: Iterable[Sequence[Reject]], manifest: Manifest, sources: Sequence[str]
) -> list[RejectPicture]:
    """Pictures of rejected files."""
    found = find_sources(sources, manifest)
    return list(reject_pictures(itertools.chain.from_iterable(rejects), found))


def _training(name: str, manifest: Manifest) -> Element:
    """The lines that train on it."""
    what, *lines = training_lines(name, manifest)
    return sections.section(
        "training",
        "Train on it",
        None if what == TRAIN else element("p", f"{what[:1].upper()}{what[1:]}", class_="faint"),
        element(
            "pre",
            *(element("code", line.removeprefix("  ")) for line in lines),
            tabindex="0",
            role="group",
            aria_label="Python",
        ),
    )


def _page(name: str, looks: Sequence[str], parts: Sequence[Element]) -> str:
    return write_page(
        f"{name}: fitfeed report",
        STYLE,
        element(
            "header",
            element("h1", name),
            element("ul", *(element("li", line, class_="finding") for line in looks))
            if looks
            else element("p", NOTHING),
            element("nav", element("ul", *map(_link, parts)), aria_label="Parts of the page"),
        ),
        element("main", *parts),
    )


def _link(part: Element) -> Element:
    heading = part[0]
    return element("li", element("a", heading.text, href=f"#{heading.get('id')}"))
