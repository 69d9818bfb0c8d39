"""The last stage: batches of NumPy arrays become a `tf.data.Dataset`. Only here is TensorFlow known."""
