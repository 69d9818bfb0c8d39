"""One guarded process for all tests of a run: starting one takes half a second of CPU time, and HDF5 is verified often."""

from collections.abc import Callable
from importlib import import_module

from typing_extensions import override

from fitfeed.converters.verify import guarded
from fitfeed.schemas.processes.guarded_calls import GuardedCalls
from fitfeed.schemas.strict_json import Json


class SharedGuard(GuardedCalls):
    """Stays when a command is done with it. If it dies or is too slow, the next call starts another one, as always."""

    @override
    def begin(self, function: Callable[..., Json], *arguments: Json) -> None:
        super().begin(call_afresh, function.__module__, function.__qualname__, list(arguments))

    @override
    def close(self) -> None:
        pass

    def end(self) -> None:
        """Ends the process."""
        super().close()


def call_afresh(module: str, function: str, arguments: list[Json]) -> Json:
    """Calls a function as the first one of its process: tests change datasets where they lie."""
    guarded._rows.cache_clear()
    result: Json = getattr(import_module(module), function)(*arguments)
    return result
