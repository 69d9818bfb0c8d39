"""Folders of this machine that workers on other machines are to read or write."""

from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.schemas.errors import UsageError


def refuse_folders(launch: Launch, title: str, example: str) -> None:
    """Refuses folders, for an engine whose workers can have none in common with this machine.

    Args:
        launch: What is about to be launched.
        title: The engine.
        example: An address that would do.

    Raises:
        UsageError: If there is one.
    """
    for what, place in launch.places():
        if place.local_folder is not None:
            msg = f"{what} {place} is a folder of this machine, and workers of {title} cannot see it. Use a place in a bucket, such as {example}."
            raise UsageError(msg)


def warn_of_folders(launch: Launch, where: str) -> list[str]:
    """Warnings for folders, for an engine whose workers may be on other machines.

    Args:
        launch: What is about to be launched.
        where: What is said of its workers.
    """
    return [
        f"{what} {place} is a folder of this machine, and {where}: each of them must see it under this path, as on a network file system"
        for what, place in launch.places()
        if place.local_folder is not None
    ]
