"""From examples to a plan: split, order and shard of every one, by arithmetic on keys.

In: the table of examples, and the dataset that they join, if there is one. Out: a job and its shards.
"""
