"""The feeding path up to the bar: from (epoch, step) to a batch of NumPy arrays.

In: a dataset and options. Out: batches, a pure function of epoch and step. `BatchMaker.make` is the line that
all of it follows. No framework is known here: `tf_data` makes tensors of these arrays, and only that.
"""
