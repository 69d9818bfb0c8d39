"""Names and orders the classes of a source as the options say: the one place that folders and tables go through.

```text
names of the source -> one spelling -> --rename-class -> --drop-classes -> order: given, by number, or as text
```
"""

import dataclasses
import itertools
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from fitfeed.converters.option_parts.classes import ClassOptions, SortedBy
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.sources.class_naming import NamedClasses, listed, name_classes
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.number_classes import renumber_classes
from fitfeed.schemas.class_order import natural_order, sort_classes
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import PlannedLabel
from fitfeed.schemas.text import composed, short_repr

ClassLists = Mapping[str, Sequence[str]]
"""Label name to class names."""

MAX_DROPPED = 50
"""Classes that a message names in an option to be pasted: all of them, or it would be refused again."""


class ArrangedClasses(NamedTuple):
    """Examples whose classes are named and numbered as in the dataset.

    Attributes:
        example_table: The examples.
        left_out: The images that `--drop-classes` leaves out.
        warnings: What a person should know of it: a line each.
    """

    example_table: ExampleTable
    left_out: list[Reject]
    warnings: list[str]


def arrange_classes(
    example_table: ExampleTable, options: ClassOptions, held: ClassLists | None = None
) -> ArrangedClasses:
    """Names, leaves out and numbers the classes of all labels.

    `--class-order` is for every label that has classes. The other options are for the first of them, which is the one
    that `class_names`, `class_weight` and `balance="class"` are about; but `classes` may name several labels.

    Args:
        example_table: The examples, with the class names of the source.
        options: How the classes are called and ordered.
        held: The classes of the dataset that images are appended to. They are allowed besides those of `classes`, and
            the options of that dataset may name classes that this source does not have.

    Raises:
        UsageError: If the options name a label or a class that is not there, or the source has a class that they do
            not allow, or no image is left.
    """
    given = _given(example_table, options)
    known = {name: {*given.get(name, ()), *(held or {}).get(name, ())} for name in example_table.features}
    named, warnings = _named(example_table, options, known, strict=held is None)
    table, left_out = _without_dropped(example_table, named)
    features, labels = dict(table.features), dict(table.labels)
    for name, classes in named.items():
        counts = _counts(classes, labels[name])
        if name in given:
            _require_known(counts, given[name], known[name])
            warnings += [] if held else _empty_warnings(counts, given[name])
        features[name] = _planned(features[name], classes, counts, given.get(name), options.class_order)
        labels[name] = _renumbered(labels[name], classes, features[name].class_names)
    return ArrangedClasses(dataclasses.replace(table, features=features, labels=labels), left_out, warnings)


def _named(
    example_table: ExampleTable, options: ClassOptions, known: Mapping[str, Collection[str]], *, strict: bool
) -> tuple[dict[str, NamedClasses], list[str]]:
    """What the classes of each label are called."""
    named: dict[str, NamedClasses] = {}
    warnings: list[str] = []
    for name, label in example_table.features.items():
        if not label.class_names:
            continue
        renames, drops = (options.rename_classes or {}, options.drop_classes) if not named else ({}, ())
        named[name] = name_classes(
            label.class_names, renames=renames, drops=drops, known=known[name], strict=strict
        )
        warnings += named[name].warnings
        warnings += _dropped_warnings(label, named[name], example_table.labels[name])
    return named, warnings


def _without_dropped(
    example_table: ExampleTable, named: Mapping[str, NamedClasses]
) -> tuple[ExampleTable, list[Reject]]:
    """Leaves out the images whose only class is dropped."""
    left_out: dict[int, Reject] = {}
    for name, classes in named.items():
        if classes.dropped and example_table.kinds[name] == "class":
            numbers = example_table.labels[name]
            places = [place for place, number in enumerate(numbers) if number in classes.dropped]
            left_out |= {place: _left_out(example_table, name, place) for place in places}
    if len(left_out) == len(example_table.files):
        msg = "--drop-classes leaves no image. Keep one class at least."
        raise UsageError(msg)
    return example_table.without(left_out), list(left_out.values())


def _given(example_table: ExampleTable, options: ClassOptions) -> dict[str, list[str]]:
    """Label name to the classes that `classes` names for it."""
    first = example_table.classes
    if first is None and (options.classes or options.rename_classes or options.drop_classes):
        kinds = ", ".join(f"{name}:{kind}" for name, kind in example_table.kinds.items())
        msg = f"--classes, --rename-class and --drop-classes need a label with classes. Received the labels: {kinds or 'none'}. Leave them out, or give --label-column COLUMN:class."
        raise UsageError(msg)
    if first is None or not options.classes:
        return {}
    asked = options.classes if isinstance(options.classes, Mapping) else {first: options.classes}
    having = [name for name, label in example_table.features.items() if label.class_names]
    missing = [name for name in asked if name not in having]
    if missing:
        msg = f"classes are given for the labels {', '.join(map(repr, asked))}, and SOURCE has no classes in {', '.join(map(repr, missing))}; its labels with classes are: {', '.join(map(repr, having))}. Give the label columns that these classes are of."
        raise UsageError(msg)
    return {name: [composed(each) for each in names] for name, names in asked.items()}


def _counts(named: NamedClasses, values: Sequence[Any]) -> Counter[str]:
    """How many images each class has; classes without images are not there."""
    numbers = _number_counts(values)
    counts: Counter[str] = Counter()
    for number, name in enumerate(named.names):
        if numbers[number] and number not in named.dropped:
            counts[name] += numbers[number]
    return counts


def _number_counts(values: Sequence[Any]) -> Counter[int]:
    """How many images have each class. All values are numbers, or all are lists of them."""
    return Counter(
        itertools.chain.from_iterable(values) if values and isinstance(values[0], list) else values
    )


def _require_known(counts: Counter[str], given: Sequence[str], known: Collection[str]) -> None:
    unknown = sort_classes(counts.keys() - set(known), natural_order(counts))
    if unknown:
        can_be_typed = len(unknown) <= MAX_DROPPED and not any("," in name for name in unknown)
        together = ",".join(unknown)
        in_a_file = not can_be_typed or together.startswith("@")
        dropping = "@FILE (one name a line)" if in_a_file else shlex.quote(together)
        msg = f"SOURCE has classes that are not among the given ones: {listed(unknown, counts)}; given are {listed(given)}. Add them to --classes, leave their images out with --drop-classes {dropping}, or give them other names with --rename-class OLD=NEW."
        raise UsageError(msg)


def _empty_warnings(counts: Counter[str], given: Sequence[str]) -> list[str]:
    empty = [name for name in given if not counts[name]]
    return [f"given classes that have no image here: {listed(empty)}"] if empty else []


def _planned(
    label: PlannedLabel,
    named: NamedClasses,
    counts: Counter[str],
    given: Sequence[str] | None,
    order: SortedBy,
) -> PlannedLabel:
    """The label with the names of its classes in their order."""
    if given is None and label.class_order == "given":  # by the columns of a table
        given = [name for number, name in enumerate(named.names) if number not in named.dropped]
    if given is not None:
        others = sort_classes(counts.keys() - set(given), natural_order(counts))
        return dataclasses.replace(
            label, class_names=list(dict.fromkeys([*given, *others])), class_order="given"
        )
    if not counts:
        msg = "no image has a class, so there is nothing to number. Keep one class at least."
        raise UsageError(msg)
    by = "text" if order == "text" else natural_order(counts)
    return dataclasses.replace(label, class_names=sort_classes(counts, by), class_order=by)


def _renumbered(values: Sequence[Any], named: NamedClasses, class_names: Sequence[str]) -> Sequence[Any]:
    """The values with the numbers of the dataset, and without the classes that are dropped."""
    number_of = {name: number for number, name in enumerate(class_names)}
    kept = [number not in named.dropped for number in range(len(named.names))]
    new = [number_of.get(name, -1) if keep else -1 for name, keep in zip(named.names, kept, strict=True)]
    return values if new == list(range(len(class_names))) else renumber_classes(values, new)


def _left_out(example_table: ExampleTable, name: str, place: int) -> Reject:
    path, class_name = text_path(example_table.files[place].path), example_table.value(name, place)
    detail = f"ignored: --drop-classes leaves out its class {short_repr(class_name)}"
    return Reject(path, "left_out", detail, handling="ignored")


def _dropped_warnings(label: PlannedLabel, named: NamedClasses, values: Sequence[Any]) -> list[str]:
    """How many images of each class are left out."""
    if not named.dropped:
        return []
    times = _number_counts(values)
    counts: Counter[str] = Counter()
    for number in named.dropped:
        counts[named.names[number]] += times[number]
    shown = listed(sort_classes(counts, natural_order(counts)), counts)
    if label.kind == "class":
        return [f"--drop-classes leaves images out: {shown}"]
    return [f"--drop-classes takes classes out of the labels of images, which stay: {shown}"]
