"""Makes foreign text fit for messages: printable, on one line, not too long; and texts comparable."""

import unicodedata


def printable(text: str) -> str:
    """Makes one line of any text: what a terminal could obey, or would not show, is escaped as in Python.

    Line breaks and all other control characters, what turns the direction of writing (U+202E), zero-width characters,
    lone surrogates and unassigned characters are such. Letters of every script stay. A text that is printable already
    stays the same, so it does no harm to call this twice.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shortened(value: object, *, limit: int = 80) -> str:
    """A foreign value for an error message: one line, printable, not too long."""
    text = value if isinstance(value, str) else repr(value)
    line = printable(text[: limit + 1])
    return line if len(line) <= limit else line[: limit - 3] + "..."


def short_repr(value: object, *, limit: int = 80) -> str:
    """The same, with quotes around a text that show where it begins and ends."""
    return shortened(repr(value), limit=limit)


def first_line(error: BaseException) -> str:
    """The first line of an error's message, without the quotes that `KeyError` adds; its class if it has none."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return (text or type(error).__name__).splitlines()[0]


def composed(text: str) -> str:
    """A text in Unicode's composed form (NFC). Two texts that look alike because of their forms alone become equal.

    A Mac writes names of files in the decomposed form (NFD), and most tables have the composed one.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)
