"""Finds out what is in a source: images with their labels, and files that cannot become examples."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject
from fitfeed.converters.sources.arrange_classes import ClassLists, arrange_classes
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.image_lookup import NamedPictures, TablePaths
from fitfeed.converters.sources.label_folder import label_folder
from fitfeed.converters.sources.leave_out import leave_out
from fitfeed.converters.sources.open_folder import list_source, open_folder
from fitfeed.converters.sources.path_groups import groups_from_paths
from fitfeed.converters.sources.source_folder import SourceFolder
from fitfeed.converters.sources.source_hints import foreign_hints
from fitfeed.converters.sources.source_options import AS_FOUND, SourceOptions
from fitfeed.converters.sources.table import Table, is_table
from fitfeed.converters.sources.table_labels import label_by_table
from fitfeed.converters.sources.unicode_forms import form_warnings
from fitfeed.converters.user_path import UserPath, folder_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import MAX_CLASS_NAMES, MAX_CLASSES
from fitfeed.schemas.manifest import MANIFEST_NAME
from fitfeed.schemas.manifest_parts import SourceKind
from fitfeed.schemas.text import composed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Discovery:
    """What is in a source.

    Attributes:
        root: Folder that all paths are relative to.
        kind: What lists the images.
        example_table: The images that are to become examples.
        rejects: Files and rows that cannot become examples, and count as bad.
        ignored: Files that are not meant to become examples.
        links: Where the links of the source lead.
        warnings: What a person should know of it before it is converted: a line each.
    """

    root: UserPath
    kind: SourceKind
    example_table: ExampleTable
    rejects: list[Reject]
    ignored: list[Reject]
    links: LinkReport
    warnings: list[str] = dataclasses.field(default_factory=list)


def find_examples(
    source: UserPath,
    options: ConvertOptions,
    reading: SourceOptions = AS_FOUND,
    *,
    held: ClassLists | None = None,
) -> Discovery:
    """Lists a source, labels its images by their folders or by a table, and names and numbers their classes.

    Args:
        source: A folder of images, or a table that names them.
        options: Where labels and splits come from.
        reading: What else is said of the source.
        held: Label name to the classes of the dataset that images are appended to; None without it.

    Raises:
        NotFoundError, UsageError: If the source or the table is not there, or is not what it must be.
        ConversionError: If listing failed for another reason.
    """
    found = _find_labeled(source, options, reading)
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
        groups = groups_from_paths(example_table.files, options.group_from)
    if groups is not None:  # a group in two Unicode forms is one group, which no two splits may have
        example_table = dataclasses.replace(example_table, groups=[composed(group) for group in groups])
    arranged = arrange_classes(example_table, options, held)
    _check_classes(arranged.example_table)
    return Discovery(
        root=found.root,
        kind=found.kind,
        example_table=arranged.example_table,
        rejects=[reject for reject in found.rejects if reject.handling == "rejected"],
        ignored=[
            *found.ignored,
            *(reject for reject in found.rejects if reject.handling == "ignored"),
            *arranged.left_out,
        ],
        links=found.links.report(arranged.example_table.all_paths()),
        warnings=[
            *found.warnings,
            *arranged.warnings,
            *form_warnings(arranged.example_table.files),
            *foreign_hints(found.ignored),
        ],
    )


class _Labeled(NamedTuple):
    """What is in a source, with the class names of the source."""

    root: UserPath
    kind: SourceKind
    links: SourceFolder
    example_table: ExampleTable
    rejects: list[Reject]
    ignored: list[Reject]
    warnings: list[str]


def _find_labeled(source: UserPath, options: ConvertOptions, reading: SourceOptions) -> _Labeled:
    if is_table(source):
        _require_alone(source, options, reading)
        root, table = folder_of(source), Table(source, reading.table_format)
        source_links = open_folder(root, reading.links)
        paths = TablePaths(source_links)
        found = label_by_table(table, NamedPictures(paths).find, paths, options)
        source_links.require_none()
        return _Labeled(root, "table", source_links, found.example_table, found.rejects, [], found.warnings)
    _refuse_dataset(source)
    listing = list_source(source, reading.links)
    folder = label_folder(listing, options, reading)
    return _Labeled(
        source,
        "folder",
        listing.links,
        folder.example_table,
        folder.rejects,
        folder.ignored,
        folder.warnings,
    )


def _require_alone(source: UserPath, options: ConvertOptions, reading: SourceOptions) -> None:
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


def _refuse_dataset(source: UserPath) -> None:
    if _is_dataset(source):
        msg = f"SOURCE {source} is a fitfeed dataset, and none is converted again. Expected a folder or a table of images. Give the images that it was made from; in Python, open_dataset(...).records(split) has the stored ones."
        raise UsageError(msg)


def _is_dataset(source: UserPath) -> bool:
    """Whether a folder has the manifest and the index of a dataset. Other programs write a `manifest.json`, too."""
    if isinstance(source, Path):
        return (source / MANIFEST_NAME).is_file() and any(source.glob("*.index.arrow"))
    try:
        source.find(MANIFEST_NAME)
        return any(found.name.endswith(".index.arrow") for found in source.files())
    except OSError:  # listing it will say what is wrong
        return False


def _check_classes(example_table: ExampleTable) -> None:
    for name, label in example_table.features.items():
        names = label.class_names
        if len(names) > MAX_CLASSES or sum(map(len, names)) > MAX_CLASS_NAMES:
            msg = f"{name!r} has {len(names)} different classes, more than a manifest can name ({MAX_CLASSES}, or {MAX_CLASS_NAMES} characters together). Is it a text? Then give --label-column COLUMN:text."
            raise UsageError(msg)
