"""One shard: the unit of work, of retry and of resumption.

In: its number. Out: a shard file and its result in the staging area. `worker_process` writes shards in a process of its
own, `writers/` has the containers, and `drop_rows` leaves out duplicates afterwards.
"""
