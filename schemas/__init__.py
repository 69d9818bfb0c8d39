"""What a fitfeed dataset is: manifest, index, statistics, shard arithmetic, payload codec, errors.

Both the side that writes datasets (`converters`, `beam_jobs`) and the side that reads them
(`pipelines`) import this package, and nothing else connects them. It imports neither TensorFlow,
Beam nor h5py. Importing it loads nothing: import the module you need.
"""
