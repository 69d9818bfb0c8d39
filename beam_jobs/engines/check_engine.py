"""The checks before launch: in seconds, and before anything is planned."""

from collections.abc import Sequence

from fitfeed.beam_jobs.engines.executables import require_local_executable
from fitfeed.beam_jobs.engines.known_engines import ENGINES, engine_named, engine_of
from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.beam_jobs.engines.open_pipeline import is_of_beam, open_pipeline, open_runner
from fitfeed.beam_jobs.engines.portable import PORTABLE
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.place import Place


def check_engine(
    runner: str, arguments: Sequence[str], *, dataset: Place, sources: Sequence[Place], detach: bool = False
) -> list[str]:
    """Refuses runners that must not be used, options that the runner does not take, and launches that cannot work.

    What counts is what Beam makes of all options together: a runner has several names, and an option can name another.

    Args:
        runner: `local`, the name of an engine, or that of a runner of Beam.
        arguments: Options for it.
        dataset: The dataset to make.
        sources: Its sources.
        detach: Whether the job is to be left running.

    Returns:
        What the user should know: a line each, without a full stop.

    Raises:
        UsageError: If it is Beam's `DirectRunner`, if Beam would download an executable, if something is not installed, if
            Beam does not know the runner or refuses its options, if workers cannot see a place, or if a job that would end
            with this process is to be left running.
        RemoteError: If a server does not answer.
    """
    if runner == "local":
        if detach:
            msg = "--detach leaves a job to the engine that runs it, and the local run has none. Add --runner NAME, or leave --detach out."
            raise UsageError(msg)
        return []
    named = engine_named(runner)
    if named is None and not is_of_beam(runner):
        names = ", ".join(engine.name for engine in ENGINES if engine is not PORTABLE)
        msg = f"--runner {runner} is not known. Choose local, {names}, or the name of a runner of Beam, such as PortableRunner."
        raise UsageError(msg)
    chosen, options, unknown = open_runner(runner, arguments, named)
    if any(each.__name__ == "SwitchingDirectRunner" for each in type(chosen).__mro__):
        msg = f"--runner {runner} is Beam's DirectRunner, which would download and start an executable. Use --runner local (the default): the same graph, faster, on this machine."
        raise UsageError(msg)
    require_local_executable(chosen, options)
    engine = engine_of(chosen)
    launch = Launch(runner=runner, options=options, dataset=dataset, sources=list(sources))
    if detach and not (engine is not None and engine.outlives(launch)):
        msg = f"a job of --runner {runner} with these options ends with this command, so it cannot be left. --detach needs dataflow, or a job server (-- --job_endpoint=HOST:PORT) with workers of its own. Leave --detach out."
        raise UsageError(msg)
    if unknown and engine is not None and not engine.serves_options:
        msg = f"Beam does not know --{unknown[0]}, and would ignore it. Correct its name, or leave it out."
        raise UsageError(msg)
    warnings = [] if engine is None else engine.check(launch)
    with open_pipeline(runner, arguments, named):  # Beam has checked it then
        return warnings
