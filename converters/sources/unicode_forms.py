"""Finds files whose names are in another Unicode form than a table has, and says which names look alike.

A Mac writes `ü` as `u` and a mark (NFD), and most other programs as one character (NFC). A file system on Linux takes them
for two names. So does a key: it is the path as the file system has it.
"""

import itertools
import unicodedata
from collections.abc import Callable, Iterable

from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.image_lookup import PathError, quoted
from fitfeed.schemas.packed_texts import PackedTexts
from fitfeed.schemas.text import composed

MAX_FORMS = 64
"""Most forms of a path that are tried: those of six folders."""


def find_in_any_form(find: Callable[[str], SourceFile], text: str) -> SourceFile:
    """Finds an image by a path as it is written, else by its other Unicode forms.

    Args:
        find: Finds an image by one form of its path, or raises `PathError`.
        text: The path.

    Raises:
        PathError: If there is no image in any form, or several are there only in other forms.
    """
    try:
        return find(text)
    except PathError as error:
        if text.isascii() or error.reason == "label_invalid":
            raise
        found: dict[str, SourceFile] = {}
        for form in _other_forms(text):
            try:
                file = find(form)
            except PathError as other:
                if other.reason == "label_invalid":
                    raise
            else:
                found[file.path] = file
        if not found:
            raise
        if len(found) > 1:
            shown = ", ".join(ascii(path) for path in found)
            msg = f"{quoted(text)} fits several images, which differ only in their Unicode form: {shown}"
            raise PathError("label_invalid", msg) from None
        return next(iter(found.values()))


def _other_forms(text: str) -> Iterable[str]:
    """The path with each folder, and its name, composed and decomposed."""
    parts = (
        dict.fromkeys(unicodedata.normalize(form, part) for form in ("NFC", "NFD"))
        for part in text.split("/")
    )
    forms = ("/".join(chosen) for chosen in itertools.product(*parts))
    return (form for form in itertools.islice(forms, MAX_FORMS) if form != text)


def form_warnings(keys: PackedTexts) -> list[str]:
    """Warns of images whose paths look alike, because they differ only in their Unicode form."""
    first: dict[str, str] = {}
    parts = (some for some in keys.blocks() if not some.joined_text().isascii())
    alike = [
        (other, key)
        for key in itertools.chain.from_iterable(parts)
        if not key.isascii() and (other := first.setdefault(composed(key), key)) != key
    ]
    if not alike:
        return []
    shown = " and ".join(map(ascii, alike[0]))
    return [
        f"{len(alike)} images have a path that differs from another one's only in its Unicode form, so both look alike; all are kept, for example {shown}"
    ]
