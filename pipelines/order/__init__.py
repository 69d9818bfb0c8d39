"""Which examples are in which batch: a pure function of seed, epoch and step.

In: the number of examples and this worker's shard. Out: a `BatchRequest`. Only `EpochCounter` has a state.
"""
