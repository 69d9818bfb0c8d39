"""What Beam makes of a runner's name and of all options together: that is what counts, and not what was typed."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from fitfeed.beam_jobs.engines.engine import Engine, short_name
from fitfeed.beam_jobs.engines.quiet_beam import quiet_beam
from fitfeed.beam_jobs.engines.temporary_folders import pipeline_folder_removed
from fitfeed.schemas.errors import UsageError

if TYPE_CHECKING:
    import apache_beam as beam


class Opened(NamedTuple):
    """A runner of Beam, and all options.

    Attributes:
        runner: The runner that executes the graph.
        options: All of Beam's options by name, with their defaults.
        unknown: Names that were given and that are none of them. Beam ignores them, unless a job server knows them.
    """

    runner: Any
    options: Mapping[str, Any]
    unknown: list[str]


def is_of_beam(runner: str) -> bool:
    """Whether Beam has a runner of this name. A name with a module may be anybody's."""
    with quiet_beam():
        from apache_beam.options.pipeline_options import StandardOptions

    return "." in runner or short_name(runner) in map(short_name, StandardOptions.KNOWN_RUNNER_NAMES)


def open_runner(runner: str, arguments: Sequence[str], engine: Engine | None) -> Opened:
    """Makes the runner, and reads the options. Nothing is started, and no server is asked.

    Args:
        runner: What the user has given to `--runner`.
        arguments: Options that are passed on to Beam.
        engine: The engine of that name, if it is one that fitfeed knows.

    Raises:
        UsageError: If something is not installed, or Beam does not know the runner or an option.
    """
    if engine is not None:
        require_installed(engine, runner)
    with quiet_beam(), _mistakes_in_one_line():
        try:
            from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
            from apache_beam.runners.runner import create_runner

            options = PipelineOptions(_all_arguments(runner, arguments, engine))
            chosen = create_runner(options.view_as(StandardOptions).runner)
            known = options.get_all_options()
            unknown = options.get_all_options(retain_unknown_options=True).keys() - known.keys()
            return Opened(launched_by(chosen), known, sorted(unknown))
        except (AttributeError, ImportError, ValueError) as error:  # the first: a module without such a class
            raise _refused(runner, error) from error


@contextmanager
def open_pipeline(runner: str, arguments: Sequence[str], engine: Engine | None) -> Iterator["beam.Pipeline"]:
    """Makes an empty pipeline, which Beam checks: for Dataflow it looks at buckets. Arguments are those of `open_runner`.

    Raises:
        UsageError: If Beam refuses its options.
    """
    with quiet_beam():
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions

        try:
            pipeline = beam.Pipeline(options=PipelineOptions(_all_arguments(runner, arguments, engine)))
        except (AttributeError, ImportError, ValueError) as error:
            raise _refused(runner, error) from error
    with pipeline_folder_removed(pipeline):
        yield pipeline


def launched_by(runner: Any) -> Any:
    """The runner that executes the graph. `InteractiveRunner`, for notebooks, has another one do it."""
    return getattr(runner, "_underlying_runner", runner)


def require_installed(engine: Engine, runner: str) -> None:
    """Checks that what an engine needs is installed.

    Raises:
        UsageError: If it is not.
    """
    missing = [name for name in engine.modules if not _is_installed(name)]
    if missing:
        msg = f"--runner {runner} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. Run: {engine.install}"
        raise UsageError(msg)


def _all_arguments(runner: str, arguments: Sequence[str], engine: Engine | None) -> list[str]:
    return [f"--runner={runner if engine is None else engine.runner}", *arguments]


@contextmanager
def _mistakes_in_one_line() -> Iterator[None]:
    """Lets options be read. Beam's parser answers a mistake by pages of usage, and ends the process.

    Raises:
        UsageError: If an option is not what Beam expects.
    """
    with redirect_stderr(io.StringIO()) as said:
        try:
            yield
        except SystemExit:
            reason = said.getvalue().rstrip().rpartition("error: ")[2]
            msg = f"Beam cannot read the options after --: {reason}. Correct that option, or leave it out."
            raise UsageError(msg) from None


def _refused(runner: str, error: Exception) -> UsageError:
    reasons = [line.strip(" .") for line in str(error).splitlines() if "validations errors" not in line]
    hint = " Some runners need an extra of Beam's, for example: pip install 'apache-beam[gcp]'"
    missing = isinstance(error, AttributeError | ImportError)
    msg = f"Beam does not accept --runner {runner} with these options: {'; '.join(reasons)}.{hint if missing else ''}"
    return UsageError(msg)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it is in
        return False
