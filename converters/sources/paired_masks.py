"""Pairs images with masks by a pattern of paths: `--mask-from '{dir}/{stem}_mask.png'`."""

import bisect
import dataclasses
import re
from collections import defaultdict
from collections.abc import Sequence

from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.errors import UsageError

MASK_LABEL = "mask"
SHOWN_MASKS = 5
ANY = "\0"
"""Stands for any text in a path. No path has this character, and a name may have a `*`."""

FIELD = re.compile(r"\{(\w+)\}/?|\*")


@dataclasses.dataclass(frozen=True)
class PairedMasks:
    """Images and their masks.

    Attributes:
        images: The images that have a mask.
        mask_of: Path of each to its mask.
        rejects: The images that have none.
        ignored: The masks of no image.
    """

    images: list[SourceFile]
    mask_of: dict[str, SourceFile]
    rejects: list[Reject]
    ignored: list[Reject]


def pair_masks(files: Sequence[SourceFile], pattern: str) -> PairedMasks:
    """Pairs images with masks.

    A file whose path fits the pattern is a mask, and never an image.

    Args:
        files: Images and masks.
        pattern: Path of a mask; it has `{stem}`, and perhaps `{dir}`, `{parent}`, `{below}` and `*`.

    Raises:
        UsageError: If no file fits the pattern or all of them do, or if several masks fit one image.
    """
    fits = _any_path(pattern)
    masks = [file for file in files if fits.fullmatch(file.path)]
    images = [file for file in files if not fits.fullmatch(file.path)]
    if not masks or not images:
        what = (
            "no file of SOURCE is called like this"
            if not masks
            else "all images of SOURCE are called like this, so none has a mask"
        )
        msg = f"--mask-from {pattern!r} says where masks are, and {what}. Files are for example {text_path(files[0].path)!r}."
        raise UsageError(msg)
    lookup = _MaskLookup(masks)
    mask_of: dict[str, SourceFile] = {}
    rejects = []
    for image in images:
        wanted = mask_path(pattern, image.path)
        found = lookup.find(wanted)
        if len(found) > 1:
            shown = ", ".join(text_path(mask.path) for mask in found[:SHOWN_MASKS])
            msg = f"{text_path(image.path)} has {len(found)} masks by --mask-from {pattern!r}: {shown}. An example has one mask: make one picture of them, or give a pattern that fits one of them."
            raise UsageError(msg)
        if found:
            mask_of[image.path] = found[0]
        else:
            detail = f"there is no mask {_shown(wanted)} (--mask-from)"
            rejects.append(Reject(text_path(image.path), "mask_missing", detail))
    used = {mask.path for mask in mask_of.values()}
    ignored = [
        Reject(
            text_path(mask.path), "not_an_image", "ignored: a mask, by --mask-from, of no image", "ignored"
        )
        for mask in masks
        if mask.path not in used
    ]
    paired = [image for image in images if image.path in mask_of]
    if not paired:
        msg = f"no image of SOURCE has a mask by --mask-from {pattern!r}: of {text_path(images[0].path)} it would be {_shown(mask_path(pattern, images[0].path))}. Masks are for example {text_path(masks[0].path)}."
        raise UsageError(msg)
    return PairedMasks(paired, mask_of, rejects, ignored)


def mask_path(pattern: str, path: str) -> str:
    """The path of the mask of an image, with `ANY` for a `*` of the pattern.

    Args:
        pattern: The pattern.
        path: Path of the image.
    """
    folder, _, name = path.rpartition("/")
    values = {
        "dir": folder,
        "parent": folder.rpartition("/")[0],
        "below": folder.partition("/")[2],
        "stem": name.rpartition(".")[0] or name,
    }

    def filled(match: re.Match[str]) -> str:
        if match[1] is None:
            return ANY
        value = values[match[1]]
        return f"{value}/" if value and match[0].endswith("/") else value

    return FIELD.sub(filled, pattern)


def _shown(path: str) -> str:
    return text_path(path.replace(ANY, "*"))


def _any_path(pattern: str) -> re.Pattern[str]:
    """Fits the masks of all images."""

    def any_text(match: re.Match[str]) -> str:
        if match[1] in (None, "stem"):
            return "[^/]*" if match[1] is None else "[^/]+"
        return "(?:.+/)?" if match[0].endswith("/") else ".*"

    parts, end = [], 0
    for match in FIELD.finditer(pattern):
        parts += [re.escape(pattern[end : match.start()]), any_text(match)]
        if match[1] == "stem" and match[0].endswith("/"):
            parts.append("/")
        end = match.end()
    return re.compile("".join([*parts, re.escape(pattern[end:])]), re.DOTALL)


def _fits(name: str, parts: Sequence[str]) -> bool:
    """Whether a name is these parts, with any text between them. An expression for each image takes ten times as long."""
    first, *middle, last = parts
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


class _MaskLookup:
    """Finds masks by a path in which `ANY` is any text."""

    def __init__(self, masks: Sequence[SourceFile]) -> None:
        self._masks = {mask.path: mask for mask in masks}
        self._names: dict[str, list[str]] | None = None

    def find(self, wanted: str) -> list[SourceFile]:
        """All masks that fit. The part of a name before it is looked up in a sorted list."""
        folder, slash, name = wanted.rpartition("/")
        if ANY not in name:
            return [self._masks[wanted]] if wanted in self._masks else []
        if self._names is None:
            self._names = self._by_folder()
        names, prefix = self._names.get(folder, []), name.partition(ANY)[0]
        parts = name.split(ANY)
        found = []
        for at in range(bisect.bisect_left(names, prefix), len(names)):
            if not names[at].startswith(prefix):
                break
            if _fits(names[at], parts):
                found.append(self._masks[f"{folder}{slash}{names[at]}"])
        return found

    def _by_folder(self) -> dict[str, list[str]]:
        names: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self._masks):
            folder, _, name = path.rpartition("/")
            names[folder].append(name)
        return {folder: sorted(each) for folder, each in names.items()}
