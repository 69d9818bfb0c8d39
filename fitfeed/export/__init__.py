"""Shows a dataset to tools of others, without copying its images.

In: an open dataset. Out: a `datasets.Dataset` of Hugging Face, whose images are files of `ExampleFiles`; or
`croissant.json` and `index.parquet`, which describe the dataset.
"""
