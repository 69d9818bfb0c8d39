"""Joins what is in several sources: numbers them, and makes one table of their examples.

```text
photos/  cat/1.jpg  ->  cat/1.jpg           source 0
site2/   cat/1.jpg  ->  site2/cat/1.jpg     source 1
```
"""

import dataclasses
import itertools
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import SourceRoot
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.given_source import GivenSource, check_source_name, folder_name
from fitfeed.converters.sources.labeled_source import LabeledSource
from fitfeed.converters.sources.links import SHOWN_LINKS
from fitfeed.converters.sources.number_classes import renumber_classes
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.class_order import ClassOrder
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel
from fitfeed.schemas.text import short_repr

MAX_SOURCES = 1 << 15
"""The index has their numbers in 16 bits."""


class HeldSources(Protocol):
    """The sources of the dataset that images are appended to.

    Attributes:
        names: Their names, by number.
    """

    names: list[str]

    def recognize(self, root: SourceRoot, files: FileColumns) -> int | None:
        """The number of the source that these files are of, though it has another name now; None if it is none of them."""

    def has_below(self, prefix: str) -> bool:
        """Whether the key of an example begins so."""


class JoinedSources(NamedTuple):
    """What is in all sources, with the class names of the sources.

    Attributes:
        roots: The sources.
        example_table: The images that are to become examples.
        rejects: Files and rows that cannot become examples.
        ignored: Files that are not meant to.
        warnings: What a person should know: a line each.
    """

    roots: list[SourceRoot]
    example_table: ExampleTable
    rejects: list[Reject]
    ignored: list[Reject]
    warnings: list[str]


def join_sources(
    given: Sequence[GivenSource], found: Sequence[LabeledSource], held: HeldSources | None
) -> JoinedSources:
    """Makes one source of several.

    Args:
        given: The sources as they were given.
        found: What is in each.
        held: The sources of the dataset that images are appended to; None without it.

    Raises:
        UsageError: If two sources have one name, keys could be equal, or labels differ.
    """
    roots, warnings = _numbered(given, found, held)
    if len(roots) == 1 and not roots[0].number:
        only = found[0]
        return JoinedSources(roots, only.example_table, only.rejects, only.ignored, only.warnings)
    tables = [_placed(source.example_table, root) for source, root in zip(found, roots, strict=True)]
    both = list(zip(found, roots, strict=True))
    return JoinedSources(
        roots,
        tables[0] if len(tables) == 1 else _united(tables, roots),
        [_renamed(reject, root) for source, root in both for reject in source.rejects],
        [_renamed(reject, root) for source, root in both for reject in source.ignored],
        [
            *warnings,
            *(
                f"{root.name}: {warning}" if len(roots) > 1 else warning
                for source, root in both
                for warning in source.warnings
            ),
        ],
    )


def report_links(
    found: Sequence[LabeledSource], roots: Sequence[SourceRoot], example_table: ExampleTable
) -> LinkReport:
    """Where the links of all sources lead.

    Args:
        found: What is in each source.
        roots: The sources.
        example_table: Their images, joined.
    """
    reports = []
    for source, root in zip(found, roots, strict=True):
        files = (file for file in example_table.all_files() if file.source == root.number)
        report = source.links.report(root.below(file.path) for file in files)
        first = {root.prefix + link: place for link, place in report.first.items()}
        reports.append(dataclasses.replace(report, first=first))
    links = itertools.chain.from_iterable(report.first.items() for report in reports)
    return LinkReport(
        outside_files=sum(report.outside_files for report in reports),
        outside_links=sum(report.outside_links for report in reports),
        first=dict(itertools.islice(links, SHOWN_LINKS)),
        not_followed=sum(report.not_followed for report in reports),
    )


def _numbered(
    given: Sequence[GivenSource], found: Sequence[LabeledSource], held: HeldSources | None
) -> tuple[list[SourceRoot], list[str]]:
    """The sources with their numbers and prefixes, and what a person should know of them."""
    there = [] if held is None else list(held.names)
    roots: list[SourceRoot] = []
    warnings: list[str] = []
    for source, labeled in zip(given, found, strict=True):
        folder = labeled.folder.choose(local=lambda path: str(path.resolve()), far=str)
        name = source.name if source.name is not None else folder_name(folder)
        root = SourceRoot(number=0, name=name, kind=labeled.kind, folder=folder, raw=labeled.raw)
        number = there.index(name) if name in there else None
        if number is None and held is not None and source.name is None:
            number = held.recognize(root, labeled.example_table.files)
        if number is None:
            number = len(there)
            there.append(name)
            _require_room(root, number, held)
            if held is not None and source.name is None:
                warnings.append(
                    f"{source.path} is a further source of the dataset, and its keys begin with {name}/; if it is the "
                    f"source {there[0]} in another place, write {there[0]}={source.path}"
                )
        prefix = f"{there[number]}/" if number else ""
        roots.append(dataclasses.replace(root, number=number, name=there[number], prefix=prefix))
    _require_other_names(given, roots)
    _require_other_keys(found, roots)
    return roots, warnings


def _require_room(root: SourceRoot, number: int, held: HeldSources | None) -> None:
    """Checks that a further source can begin its keys with its name."""
    if number:
        check_source_name(root.name)
    if number >= MAX_SOURCES:
        msg = f"a dataset can have {MAX_SOURCES} sources. Put several into one folder."
        raise UsageError(msg)
    if number and held is not None and held.has_below(f"{root.name}/"):
        raise UsageError(_taken(root, "the dataset has keys"))


def _require_other_names(given: Sequence[GivenSource], roots: Sequence[SourceRoot]) -> None:
    times = Counter(root.number for root in roots)
    same = [source.path for source, root in zip(given, roots, strict=True) if times[root.number] > 1]
    if same:
        name = next(root.name for root in roots if times[root.number] > 1)
        named = " ".join(f"{name}{number}={path}" for number, path in enumerate(same, start=1))
        msg = f"{len(same)} sources are called {short_repr(name)}: {', '.join(map(str, same))}. Their keys would be the same. Give each a name: {named}."
        raise UsageError(msg)


def _require_other_keys(found: Sequence[LabeledSource], roots: Sequence[SourceRoot]) -> None:
    """Checks that no file of the first source has a path that begins like the keys of another one."""
    first = next((source for source, root in zip(found, roots, strict=True) if not root.number), None)
    others = [root for root in roots if root.number]
    if first is None or not others:
        return
    heads = {path.partition("/")[0] for path in first.example_table.files.paths if "/" in path}
    for root in others:
        if root.name in heads:
            raise UsageError(_taken(root, f"SOURCE {first.folder} has paths"))


def _taken(root: SourceRoot, who: str) -> str:
    return f"the keys of the source {root.folder} begin with its name, {root.name}/, and {who} that begin so, too. Give it another name: {root.name}2={root.folder}."


def _placed(table: ExampleTable, root: SourceRoot) -> ExampleTable:
    """The examples with the paths that they have among all sources."""
    labels: dict[str, Sequence[Any]] = {
        name: [mask.of(root) for mask in values] if table.kinds[name] == "mask" else values
        for name, values in table.labels.items()
    }
    return dataclasses.replace(table, files=table.files.of_source(root), labels=labels)


def _renamed(reject: Reject, root: SourceRoot) -> Reject:
    return dataclasses.replace(reject, path=root.prefix + reject.path)


def _united(tables: Sequence[ExampleTable], roots: Sequence[SourceRoot]) -> ExampleTable:
    """One table of several with the same labels, whose classes are united by name."""
    first = tables[0]
    for table, root in zip(tables[1:], roots[1:], strict=True):
        if _facts(table) != _facts(first):
            msg = f"sources must have the same labels. {roots[0].name} has {_described(first)}, and {root.name} has {_described(table)}. Name the label columns alike, leave labels out with --labels none, or make two datasets."
            raise UsageError(msg)
        if (table.groups is None) != (first.groups is None):
            msg = f"--group is a column of some sources only: of {roots[0].name} or {root.name}, not of both. Give --group-from REGEX, which reads the group from the path of each image."
            raise UsageError(msg)
    features: dict[str, PlannedLabel] = {}
    labels: dict[str, Sequence[Any]] = {}
    for name in first.features:
        label, new = _united_classes([table.features[name] for table in tables])
        values = [table.labels[name] for table in tables]
        if label.class_names:
            values = [renumber_classes(some, each) for some, each in zip(values, new, strict=True)]
        features[name] = label
        together = itertools.chain.from_iterable(values)
        are_packed = all(isinstance(each, array) for each in values)
        labels[name] = array("i", together) if are_packed else list(together)
    groups = None if first.groups is None else [group for table in tables for group in table.groups or ()]
    return ExampleTable(
        files=FileColumns.joined([table.files for table in tables]),
        labels=labels,
        features=features,
        splits=Categories.of(split for table in tables for split in table.splits),
        groups=groups,
    )


def _united_classes(
    labels: Sequence[PlannedLabel],
) -> tuple[PlannedLabel, list[list[int]]]:
    """A label with the classes of several, and which number the classes of each get.

    An order that all of them have stays. Else the one rule for all sources decides (`arrange_classes`).
    """
    names = list(dict.fromkeys(name for label in labels for name in label.class_names))
    number_of = {name: number for number, name in enumerate(names)}
    same = all(label.class_names == labels[0].class_names for label in labels)
    order: ClassOrder = "given" if same and any(label.class_order == "given" for label in labels) else "text"
    united = dataclasses.replace(
        labels[0], class_names=names, class_order=order if names else labels[0].class_order
    )
    return united, [[number_of[name] for name in label.class_names] for label in labels]


def _facts(table: ExampleTable) -> dict[str, tuple[str, list[str]]]:
    """What must be the same in all sources."""
    return {name: (label.kind, label.value_names) for name, label in table.features.items()}


def _described(table: ExampleTable) -> str:
    labels = table.features.items()
    described = [
        f"{name}:{label.kind}" + (f" of {', '.join(label.value_names)}" if label.value_names else "")
        for name, label in labels
    ]
    return f"the labels {', '.join(described)}" if described else "no labels"
