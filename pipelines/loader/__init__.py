"""After the bar: batches of NumPy arrays for any framework, made ahead of use by threads.

In: a `Feed`. Out: arrays, or tensors of PyTorch or JAX, which are imported when they are asked for. TensorFlow and Keras
are not known here.
"""
