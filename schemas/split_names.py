"""The names of splits: which names mean the same one, wherever they are written."""

import functools
import re
from collections.abc import Iterable

SPLIT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
"""What a split may be called: its name begins the names of its files."""

USUAL_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev", "develop", "development"),
    "test": ("test", "testing", "eval", "evaluation", "holdout"),
}
"""Split to the names that people give it; those of Hugging Face's `datasets`, and a few more."""

_SPLIT_OF = {name: split for split, names in USUAL_NAMES.items() for name in names}
_ADDED = r"(?:set|data|dataset|split|images?|imgs?|pictures|photos)"
_AFTER = re.compile(rf"{_ADDED}?(?:(?:19|20)\d\d)?")
_BEFORE = re.compile(rf"{_ADDED}?")


@functools.lru_cache(1 << 12)
def usual_split(name: str) -> str | None:
    """The split that a name usually means; None if it is not such a name.

    Case and separators do not matter, nor do `set`, `data`, `images` and the like before or after the name, nor a
    year after it: `Training`, `test_set`, `hold-out`, `val2017`.
    """
    plain = re.sub(r"[\W_]+", "", name.casefold())
    for usual, split in _SPLIT_OF.items():
        before, found, after = plain.partition(usual)
        if found and _BEFORE.fullmatch(before) and _AFTER.fullmatch(after):
            return split
    return None


def default_split(names: Iterable[str]) -> str:
    """The split that is meant where nobody names one: `train`, or else the first of at least one."""
    names = list(names)
    return "train" if "train" in names else names[0]


def split_name(text: str) -> str:
    """The name of a split as a dataset has it: `validation` for `val`; names that are not usual stay as they are."""
    return usual_split(text) or text
