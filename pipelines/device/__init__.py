"""The second executor of augmentations: a whole batch at once, on `keras.ops`.

An augmentation adds itself to a plan in terms of NumPy. Here the arrays are on the device (`array.py`).
The plan (`plan.py`) holds one matrix, one color transform and so on for each image of the batch, and
applies them to all images at once. `layer.py` is the Keras layer.
What stays on the CPU, and what the host samples, is in `augment`. Importing this package does not import Keras.
"""
