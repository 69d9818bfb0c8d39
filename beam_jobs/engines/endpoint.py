"""Addresses of servers: whether one answers, and whether it is on this machine."""

import socket
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from fitfeed.schemas.errors import RemoteError, UsageError

CONNECT_S = 5.0
"""Seconds in which a server that is there answers."""


class Endpoint(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, option: str) -> Self:
        """Reads `HOST:PORT`, with or without a scheme before it.

        Args:
            text: What was given.
            option: The option, for messages.

        Raises:
            UsageError: If it is something else.
        """
        try:
            parts = urlsplit(text if "://" in text else f"//{text}")
            host, port = parts.hostname, parts.port
        except ValueError:  # a port that is not a number
            host = port = None
        if not host or not port:
            msg = f"--{option} takes HOST:PORT, such as localhost:8099. Received: {text}"
            raise UsageError(msg)
        return cls(host, port)

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, by its name alone."""
        return self.host in ("localhost", "::1", socket.gethostname().lower()) or self.host.startswith("127.")

    def failure(self) -> str | None:
        """Why it does not answer; None if it does."""
        try:
            with socket.create_connection(self, timeout=CONNECT_S):
                return None
        except TimeoutError:
            return f"no answer within {CONNECT_S:.0f} s"
        except OSError as error:
            return error.strerror or str(error)

    def require(self, what: str, option: str) -> None:
        """Checks that it answers.

        Args:
            what: The server, for messages.
            option: The option that names it.

        Raises:
            RemoteError: If it does not.
        """
        reason = self.failure()
        if reason is not None:
            msg = f"{what} cannot be reached at {self.host}:{self.port}: {reason}. Start it, or correct -- --{option}."
            raise RemoteError(msg)
