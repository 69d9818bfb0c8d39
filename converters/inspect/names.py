"""Names of features and objects. Programs in C, MATLAB and Go write some that are not UTF-8."""


def decoded_name(name: bytes) -> tuple[str, str | None]:
    """A name for a person, escaped where it is not UTF-8, and as a Python literal in that case."""
    try:
        return name.decode(), None
    except UnicodeDecodeError:
        return name.decode("utf-8", "backslashreplace"), repr(name)
