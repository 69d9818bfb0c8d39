"""Augmentations: what they draw, what they do to an image, and how a list of them is executed.

Drawing is apart from applying. An augmentation is an immutable description (`base.py`); its random
numbers are a hash of (seed, epoch, example, place in the list), for a whole batch at once. What is
drawn adds up in a plan (`plan.py`): geometry to one matrix for each image (`geometry.py`), linear
color operations to another (`color.py`), functions of single values to a look-up table
(`tables.py`). Then each image is walked over once for each of them (`view.py`, `program.py`).
"""
