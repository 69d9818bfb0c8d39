"""The second executor of augmentations: a whole batch at once, on `keras.ops`.

An augmentation describes itself in NumPy's terms, to a plan. Here arrays are the device's
(`array.py`) and the plan (`plan.py`) holds one matrix, one color transform and so on for each
image of the batch, and runs them over all images at once. `layer.py` is the Keras layer,
`split.py` says what stays on the CPU. Importing this package does not import Keras.
"""
