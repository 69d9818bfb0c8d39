"""Runs a module of Beam's as a program that listens on 127.0.0.1 only: `python -m tests.servers.on_loopback MODULE ...`.

Beam's worker pool and the services of its job service listen on all interfaces, do what anybody asks, and have no option
for it.
"""

import runpy
import sys
from typing import Any

from grpc import _server

EVERYWHERE, HERE = "[::]:", "127.0.0.1:"


def main() -> None:
    """Runs the module that is named first, with the other arguments."""
    add_port = _server._Server.add_insecure_port

    def add_port_here(server: Any, address: str) -> int:
        port: int = add_port(server, address.replace(EVERYWHERE, HERE))
        return port

    _server._Server.add_insecure_port = add_port_here
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
