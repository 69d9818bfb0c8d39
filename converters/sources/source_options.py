"""What is said of sources for one run, besides the options that a dataset records."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Literal, Self

from fitfeed.converters.sources.links import Links
from fitfeed.converters.sources.listed import Listed, ignore_files
from fitfeed.converters.sources.split_lists import SplitLists, named_lists
from fitfeed.converters.sources.table_text import FOUND, TableFormat
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place

LabelSource = os.PathLike[str] | Place | Literal["none"] | None
"""A table of labels; `none`: images have no labels; None: class folders."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How sources are read. No dataset records it.

    Attributes:
        labels: Where the labels of a folder come from.
        split_lists: Split to the file that lists its images; empty without such lists.
        leave_out: A list of keys of images that are left out; None for no list.
        links: Whether links that lead out of a source are followed or refused.
        table_format: How tables are written, as far as it is given.
        listed: Is told of the files of folders as they are found.
    """

    labels: LabelSource = None
    split_lists: SplitLists = dataclasses.field(default_factory=dict)
    leave_out: GivenPath | None = None
    links: Links = "follow"
    table_format: TableFormat = FOUND
    listed: Listed = ignore_files

    @classmethod
    def of(
        cls,
        *,
        labels: GivenPath | None,
        split_lists: Mapping[str, GivenPath] | None,
        leave_out: GivenPath | None,
        links: Links,
        table_encoding: str | None,
        table_separator: str | None,
        listed: Listed = ignore_files,
    ) -> Self:
        """Takes what a user gives: see `fitfeed.convert`.

        Raises:
            UsageError: If a path is an address of something else than a store, or a split has a wrong name.
        """
        return cls(
            labels="none" if labels == "none" else None if labels is None else open_place(labels, "--labels"),
            split_lists=named_lists(split_lists or {}),
            leave_out=None if leave_out is None else open_place(leave_out, "--leave-out"),
            links=links,
            table_format=TableFormat(table_encoding, table_separator),
            listed=listed,
        )


AS_FOUND = SourceOptions()
"""Nothing is said."""
