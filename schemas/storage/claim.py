"""Lets one process at a time write into a place of a store.

A claim is an object that its holder writes anew every few seconds. One that stays as it is for a minute is dead, and
the next takes it over. All writes are conditional, so of two that try one succeeds, and a holder that was overtaken
learns of it. Only times that the store itself gives are compared with each other: no clock of a machine counts.

```
no object                   -> put, if there is none                 -> held
object that changes         -> somebody holds it                     -> ClaimedError
object that stays as it is  -> put, if it is still the same          -> held
```
"""

import errno
import os
import platform
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from typing_extensions import override

from fitfeed.schemas.errors import ConversionError, OvertakenError
from fitfeed.schemas.text import printable

if TYPE_CHECKING:
    from fitfeed.schemas.storage.place import Found, Place

REFRESH_S = 10.0
"""Seconds after which a holder writes its claim anew."""

LIFETIME_S = 60.0
"""Seconds after which a claim that was not written anew is dead."""

MARGIN_S = 15.0
"""Seconds before the end of its claim after which a holder does nothing more."""

POLL_S = 2.0
"""Seconds between two looks at a claim that may be dead."""

MAX_CLAIM_BYTES = 4096


class ClaimedError(BlockingIOError):
    """Another process holds the claim. `strerror` names it."""


class LostClaimError(OvertakenError):
    """The claim of this process is dead, or another process has taken it over."""


class Claim(ABC):
    """The right to write into a place, until the block ends.

    Attributes:
        token: A text that no other claim has; empty for a folder.
    """

    token: str = ""

    @abstractmethod
    def require(self) -> None:
        """Makes sure that it is still held. Call it before each step that another holder would be harmed by.

        Raises:
            LostClaimError: If it may be another's by now.
        """


class HeldLock(Claim):
    """A lock of this machine: it is held until its process ends."""

    @override
    def require(self) -> None:
        pass


@contextmanager
def claimed(
    place: "Place",
    name: str,
    *,
    notify: Callable[[str], None] = lambda text: None,
    require_kept: Callable[[str], None] = lambda token: None,
) -> Iterator[Claim]:
    """Claims a place of a store while the block runs.

    Args:
        place: The place.
        name: Name of the claim's object in it.
        notify: Receives one line, if it must be waited for to see whether another holder is alive.
        require_kept: Tells the store to put this text where no object is, under the name of the claim, and raises an error if it does
            that, although the claim is there.

    Raises:
        ClaimedError: If another process holds it.
        LostClaimError: If the block fails, and another process has taken the claim over: it changes what is there.
        OSError: If it cannot be claimed.
    """
    holder = _Holder(place, name)
    holder.take(notify)
    holder.try_condition(require_kept)
    holder.start()
    try:
        yield holder
    except (OSError, ConversionError) as error:
        if holder.was_taken_over():
            raise _lost(place, name) from error
        raise
    finally:
        holder.end()


class _Holder(Claim):
    """A claim of this process. One thread writes it anew."""

    def __init__(self, place: "Place", name: str) -> None:
        self.token = uuid.uuid4().hex
        self._place, self._name = place, name
        self._identity = ""
        self._due_at = self._good_until = 0.0
        self._lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._refresh, name=f"claim {place}", daemon=True)

    @override
    def require(self) -> None:
        if self._lost or _now() > self._good_until:
            raise _lost(self._place, self._name)

    def was_taken_over(self) -> bool:
        """Whether the claim that is there is another one, or was given back; no, if the store does not say."""
        try:
            content, _ = _read(self._place, self._name)
        except OSError:
            return False
        return not content.startswith(self.token)

    def take(self, notify: Callable[[str], None]) -> None:
        """Puts the claim, as soon as nobody else holds it.

        Raises:
            ClaimedError: If another process holds it.
        """
        if self._put(None):
            return
        content, seen = _read(self._place, self._name)
        dead_at = _now() + (LIFETIME_S - self._age(seen) if seen else 0.0)
        if _now() < dead_at:
            notify(
                f"{self._place} was claimed by {_holder_of(content)} less than {LIFETIME_S:.0f} s ago; waiting to see whether it is still running"
            )
        while True:
            content, now = _read(self._place, self._name)
            if now is None:
                if self._put(None):
                    return
            elif seen is None or now.identity != seen.identity:
                raise _claimed(self._place, self._name, content)
            elif _now() >= dead_at:
                if self._put(now.identity):
                    return
            else:
                time.sleep(POLL_S)

    def try_condition(self, require_kept: Callable[[str], None]) -> None:
        """Finds out whether the store holds conditions. Nothing writes the claim anew meanwhile, so this does, if it took long.

        Raises:
            LostClaimError: If it took so long that another process has the claim now, or had it and gave it back.
            OSError: If the store does not hold conditions, or does not answer.
        """
        try:
            require_kept(self.token)
            self._put_late()
        except BaseException as error:
            self._forget_trial()
            if isinstance(error, OSError):
                self.require()
            raise

    def _put_late(self) -> None:
        if _now() >= self._due_at and not self._put(self._identity):
            raise _lost(self._place, self._name)

    def _forget_trial(self) -> None:
        """Removes what the trial has put, or gives the claim back; one that is another's stays."""
        with suppress(OSError):
            content, _ = _read(self._place, self._name)
            if content == self.token:
                self._place.delete(self._name)
            elif content.startswith(self.token):
                self._give_back()

    def start(self) -> None:
        """Begins to write it anew."""
        self._thread.start()

    def end(self) -> None:
        """Gives it back."""
        self._ended.set()
        self._thread.join(timeout=MARGIN_S)
        if not self._thread.is_alive():
            self._give_back()

    def _give_back(self) -> None:
        if not self._lost and _now() <= self._good_until:
            with suppress(OSError):  # then it ends by itself
                self._place.delete(self._name)

    def _refresh(self) -> None:
        while not self._ended.wait(REFRESH_S):
            try:
                if not self._put(self._identity):
                    self._lost = True
                    return
            except OSError:
                continue  # the store may answer again before the claim is dead; else, `require` raises
            if self._ended.is_set():  # meanwhile; `end` may not have waited so long
                self._give_back()

    def _put(self, identity: str | None) -> bool:
        """Writes it on a condition, and tells whether the condition held."""
        begun = _now()
        content = f"{self.token} {uuid.uuid4().hex}\n{platform.node()}, process {os.getpid()}\n".encode()
        try:
            self._identity = self._place.write_if(self._name, content, identity=identity).identity
        except FileExistsError:
            return False
        self._due_at, self._good_until = begun + REFRESH_S, begun + LIFETIME_S - MARGIN_S
        return True

    def _age(self, seen: "Found") -> float:
        """Seconds since a claim was written, by the clock of the store."""
        probe = f"{self._name}-{self.token}"
        try:
            self._place.write(probe, b"")
            now = self._place.find(probe).mtime_ns
        finally:
            self._place.delete(probe)
        return max(0.0, (now - seen.mtime_ns) / 1e9 - 1)  # stores give whole seconds


def _read(place: "Place", name: str) -> "tuple[str, Found | None]":
    """A claim and its identity; None if there is none."""
    try:
        content, found = place.read(name, at_most=MAX_CLAIM_BYTES)
    except FileNotFoundError:
        return "", None
    return content.decode("utf-8", errors="replace"), found


def _holder_of(content: str) -> str:
    _, _, holder = content.partition("\n")
    return printable(holder.strip()[:200]) or "another process"


def _claimed(place: "Place", name: str, content: str) -> ClaimedError:
    return ClaimedError(errno.EWOULDBLOCK, f"{_holder_of(content)} holds it", place.address(name))


def _lost(place: "Place", name: str) -> LostClaimError:
    msg = f"the claim {place.address(name)} is lost: it could not be written anew for {LIFETIME_S - MARGIN_S:.0f} s, or another conversion has taken it over. Make sure that no other conversion into this place is running, and run the same command again: it continues."
    return LostClaimError(msg)


def _now() -> float:
    """Seconds of a clock that also runs while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
