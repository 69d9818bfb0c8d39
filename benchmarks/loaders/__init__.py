"""Other people's loaders over the same pictures, each at its documented best.

Every file makes one kind of material out of the same JPEG bytes, and has functions that take an
epoch of it. All that decode in Python share `transform.Transform`, which uses the same libraries as
our own pipeline; so what differs is the loader.
"""
