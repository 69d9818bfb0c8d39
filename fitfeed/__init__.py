"""The `fitfeed` command. Importing this package loads nothing: each command imports what it needs."""
