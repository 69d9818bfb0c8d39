"""Labels the images of a SOURCE folder: chooses files, pairs masks, and reads classes and splits."""

import dataclasses
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.sources.choose_files import choose_files
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.folder_labels import label_by_folders, without_labels
from fitfeed.converters.sources.image_lookup import ListedPictures, TablePaths, as_written
from fitfeed.converters.sources.listing import Listing
from fitfeed.converters.sources.paired_masks import MASK_LABEL, PairedMasks, pair_masks
from fitfeed.converters.sources.source_hints import detection_hints, empty_folder_hints, mask_hints
from fitfeed.converters.sources.source_options import AS_FOUND, SourceOptions
from fitfeed.converters.sources.split_lists import SplitLists, divide_by_lists, require_lists_alone
from fitfeed.converters.sources.table import Table
from fitfeed.converters.sources.table_labels import label_by_table
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel
from fitfeed.schemas.split_names import usual_split

SHOWN_FOLDERS = 5


class LabeledFolder(NamedTuple):
    """What is in a SOURCE folder, with the class names of the source.

    Attributes:
        example_table: The images that are to become examples.
        rejects: Files and rows that cannot become examples.
        ignored: Files that are not meant to.
        warnings: What a person should know: a line each.
    """

    example_table: ExampleTable
    rejects: list[Reject]
    ignored: list[Reject]
    warnings: list[str]


def label_folder(
    listing: Listing, options: ConvertOptions, reading: SourceOptions = AS_FOUND
) -> LabeledFolder:
    """Labels the images of a SOURCE folder.

    Args:
        listing: What is in it.
        options: Which files are taken, and where labels and splits come from.
        reading: Where labels come from, besides masks, and the lists of splits.

    Raises:
        NotFoundError, UsageError: If options, table or lists do not fit each other, or what is in the folder.
        SplitLeakError: If two lists name the same image.
    """
    _require_fitting(options, reading)
    labels, lists = reading.labels, reading.split_lists
    listing, warnings = choose_files(listing, options)
    paired = None if options.mask_from is None else pair_masks(listing.files, options.mask_from)
    files = listing.files if paired is None else FileColumns.of(paired.images)
    hints = detection_hints(files.paths, listing.ignored)
    if labels is not None and labels != "none":
        found = _by_table(listing, options, Table(labels, reading.table_format), decides_split=not lists)
    else:
        found = _by_folders(listing, files, options, labels, hints, decides_split=not lists)
    if paired is not None:
        found = _with_masks(found, paired)
    if lists:
        found = _with_lists(found, listing, lists)
    return found._replace(warnings=[*warnings, *found.warnings, *hints])


def _require_fitting(options: ConvertOptions, reading: SourceOptions) -> None:
    labels = reading.labels
    needs_table = options.needs_table or reading.table_format.given_flag
    if labels in (None, "none") and needs_table is not None:
        msg = f"{needs_table} needs a table of labels. Add --labels TABLE, or give a .csv, .tsv or .jsonl file as SOURCE."
        raise UsageError(msg)
    if labels not in (None, "none") and options.mask_from is not None:
        msg = "--mask-from pairs images with masks where there is no table, and --labels names one. Give the table a column of masks: --label-column COLUMN:mask, or leave --labels out."
        raise UsageError(msg)
    if reading.split_lists:
        require_lists_alone(options)


def _by_folders(
    listing: Listing,
    files: FileColumns,
    options: ConvertOptions,
    labels: Literal["none"] | None,
    hints: list[str],
    *,
    decides_split: bool,
) -> LabeledFolder:
    if labels == "none":
        example_table, warnings = without_labels(files, options, decides_split=decides_split)
        return LabeledFolder(example_table, listing.rejects, listing.ignored, warnings)
    try:
        example_table, rejects, warnings = label_by_folders(files, options, decides_split=decides_split)
    except UsageError as error:
        if not hints:
            raise
        raise UsageError(*error.args, *hints) from None
    warnings += mask_hints(example_table.files.paths, example_table.class_names)
    warnings += empty_folder_hints(listing.empty_folders)
    return LabeledFolder(example_table, [*listing.rejects, *rejects], listing.ignored, warnings)


def _by_table(
    listing: Listing, options: ConvertOptions, table: Table, *, decides_split: bool
) -> LabeledFolder:
    paths = TablePaths(listing.links, table.path)
    find = ListedPictures(listing.files, paths).find
    found = label_by_table(table, find, paths, options, decides_split=decides_split)
    unnamed = [path for path in listing.files.paths if path not in found.named]
    ignored = [
        Reject(text_path(path), "label_invalid", f"ignored: no row of {table.name} names it", "ignored")
        for path in unnamed
    ]
    warnings = [*found.warnings, *_folders_without_rows(listing, unnamed, table)]
    return LabeledFolder(
        found.example_table, [*listing.rejects, *found.rejects], [*listing.ignored, *ignored], warnings
    )


def _folders_without_rows(listing: Listing, unnamed: Sequence[str], table: Table) -> list[str]:
    """Warns of top-level folders with many images of which no row names any: a table may be of one split alone."""
    count_of = Counter(path.split("/", 1)[0] for path in listing.files.paths if "/" in path)
    unnamed_of = Counter(path.split("/", 1)[0] for path in unnamed if "/" in path)
    whole = [folder for folder, count in sorted(unnamed_of.items()) if count == count_of[folder]]
    return [
        f"no row of {table.name} names any of the {count_of[folder]} images in {text_path(folder)}/, so all are left out; "
        f"one table with a row for every image takes them, too{_as_class_folders(listing.links.roots, folder, unnamed, table)}"
        for folder in whole[:SHOWN_FOLDERS]
    ]


def _as_class_folders(roots: Sequence[str], folder: str, unnamed: Sequence[str], table: Table) -> str:
    """What else takes images that are in class folders: another source, or a dataset of their own with the same classes."""
    if not any(path.startswith(f"{folder}/") and path.count("/") > 1 for path in unnamed):
        return ""
    source, dataset = shlex.quote(f"{roots[-1]}/{folder}"), shlex.quote(f"{folder}-dataset")
    # The images of a source without splits are `train`, and the paths of a table that is a source begin at its folder.
    if usual_split(folder) == "train" and as_written(table.path.split()[0]) in roots:
        return (
            f". Or take both as sources, with a column in the table that says the split of its images: fitfeed convert {source} "
            f"{shlex.quote(str(table.path))} DATASET --split-column COLUMN"
        )
    return (
        f". Or make two datasets with the same classes: fitfeed convert {source} {dataset}, and then the command of this one "
        f"with --classes-from {dataset}"
    )


def _with_masks(found: LabeledFolder, paired: PairedMasks) -> LabeledFolder:
    """Gives each image its mask as another label."""
    table = found.example_table
    masks = [paired.mask_of[path] for path in table.files.paths]
    return found._replace(
        example_table=dataclasses.replace(
            table,
            labels={**table.labels, MASK_LABEL: masks},
            features={**table.features, MASK_LABEL: PlannedLabel(kind="mask")},
        ),
        rejects=[*found.rejects, *paired.rejects],
        ignored=[*found.ignored, *paired.ignored],
    )


def _with_lists(found: LabeledFolder, listing: Listing, lists: SplitLists) -> LabeledFolder:
    """Gives each image the split of the list that names it."""
    divided = divide_by_lists(found.example_table, listing.files, TablePaths(listing.links), lists)
    return LabeledFolder(
        divided.example_table,
        [*found.rejects, *divided.rejects],
        [*found.ignored, *divided.left_out],
        [*found.warnings, *divided.warnings],
    )
