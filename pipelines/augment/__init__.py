"""Augmentations: how they are sampled, what they do to an image, and how a list of them is executed.

Sampling is separate from applying. An augmentation is an immutable description (`base.py`). Its random
numbers are a hash of (seed, epoch, example, place in the list), for a whole batch at once. The sampled
operations are added to a plan (`compiler/plan.py`): geometry becomes one matrix for each image
(`compiler/geometry.py`), linear color operations become another (`compiler/color_matrix.py`), functions
of single values become a look-up table (`compiler/lookup_table.py`). Then each of these is one pass over
the pixels of the image (`cpu/`, `compiler/program.py`).
"""
