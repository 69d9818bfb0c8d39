"""After the bar: makes a `tf.data.Dataset` of batches of NumPy arrays.

In: a `BatchMaker`. Out: tensors with static shapes, augmented on a device if asked for, as the elements that `fit`
takes. Only this package and `callbacks` know TensorFlow; `device` knows Keras.
"""
