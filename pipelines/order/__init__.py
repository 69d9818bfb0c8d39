"""Which examples are in which batch: a pure function of seed, epoch and step.

In: the number of examples, and the share of this worker. Out: example numbers, without any state.
"""
