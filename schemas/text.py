"""Makes foreign text fit for messages: printable, on one line, not too long."""


def printable(text: str, *, keep: str = "") -> str:
    """Replaces control characters by escapes. Foreign names must not send them to a terminal.

    Args:
        text: Any text.
        keep: Characters that stay, although they are not printable, such as the line feed.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)


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
