"""Refuses to work in a process that was forked from the one that made an object."""

import os

from fitfeed.schemas.errors import FeedError


class OwnerProcess:
    """The process that an object with threads, locks or sockets belongs to.

    A forked child has a copy of the object without its threads, and shares its sockets. What waits for the threads waits
    for ever, and what is sent through the sockets reaches the parent, whose answers then get lost.
    """

    def __init__(self) -> None:
        """Takes this process."""
        self._pid = os.getpid()

    def check(self) -> None:
        """Refuses other processes.

        Raises:
            FeedError: If this process is another one.
        """
        if os.getpid() != self._pid:
            msg = (
                f"a pipeline belongs to the process that made it: its threads, and TensorFlow, do not survive a fork. Received: a call in "
                f"process {os.getpid()}, forked from {self._pid}. Call make_pipeline or make_loader in the new process, and start it with "
                f"multiprocessing.get_context('spawn')."
            )
            raise FeedError(msg)
