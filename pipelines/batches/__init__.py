"""The stages of a batch: images, masks, mixing and labels. `feed` puts them in a line.

In: a request, and what augmentation has sampled for it. Out: arrays; each image is written once.
"""
