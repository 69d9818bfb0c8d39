"""Which launch a job belongs to now, as the folder of the job says: `launch.json`.

The workers and the publication of a launch may run on other machines, and outlive its command. Names and conditions keep
them from doing harm: different jobs share no name, equal jobs write equal bytes, and the manifest is put on a
condition. The token here only lets those of an older launch stop before they waste time:

```
prepare                    a new token       -> all that runs for an older launch stops at its next shard
Ctrl-C, a failed job       no file           -> all that runs for this launch does
publication has finished   ended             -> who follows the job reads its outcome
```
"""

import dataclasses
import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress

from pydantic import TypeAdapter, ValidationError

from fitfeed.schemas.errors import OvertakenError
from fitfeed.schemas.storage.place import Found, Place

LAUNCH_NAME = "launch.json"
MAX_LAUNCH_BYTES = 1 << 14

MAX_CHANGES = 10
"""Tries to change it. Others change it twice at most: they name the job, and say that it has ended."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobLaunch:
    """One launch of a job.

    Attributes:
        token: A text that no other launch has.
        engine: The runner whose workers convert, on whatever machines; empty for processes of the launch itself.
        job: What messages call the job of the engine; empty until it has started.
        holder: Machine and process that launched it.
        ended: Its publication has finished: the outcome is written, and nothing will be changed.
    """

    token: str
    engine: str = ""
    job: str = ""
    holder: str = dataclasses.field(default_factory=lambda: f"{platform.node()}, process {os.getpid()}")
    ended: bool = False

    def __str__(self) -> str:
        """What a message calls it."""
        return f"{self.job or f'a job on {self.engine}'}, started by {self.holder}"


_LAUNCH = TypeAdapter(JobLaunch)


class LaunchRecord:
    """The launch that the folder of a job belongs to. Once it is another's, only `begin` and `forget` change it."""

    def __init__(self, root: Place) -> None:
        """Names it. Nothing is read or written.

        Args:
            root: The folder of the job.
        """
        self._root = root

    def begin(self, launch: JobLaunch) -> None:
        """Makes the folder that of another launch. What runs for an older one stops."""
        self._root.write(LAUNCH_NAME, _to_json(launch))

    def read(self) -> JobLaunch | None:
        """The launch; None if there is none that this version can read."""
        launch, _ = self._read()
        return launch

    def require(self, token: str) -> None:
        """Checks that the folder is still that of a launch.

        Raises:
            OvertakenError: If the launch was cancelled, or another one has begun.
            OSError: If it cannot be found out.
        """
        launch = self.read()
        if launch is None or launch.token != token:
            msg = f"another launch has begun in {self._root} since this one did, or this one was cancelled, so this one published nothing. Wait for the other one, and run the same command again."
            raise OvertakenError(msg)

    def name_job(self, token: str, job: str) -> None:
        """Writes what messages call the job."""
        self._change(token, lambda launch: dataclasses.replace(launch, job=job))

    def end(self, token: str) -> None:
        """Says that publication has finished."""
        self._change(token, lambda launch: dataclasses.replace(launch, ended=True))

    def withdraw(self, token: str) -> None:
        """Makes all that runs for a launch stop."""
        launch = self.read()
        if launch is not None and launch.token == token:
            self._root.delete(LAUNCH_NAME)

    def forget(self) -> None:
        """Makes all that runs for any launch stop."""
        self._root.delete(LAUNCH_NAME)

    def _change(self, token: str, change: Callable[[JobLaunch], JobLaunch]) -> None:
        for _ in range(MAX_CHANGES):
            launch, found = self._read()
            if launch is None or found is None or launch.token != token:
                return  # it is another one's by now, or was removed by who follows
            # Its command and its job may change it at once: then it is read again.
            with suppress(FileExistsError, FileNotFoundError):
                self._root.write_if(LAUNCH_NAME, _to_json(change(launch)), identity=found.identity)
                return

    def _read(self) -> tuple[JobLaunch | None, Found | None]:
        try:
            content, found = self._root.read(LAUNCH_NAME, at_most=MAX_LAUNCH_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None, None
        try:
            return _LAUNCH.validate_json(content), found
        except ValidationError:
            return None, found


def _to_json(launch: JobLaunch) -> bytes:
    return json.dumps(dataclasses.asdict(launch)).encode()
