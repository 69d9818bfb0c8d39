"""From a source (a folder, a table, or both) to examples, with their labels and splits.

In: a path and the options. Out: an `ExampleTable`, the rejects, and what is ignored. No image is opened.
"""
