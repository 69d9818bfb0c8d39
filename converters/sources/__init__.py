"""From a source (a folder, a table, or both) to examples: what is there, its labels and its split.

In: a path and the options. Out: an `ExampleTable`, the rejects, and what is ignored. No image is opened.
"""
