"""Makes things before they are asked for: several at once, in order, and never more than a few."""

import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

T = TypeVar("T")


class MadeAhead(Generic[T]):
    """Calls a function with one number after the other, ahead of use. For one thread.

        next() returns 5      6      7        8       9 ...
                              |-- made, or being made --|  begins when 6 is returned

    What was returned is held by whoever got it, and by nobody else.
    """

    def __init__(
        self, make: Callable[[int], T], numbers: range, *, pool: ThreadPoolExecutor, ahead: int
    ) -> None:
        """Begins nothing before the first is asked for.

        Args:
            make: The function. Thread-safe.
            numbers: With what it is called, in this order.
            pool: The threads that call it.
            ahead: How many may be made, or being made, before they are asked for. 0: the thread that asks makes each.
        """
        self._make, self._numbers, self._pool, self._ahead = make, numbers, pool, ahead
        self._pending: deque[tuple[int, Future[T]]] = deque()
        weakref.finalize(self, _cancel, self._pending).atexit = False

    def __iter__(self) -> Iterator[tuple[int, T]]:
        """Returns itself."""
        return self

    def __next__(self) -> tuple[int, T]:
        """Returns the next number and what was made of it; waits for it.

        Raises:
            Exception: What the function raised. Nothing comes after that.
        """
        if not self._ahead:
            return self._made_now()
        self._begin()
        if not self._pending:
            raise StopIteration
        number, future = self._pending[0]
        wait([future])  # Ctrl-C in here loses nothing
        self._pending.popleft()
        if future.exception() is not None:
            self.close()
        else:
            self._begin()
        return number, future.result()

    @property
    def is_ready(self) -> bool:
        """Whether the next one is made, so that asking for it neither waits nor raises."""
        if not self._pending:
            return False
        _, future = self._pending[0]
        return future.done() and future.exception() is None

    def close(self) -> None:
        """Begins no more."""
        self._numbers = range(0)
        _cancel(self._pending)

    def _made_now(self) -> tuple[int, T]:
        if not self._numbers:
            raise StopIteration
        number = self._numbers[0]
        try:
            made = self._make(number)
        except Exception:
            self.close()
            raise
        self._numbers = self._numbers[1:]  # after it is made, so that Ctrl-C meanwhile loses nothing
        return number, made

    def _begin(self) -> None:
        while self._numbers and len(self._pending) < self._ahead:
            number = self._numbers[0]
            self._pending.append((number, self._pool.submit(self._make, number)))
            self._numbers = self._numbers[1:]


def _cancel(pending: deque[tuple[int, Future[T]]]) -> None:
    for _, future in pending:
        future.cancel()
    pending.clear()
