"""From finished shards to a dataset: checks, index, shards in place, manifest last.

In: the totals of all shards. Out: a published dataset, or an `Outcome` that says why not.
"""
