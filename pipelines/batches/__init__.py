"""From example numbers to finished batches in NumPy: decoded, augmented, normalized and mixed.

In: the example numbers of a batch. Out: its arrays; each image is written once. TensorFlow is not used here.
"""
