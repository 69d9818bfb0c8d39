"""The staging area of a conversion, `DATASET/.work/`: what is planned, what is done, all on disk.

In: a plan, then the results of shards. Out: both again, after any interruption.
"""
