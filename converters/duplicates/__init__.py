"""Finds images that are the same, or look the same.

In: the image hashes that shards have written. Out: the pairs, and what to do about them.
"""
