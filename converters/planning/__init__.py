"""From examples to a plan: the split, order and shard of each, by arithmetic on keys.

In: the table of examples, and the dataset that they are appended to, if there is one. Out: a job and its shards.
"""
