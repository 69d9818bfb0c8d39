"""From example numbers to stored bytes, pixels and labels.

In: a dataset's files and its index. Out: `Records`, random access; `StreamReader`, chunks that are read ahead.
"""
