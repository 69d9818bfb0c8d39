"""Where files are: a folder of this machine, or a prefix in an object store. No other room knows which of the two it is."""
