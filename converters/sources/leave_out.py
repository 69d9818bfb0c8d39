"""Leaves out the images that a list names by their keys, for example those that a person has looked at and does not want."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from fitfeed.converters.rejects import Reject
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.line_list import read_lines
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import composed, short_repr


class LeftOut(NamedTuple):
    """A source without the images that a list names.

    Attributes:
        example_table: The other images.
        rejects: The rejects of other files.
        left_out: What is left out.
        warnings: How many that are: a line.
    """

    example_table: ExampleTable
    rejects: list[Reject]
    left_out: list[Reject]
    warnings: list[str]


def leave_out(
    example_table: ExampleTable, rejects: Sequence[Reject], ignored: Sequence[Reject], given: GivenPath
) -> LeftOut:
    """Leaves out what a list names. A file that is rejected does not count as bad then.

    Args:
        example_table: The images that are to become examples.
        rejects: Files and rows that cannot become examples.
        ignored: Files that are not meant to become examples. The list may name them.
        given: The list: a text file with one key a line.

    Raises:
        NotFoundError, UsageError: If there is no such list, or a line is not a key of the source: a mistake there
            would put an image into the dataset that is meant to be out. Or if no image is left.
    """
    path = open_place(given, "--leave-out")
    keys = example_table.files.keys.to_list()
    known = {*keys, *(reject.path for reject in (*rejects, *ignored))}
    wanted = _keys(read_lines(path, "--leave-out"), known, path)
    places = {place for place, key in enumerate(keys) if key in wanted}
    if len(places) == len(keys):
        msg = f"--leave-out {path} names every image of SOURCE. Leave one out of the list at least."
        raise UsageError(msg)
    rejected = {reject.path for reject in rejects if reject.path in wanted}
    paths = sorted({*(keys[place] for place in places), *rejected})
    detail = f"ignored: {path.name} names it (--leave-out)"
    return LeftOut(
        example_table.without(places),
        [reject for reject in rejects if reject.path not in wanted],
        [Reject(each, "left_out", detail, handling="ignored") for each in paths],
        [f"--leave-out {path.name} leaves out {len(paths)} images"],
    )


def _keys(lines: Mapping[str, int], known: Collection[str], path: Place) -> set[str]:
    """The keys that lines name: as they are written, else in another Unicode form."""
    wanted = {line for line in lines if line in known}
    others = lines.keys() - wanted
    if not others:
        return wanted
    forms = {composed(key): key for key in known}
    unknown = sorted((line for line in others if composed(line) not in forms), key=lines.__getitem__)
    if unknown:
        hint = _hint(unknown[0], known)
        msg = f"--leave-out {path}, line {lines[unknown[0]]}: {short_repr(unknown[0])} is not a file of SOURCE{hint}. Lines that name none: {len(unknown)} of {len(lines)}. Write a file as its key: its path below SOURCE, with /."
        raise UsageError(msg)
    return wanted | {forms[composed(line)] for line in others}


def _hint(line: str, known: Collection[str]) -> str:
    """A file that may be meant: one of that name, in whatever folder."""
    name = line.replace("\\", "/").rstrip().rpartition("/")[2].casefold()
    found = min((key for key in known if key.rpartition("/")[2].casefold() == name), default=None)
    return f" (did you mean {short_repr(found)}?)" if found else ""
