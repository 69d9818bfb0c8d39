"""Refuses groups that are in two splits, such as a patient in the folders of training and of test."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.examples import in_split_order
from fitfeed.schemas.errors import SplitLeakError, UsageError

SHOWN_GROUPS = 5


def check_groups(
    keys: Sequence[str],
    groups: Sequence[str],
    assigned: Sequence[str],
    options: ConvertOptions,
    *,
    allow_leaks: bool,
) -> None:
    """Looks for groups in two splits. `--split` never makes any, but split folders, a column or lists may.

    Args:
        keys: Of all images.
        groups: Their groups.
        assigned: Their splits.
        options: `group` or `group_from` is given, and `split` is not.
        allow_leaks: Whether a group may be in two splits.

    Raises:
        SplitLeakError: If one is. Its details have `images`: the keys of those that are not in the split that has most
            of their group. Without them, each group is in one split.
        UsageError: If there is only one split.
    """
    if len(set(assigned)) == 1:
        msg = f"{_flag(options)} keeps groups out of two splits, and there is only one split. Add --split or --split-column, or leave it out."
        raise UsageError(msg)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for group, split in zip(groups, assigned, strict=True):
        found[group][split] += 1
    crossing = sorted(group for group, images in found.items() if len(images) > 1)
    if not crossing or allow_leaks:
        return
    kept = {group: _main_split(found[group]) for group in crossing}
    rows = zip(keys, groups, assigned, strict=True)
    images = [key for key, group, split in rows if split != kept.get(group, split)]
    where = f"column {options.group!r}" if options.group_from is None else _flag(options)
    msg = f"groups of {where} that are in two splits: {len(crossing)} of {len(found)}; nothing was published. The first:"
    shown = [f"  {group!r}: {_listed(found[group])}" for group in crossing[:SHOWN_GROUPS]]
    mend = f"Give --split, which divides by group, or leave out the {len(images)} images that are not in the split with most of their group, or accept them with --allow-leaks."
    raise SplitLeakError(msg, *shown, mend, details={"groups": len(crossing), "images": images})


def _main_split(images: Counter[str]) -> str:
    """The split with most images of a group; of equal ones, the first in the usual order."""
    return max(in_split_order(set(images)), key=lambda split: images[split])


def _listed(images: Counter[str]) -> str:
    return ", ".join(f"{images[split]} in {split}" for split in in_split_order(set(images)))


def _flag(options: ConvertOptions) -> str:
    return (
        f"--group {options.group}" if options.group_from is None else f"--group-from {options.group_from!r}"
    )
