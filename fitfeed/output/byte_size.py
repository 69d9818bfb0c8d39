"""A number of bytes for a person. All that prints sizes imports it, so it imports nothing."""


def human_bytes(count: int) -> str:
    """A size for a person, in powers of 1024."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
