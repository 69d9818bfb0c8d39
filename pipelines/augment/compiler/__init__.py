"""Compiles a list of augmentations to passes over pixels. Operations that fuse become one pass.

In: sampled parameters of a batch. Out: a `CompiledBatch`, the passes of each image.
"""
