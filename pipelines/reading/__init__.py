"""From example numbers to stored bytes, pixels and labels.

In: a dataset's files and its index. Out: `Records`, random access without TensorFlow.
"""
