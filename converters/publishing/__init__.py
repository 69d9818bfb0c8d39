"""From finished shards to a dataset: checks, indexes and manifest. The moves are those of `Staging`.

In: the totals of all shards. Out: a published dataset, or an `Outcome` that says why not.
"""
