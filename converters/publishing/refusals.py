"""Tells the user why a conversion was not published."""

from pathlib import Path

from fitfeed.converters.staging.outcome import Outcome
from fitfeed.schemas.errors import DuplicateImagesError, SplitLeakError, TooManyRejectsError

SHOWN_PAIRS = 5
KEPT = "the finished shards are kept, so that takes seconds"


def require_published(outcome: Outcome, *, statistics_split: str, pairs_file: Path) -> None:
    """Raises unless the dataset was published.

    Args:
        outcome: What publication decided.
        statistics_split: The split that must not be empty.
        pairs_file: Lists all pairs of images that are the same picture.

    Raises:
        SplitLeakError: If an image is in two splits.
        DuplicateImagesError: If an image is twice in a split, and the options say `fail`.
        TooManyRejectsError: If too many files were rejected, or no image is left.
    """
    if outcome.status == "leaks":
        raise SplitLeakError(*_leaks(outcome, pairs_file))
    if outcome.status == "duplicates":
        raise DuplicateImagesError(*_duplicates(outcome, pairs_file))
    if outcome.status == "too_many_rejects":
        raise TooManyRejectsError(*_too_many_rejects(outcome))
    if outcome.status == "nothing_left":
        msg = f"no image of split {statistics_split!r} could be converted ({_reasons(outcome)}); nothing was published. The first:"
        raise TooManyRejectsError(msg, *_first_rejects(outcome))


def _leaks(outcome: Outcome, pairs_file: Path) -> list[str]:
    return [
        f"images with the same pixels as an image of another split: {outcome.copies['across_splits']}; nothing was published. The first:",
        *_first_pairs(outcome, "split_leak"),
        f"Remove one of each pair from the source and run the same command again, or accept them with --allow-leaks: {KEPT}. {pairs_file} lists all pairs.",
    ]


def _duplicates(outcome: Outcome, pairs_file: Path) -> list[str]:
    return [
        f"images with the same pixels as another one of their split: {outcome.copies['within']} ({outcome.copies['label_conflicts']} under another label), "
        f"and --duplicates fail was given; nothing was published. The first:",
        *_first_pairs(outcome, "label_conflict", "duplicate"),
        f"Remove them from the source, or give --duplicates drop or keep: {KEPT}. {pairs_file} lists all pairs.",
    ]


def _too_many_rejects(outcome: Outcome) -> list[str]:
    rejected = sum(outcome.rejects.values())
    return [
        f"{rejected} files were rejected ({_reasons(outcome)}), and max_bad allows {outcome.allowed}; nothing was published. The first:",
        *_first_rejects(outcome),
        f"Mend them, or leave them out with --max-bad {rejected}: {KEPT}.",
    ]


def _reasons(outcome: Outcome) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in outcome.rejects.items())


def _first_rejects(outcome: Outcome) -> list[str]:
    return [f"  {reject.path}: {reject.reason}: {reject.detail}" for reject in outcome.first_rejects]


def _first_pairs(outcome: Outcome, *kinds: str) -> list[str]:
    pairs = [pair.paths for pair in outcome.pairs if pair.kind in kinds]
    return [f"  {copy} = {first}" for copy, first in pairs[:SHOWN_PAIRS]]
