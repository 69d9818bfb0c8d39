"""Finds out what is in a source: images with their labels, and files that cannot become examples."""

import dataclasses
import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.options import TABLE_OPTIONS, ConvertOptions
from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import SourceRoot
from fitfeed.converters.sources.arrange_classes import ClassLists, arrange_classes
from fitfeed.converters.sources.dataset_source import is_dataset, read_dataset
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.given_source import GivenSource, Sources, given_sources
from fitfeed.converters.sources.image_lookup import NamedPictures, TablePaths
from fitfeed.converters.sources.join_sources import HeldSources, join_sources, report_links
from fitfeed.converters.sources.label_folder import label_folder
from fitfeed.converters.sources.labeled_source import LabeledSource
from fitfeed.converters.sources.leave_out import leave_out
from fitfeed.converters.sources.open_folder import list_source, open_folder
from fitfeed.converters.sources.path_groups import groups_from_paths
from fitfeed.converters.sources.shell_pattern import pattern_hint
from fitfeed.converters.sources.source_hints import foreign_hints
from fitfeed.converters.sources.source_options import AS_FOUND, SourceOptions
from fitfeed.converters.sources.table import Table, is_table
from fitfeed.converters.sources.table_labels import label_by_table
from fitfeed.converters.sources.table_text import FOUND
from fitfeed.converters.sources.tfds_json import is_tfds_folder
from fitfeed.converters.sources.tfds_source import read_tfds_folder
from fitfeed.converters.sources.unicode_forms import form_warnings
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import MAX_CLASS_NAMES, MAX_CLASSES
from fitfeed.schemas.manifest_parts import SourceKind
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import composed

FOLDER_OPTIONS = ("include", "exclude", "mask_from", "class_from", "split_folders")
"""Options that say which files of a folder are taken, and how its folders are read."""

DATASET_OPTIONS = frozenset({"include", "exclude", "group"})
"""Those of folders and tables that choose and group examples of a dataset, too."""

DEFAULTS = ConvertOptions()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Discovery:
    """What is in all sources.

    Attributes:
        roots: The sources.
        example_table: The images that are to become examples.
        rejects: Files and rows that cannot become examples, and count as bad.
        ignored: Files that are not meant to become examples.
        links: Where the links of the source lead.
        warnings: What a person should know of it before it is converted: a line each.
    """

    roots: list[SourceRoot]
    example_table: ExampleTable
    rejects: list[Reject]
    ignored: list[Reject]
    links: LinkReport
    warnings: list[str] = dataclasses.field(default_factory=list)


def find_examples(
    source: Sources,
    options: ConvertOptions,
    reading: SourceOptions = AS_FOUND,
    *,
    held: ClassLists | None = None,
    held_sources: HeldSources | None = None,
) -> Discovery:
    """Lists sources, labels their images by folders, tables or indexes, and names and numbers their classes.

    Args:
        source: A folder of images, a table that names them, or a dataset; or several of these.
        options: Where labels and splits come from.
        reading: What else is said of the source.
        held: Label name to the classes of the dataset that images are appended to; None without it.
        held_sources: The sources of that dataset.

    Raises:
        NotFoundError, UsageError: If the source or the table is not there, or is not what it must be.
        ConversionError: If listing failed for another reason.
    """
    given = given_sources(source)
    _require_one(given, reading)
    sources = _find_each(given, options, reading)
    found = join_sources(given, sources, held_sources)
    if reading.leave_out is not None:
        left = leave_out(found.example_table, found.rejects, found.ignored, reading.leave_out)
        found = found._replace(
            example_table=left.example_table,
            rejects=left.rejects,
            ignored=[*found.ignored, *left.left_out],
            warnings=[*found.warnings, *left.warnings],
        )
    example_table = found.example_table
    groups = example_table.groups
    if options.group_from is not None:
        groups = groups_from_paths(example_table.files.keys, options.group_from)
    if groups is not None:  # a group in two Unicode forms is one group, which no two splits may have
        example_table = dataclasses.replace(example_table, groups=[composed(group) for group in groups])
    arranged = arrange_classes(example_table, options, held)
    _check_classes(arranged.example_table)
    return Discovery(
        roots=found.roots,
        example_table=arranged.example_table,
        rejects=[reject for reject in found.rejects if reject.handling == "rejected"],
        ignored=[
            *found.ignored,
            *(reject for reject in found.rejects if reject.handling == "ignored"),
            *arranged.left_out,
        ],
        links=report_links(sources, found.roots, arranged.example_table),
        warnings=[
            *found.warnings,
            *arranged.warnings,
            *form_warnings(arranged.example_table.files.keys),
            *foreign_hints(found.ignored),
        ],
    )


def _find_labeled(
    source: Place, kind: SourceKind, options: ConvertOptions, reading: SourceOptions
) -> LabeledSource:
    if kind == "table":
        _require_alone(source, options, reading)
        root, table = source.split()[0], Table(source, reading.table_format)
        source_links = open_folder(root, reading.links)
        paths = TablePaths(source_links)
        found = label_by_table(table, NamedPictures(paths).find, paths, options)
        source_links.require_none()
        return LabeledSource(
            root, "table", source_links, found.example_table, found.rejects, [], found.warnings
        )
    if kind == "dataset":
        read = read_dataset if is_dataset(source) else read_tfds_folder
        return read(source, options, reading)
    listing = list_source(source, reading.links, listed=reading.listed)
    folder = label_folder(listing, options, reading)
    return LabeledSource(
        source,
        "folder",
        listing.links,
        folder.example_table,
        folder.rejects,
        folder.ignored,
        folder.warnings,
    )


def _require_alone(source: Place, options: ConvertOptions, reading: SourceOptions) -> None:
    """Checks that nothing else is to say which images of a table are taken, or what they are labeled."""
    if reading.labels is not None:
        msg = f"SOURCE {source} is a table of labels itself, so it takes no --labels. Received: --labels {reading.labels}. Leave it out, or give the folder of the images as SOURCE."
        raise UsageError(msg)
    given = {
        "--include": options.include,
        "--exclude": options.exclude,
        "--mask-from": options.mask_from,
        "--split-list": reading.split_lists,
    }
    for flag, value in given.items():
        if value:
            msg = f"SOURCE {source} is a table, which names each image itself, so it takes no {flag}. Leave it out, or give the folder of the images as SOURCE, and the table as --labels."
            raise UsageError(msg)


def _find_each(
    given: Sequence[GivenSource], options: ConvertOptions, reading: SourceOptions
) -> list[LabeledSource]:
    """What is in each source. Its kind is asked for once: for a place in a store, that is a request."""
    kinds: list[SourceKind] = []
    for source in given:
        with _naming(source, given):
            kinds.append(_kind_of(source.path))
    found, all_kinds = [], frozenset(kinds)
    for source, kind in zip(given, kinds, strict=True):
        with _naming(source, given):
            found.append(_find_labeled(source.path, kind, *_about(kind, all_kinds, options, reading)))
    return found


@contextmanager
def _naming(source: GivenSource, given: Sequence[GivenSource]) -> Iterator[None]:
    """Lets an error say in which of several sources it is, and where they likely come from."""
    try:
        yield
    except UsageError as error:
        if len(given) == 1:
            raise
        first, *others = error.args
        hint = pattern_hint([each.path for each in given])
        named = first if str(source.path) in first else f"SOURCE {source.path}: {first}"
        raise UsageError(named, *others, *([hint] if hint else [])) from error


def _about(
    kind: SourceKind, kinds: Collection[SourceKind], options: ConvertOptions, reading: SourceOptions
) -> tuple[ConvertOptions, SourceOptions]:
    """What is said about one of several sources: columns are about the table and not the folder beside it, and so on."""
    of_others: set[str] = set()
    if "table" in kinds and kind != "table":
        of_others.update(TABLE_OPTIONS)
        reading = dataclasses.replace(reading, table_format=FOUND)
    if "folder" in kinds and kind != "folder":
        of_others.update(FOLDER_OPTIONS)
    if kind == "dataset":
        of_others -= DATASET_OPTIONS
    unsaid: dict[str, Any] = {name: getattr(DEFAULTS, name) for name in of_others}
    return dataclasses.replace(options, **unsaid), reading


def _kind_of(source: Place) -> SourceKind:
    if is_table(source):
        return "table"
    return "dataset" if is_dataset(source) or is_tfds_folder(source) else "folder"


def _require_one(given: Sequence[GivenSource], reading: SourceOptions) -> None:
    """Checks that nothing is said of one source that does not say of which."""
    if len(given) < 2:
        return
    if reading.labels not in (None, "none"):
        msg = (
            f"--labels is about one SOURCE, and there are {len(given)}. A table in a folder above all of them names their images as a SOURCE "
            f"itself: fitfeed convert TABLE DATASET. Or {_one_after_another(given, '--labels TABLE')}"
        )
        raise UsageError(msg)
    if reading.split_lists:
        msg = f"--split-list is about one SOURCE, and there are {len(given)}. Instead, {_one_after_another(given, '--split-list NAME=FILE')}"
        raise UsageError(msg)


def _one_after_another(given: Sequence[GivenSource], flag: str) -> str:
    first, second, *others = map(_as_argument, given)
    more = ", and so on" if others else ""
    return (
        f"convert one after the other, each with its own: fitfeed convert {first} DATASET {flag}, "
        f"then fitfeed convert {second} DATASET --append {flag}{more}."
    )


def _as_argument(source: GivenSource) -> str:
    name = "" if source.name is None else f"{source.name}="
    return shlex.quote(f"{name}{source.path}")


def _check_classes(example_table: ExampleTable) -> None:
    for name, label in example_table.features.items():
        names = label.class_names
        if len(names) > MAX_CLASSES or sum(map(len, names)) > MAX_CLASS_NAMES:
            msg = f"{name!r} has {len(names)} different classes, more than a manifest can name ({MAX_CLASSES}, or {MAX_CLASS_NAMES} characters together). Is it a text? Then give --label-column COLUMN:text."
            raise UsageError(msg)
