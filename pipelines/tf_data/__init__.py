"""The last stage: turns batches of NumPy arrays into a `tf.data.Dataset`.

Only this package and `device` know TensorFlow.
"""
