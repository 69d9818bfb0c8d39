"""From example numbers to finished batches: decoded, augmented, normalized and mixed, in NumPy.

In: the numbers of a batch. Out: its arrays, each image written once. No TensorFlow here.
"""
