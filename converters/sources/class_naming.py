"""Says what the classes of a source are called in the dataset, and which are left out."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from fitfeed.converters.sources.class_spelling import match_known, spellings, without_point
from fitfeed.schemas.class_order import natural_order, sort_classes
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.text import composed, short_repr

SHOWN_NAMES = 5


class NamedClasses(NamedTuple):
    """The names of the classes of a label.

    Attributes:
        names: For each class of the source its name in the dataset; several may have the same.
        dropped: Numbers of the classes of the source that are left out.
        warnings: What a person should know of it: a line each.
    """

    names: list[str]
    dropped: set[int]
    warnings: list[str]


def name_classes(
    source: Sequence[str],
    *,
    renames: Mapping[str, str],
    drops: Collection[str],
    known: Collection[str] = frozenset(),
    strict: bool = True,
) -> NamedClasses:
    """Names the classes of a label: one spelling, then the names of `--rename-class`, without those of `--drop-classes`.

    Args:
        source: The class names of the source.
        renames: Names of classes to the names that they get.
        drops: Names of classes to leave out, after they were renamed.
        known: Names that the dataset has anyway. A class that is one of them is spelled like it.
        strict: Whether each class that is renamed or left out must be there.

    Raises:
        UsageError: If one is not there.
    """
    written = [composed(name) for name in source]
    spelled = spellings(source)
    old = [spelled[name] for name in source]
    chosen = _chosen(renames, old, "--rename-class", strict=strict)
    new = [composed(renames[chosen[name]]) if name in chosen else name for name in old]
    left_out = _chosen(drops, new, "--drop-classes", strict=strict)
    dropped = {number for number, name in enumerate(new) if name in left_out}
    kept = spellings([name for number, name in enumerate(new) if number not in dropped])
    exact = {name: name for name in written if name in known}
    near = match_known(new, known)
    names = [
        (exact.get(text) if name not in chosen else None) or near.get(fresh) or kept.get(fresh, fresh)
        for text, name, fresh in zip(written, old, new, strict=True)
    ]
    warnings = [*_form_warnings(written), *_number_warnings(written, names), *_merge_warnings(old, new)]
    return NamedClasses(names, dropped, warnings)


def _chosen(asked: Iterable[str], names: Sequence[str], flag: str, *, strict: bool) -> dict[str, str]:
    """The classes that an option names, to how it writes them."""
    there = set(names)
    chosen: dict[str, str] = {}
    for text in asked:
        found = next((each for each in (composed(text), spellings([text])[text]) if each in there), None)
        if found is not None:
            chosen[found] = text
        elif strict:
            raise UsageError(_unknown(flag, text, sort_classes(there, natural_order(there))))
    return chosen


def _unknown(flag: str, text: str, names: Sequence[str]) -> str:
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(text.casefold(), folded, n=1)
    hint = f"Did you mean {short_repr(folded[near[0]])}? " if near else ""
    return f"{flag} names {short_repr(text)}, which is not a class of SOURCE. {hint}Its classes are: {listed(names)}."


def listed(names: Sequence[str], counts: Mapping[str, int] | None = None) -> str:
    """Class names for a message, the first of them; with how many images each has, if that is known."""
    shown = [
        short_repr(name) if counts is None else f"{short_repr(name)} ({counts[name]} images)"
        for name in names[:SHOWN_NAMES]
    ]
    more = [f"and {len(names) - SHOWN_NAMES} more"] if len(names) > SHOWN_NAMES else []
    return ", ".join([*shown, *more])


def _form_warnings(written: Sequence[str]) -> list[str]:
    alike = [name for name, times in Counter(written).items() if times > 1]
    if not alike:
        return []
    return [f"class names that differ only in their Unicode form (NFC, NFD) are one class: {listed(alike)}"]


def _number_warnings(written: Sequence[str], names: Sequence[str]) -> list[str]:
    whole = {text for text, name in zip(written, names, strict=True) if without_point(text) == name != text}
    if not whole:
        return []
    shown = listed(sorted(whole))
    return [f"all class names are whole numbers, so they are written without a decimal point: {shown}"]


def _merge_warnings(names: Sequence[str], new: Sequence[str]) -> list[str]:
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for old, name in zip(names, new, strict=True):
        parts[name].add(old)
    return [
        f"--rename-class makes one class {short_repr(name)} of {listed(sorted(olds))}"
        for name, olds in parts.items()
        if len(olds) > 1
    ]
