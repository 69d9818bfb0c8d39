"""One module per command, each with `add_parser` (cheap) and `run` (imports what it needs)."""
