"""The staging area of a conversion, `DATASET/.work/`: what is planned, what is done, all on disk.

In: a plan, then the results of shards. Out: both again, after any interruption; at the end the files of a dataset,
moved into place. `staging.py` has the life of a conversion as one list of moves.
"""
