"""What a reader of the page should look at first, as sentences. Each follows from numbers that the page shows below."""

from collections.abc import Iterator, Sequence

from fitfeed.report.duplicate_pairs import Pairs
from fitfeed.report.facts import Drift
from fitfeed.schemas.manifest import Manifest

MEDIUM = 0.5
"""A difference of means of half a deviation is called medium (Cohen, Statistical Power Analysis, 1988)."""

MAX_CLASS_DRIFT = 0.1
MAX_IMBALANCE = 10
MAX_SIZE_DRIFT = 1.5
SHOWN = 5

NOTHING = (
    "Nothing stands out. Looked for: copies and images that look alike, splits that differ, uneven classes, rejects, and "
    "damage of the pictures on this page."
)
"""What is said where there are no findings: a page that only says "nothing" does not say what it knows."""


def findings(
    manifest: Manifest, drifts: Sequence[Drift], damaged: Sequence[str], pairs: Pairs | None = None
) -> list[str]:
    """What is worth a look, the worst first; empty if there is nothing.

    Args:
        manifest: Of the dataset.
        drifts: How the splits differ.
        damaged: What could not be read for the page.
        pairs: Pictures that are the same, exactly or nearly; None if their table is not there.
    """
    return [
        *(f"An example is damaged: {text}" for text in damaged[:SHOWN]),
        *_leaks(manifest, pairs),
        *(line for drift in drifts for line in _drift(drift)),
        *_balance(manifest),
        *_rejects(manifest),
        *_copies(manifest, pairs),
    ]


def _leaks(manifest: Manifest, pairs: Pairs | None) -> Iterator[str]:
    twice = manifest.duplicates
    if twice.across_splits:
        yield f"{_have(twice.across_splits)} the pixels of an example of another split: figures of validation are too good."
    if twice.label_conflicts:
        yield f"{_have(twice.label_conflicts)} the pixels of an example with another label."
    if pairs is not None and pairs.alike_across:
        yield f"{_look(pairs.alike_across, pairs)} one of another split: if they show the same thing, figures of validation are too good. See Duplicates on the page."


def _copies(manifest: Manifest, pairs: Pairs | None) -> Iterator[str]:
    """Copies within a split. They count twice in training, and often are what was wanted; so they come last."""
    copies = manifest.duplicates.within - manifest.duplicates.label_conflicts
    if copies > 0:
        yield f"{_have(copies)} the pixels of another one of the split: `--duplicates drop` leaves such copies out."
    if pairs is not None and pairs.alike:
        yield f"{_look(pairs.alike, pairs)} another one of the split. See Duplicates on the page."


def _have(count: int) -> str:
    return "1 example has" if count == 1 else f"{count:,} examples have"


def _look(count: int, pairs: Pairs) -> str:
    least = "" if pairs.complete else "at least "
    return f"{least}1 example looks like" if count == 1 else f"{least}{count:,} examples look like"


def _drift(drift: Drift) -> Iterator[str]:
    if drift.missing:
        more = f" and {len(drift.missing) - SHOWN} more" if len(drift.missing) > SHOWN else ""
        yield f"{drift.name} has no example of {', '.join(drift.missing[:SHOWN])}{more}, and {drift.other} has."
    if drift.classes is not None and drift.classes > MAX_CLASS_DRIFT:
        yield f"The shares of the classes in {drift.name} and {drift.other} differ by {drift.classes:.0%}."
    if abs(drift.brightness) > MEDIUM:
        way = "brighter" if drift.brightness > 0 else "darker"
        yield f"Images of {drift.name} are {way} than those of {drift.other}, by {abs(drift.brightness):.1f} of their deviation."
    if not 1 / MAX_SIZE_DRIFT <= drift.pixels <= MAX_SIZE_DRIFT:
        yield f"The median image of {drift.name} has {drift.pixels:.2g} times the pixels of that of {drift.other}."


def _balance(manifest: Manifest) -> Iterator[str]:
    name = manifest.statistics.split
    counts = manifest.splits[name].class_counts
    empty = [label for label, count in zip(manifest.class_names, counts, strict=True) if not count]
    if empty:
        more = f" and {len(empty) - SHOWN} more" if len(empty) > SHOWN else ""
        yield f"{name} has no example of {', '.join(empty[:SHOWN])}{more}."
    having = [count for count in counts if count]
    if having and max(having) > MAX_IMBALANCE * min(having):
        yield f"The largest class of {name} has {max(having):,} examples, the smallest {min(having):,}: see class_weight, or balance=, in make_pipeline."


def _rejects(manifest: Manifest) -> Iterator[str]:
    total = sum(manifest.rejects.values())
    if total:
        yield f"{total:,} {'file was' if total == 1 else 'files were'} rejected when it was made."
