"""One module per command, each with `add_parser`, which is cheap, and `run`, which imports what it needs."""
