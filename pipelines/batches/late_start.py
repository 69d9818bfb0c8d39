"""Decides when worker processes are worth their start (docs/adr/0065-workers-from-a-thousand-images.md).

A worker has an interpreter lock of its own. That saves the same for each image, large or small, so images are counted, and not seconds.
"""

MANY_IMAGES = 1000
"""Images that are worth workers: they start with the first batch of an epoch that has so many, else when so many are written."""


def workers_are_due(written: int, *, epoch_images: int) -> bool:
    """Returns whether workers should be started.

    Args:
        written: Images that were written so far without workers.
        epoch_images: Images of an epoch.
    """
    return max(written, epoch_images) >= MANY_IMAGES
