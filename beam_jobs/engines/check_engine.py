"""The checks before launch: in seconds, and before anything is planned."""

from collections.abc import Sequence

from fitfeed.beam_jobs.engines.executables import require_local_executable
from fitfeed.beam_jobs.engines.known_engines import engine_named, engine_of
from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.beam_jobs.engines.open_pipeline import open_pipeline, open_runner
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.place import Place


def check_engine(
    runner: str, arguments: Sequence[str], *, dataset: Place, sources: Sequence[Place]
) -> list[str]:
    """Refuses runners that must not be used, options that the runner does not take, and launches that cannot work.

    What counts is what Beam makes of all options together: a runner has several names, and an option can name another.

    Args:
        runner: `local`, the name of an engine, or that of a runner of Beam.
        arguments: Options for it.
        dataset: The dataset to make.
        sources: Its sources.

    Returns:
        What the user should know: a line each, without a full stop.

    Raises:
        UsageError: If it is Beam's `DirectRunner`, if Beam would download an executable, if something is not installed, if
            Beam does not know the runner or refuses its options, or if workers cannot see a place.
        RemoteError: If a server does not answer.
    """
    if runner == "local":
        return []
    named = engine_named(runner)
    chosen, options, unknown = open_runner(runner, arguments, named)
    if any(each.__name__ == "SwitchingDirectRunner" for each in type(chosen).__mro__):
        msg = f"--runner {runner} is Beam's DirectRunner, which would download and start an executable. Use --runner local (the default): the same graph, faster, on this machine."
        raise UsageError(msg)
    require_local_executable(chosen, options)
    engine = engine_of(chosen)
    warnings = []
    if engine is not None:
        warnings = engine.check(
            Launch(runner=runner, options=options, dataset=dataset, sources=list(sources), unknown=unknown)
        )
    open_pipeline(runner, arguments, named)
    return warnings
