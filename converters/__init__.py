"""One image in, one record out: sources, decoding, encoding and the shard writers.

Plain functions without TensorFlow and without Beam; `beam_jobs` wires them into a job. Importing
this package loads nothing: import the module you need.
"""
