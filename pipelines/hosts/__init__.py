"""Which of several workers this process is, and which part of a split it reads.

In: environment variables, and frameworks that the user has imported; nothing is imported here. Out: a shard,
(index, count).
"""
