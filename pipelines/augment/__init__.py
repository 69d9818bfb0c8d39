"""Augmentations: what they draw, what they do to the geometry, and how a list of them is executed.

Drawing is apart from applying. An augmentation is an immutable description; its random numbers are
a hash of (seed, epoch, example, place in the list); geometric ones only move a source box
(`geometry.py`), and the box is sampled once, however many of them there are (`program.py`).
"""
