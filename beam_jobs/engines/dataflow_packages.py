"""How fitfeed comes onto the workers of Dataflow: in an image, as a package that is given, or by its name in an index.

Workers have Beam and what Beam needs, and nothing else. The rest they install when they start, in exactly the versions
of the machine that launches them: the libraries that encode pictures decide the bytes of a dataset.
"""

import atexit
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path, PurePosixPath
from typing import Any

from fitfeed.schemas.errors import UsageError

PACKAGE = "fitfeed"

OPTIONAL = "heif"
"""The extra that conversions use where it is installed. Without it, workers would reject what this machine accepts."""

OR_AN_IMAGE = (
    "or an image that has it, as -- --sdk_container_image=IMAGE (docs/dataflow.md says how to make one)"
)


def with_packages(arguments: Sequence[str]) -> list[str]:
    """Completes options for Beam by what workers install.

    Args:
        arguments: The options that were given.

    Returns:
        All options. They may name a file that is there until this process ends.

    Raises:
        UsageError: As `worker_requirements`.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions(list(arguments)).get_all_options()
    # All functions of the graph are in modules of fitfeed: nobody needs the variables of the calling program.
    completed = [*arguments, "--no_save_main_session"]
    lines = worker_requirements(options)
    if lines:
        folder = tempfile.TemporaryDirectory(prefix="fitfeed-requirements-")
        atexit.register(folder.cleanup)  # Beam reads it when it submits the job
        file = Path(folder.name) / "requirements.txt"
        file.write_text("\n".join([*lines, ""]))
        completed.append(f"--requirements_file={file}")
        if (
            options["requirements_cache"] is None
        ):  # else all packages are downloaded here, and uploaded for each job
            completed.append("--requirements_cache=skip")
    return completed


def worker_requirements(options: Mapping[str, Any]) -> list[str]:
    """What workers install besides the packages that are given, as lines of a requirements file.

    Args:
        options: All of Beam's options by name.

    Returns:
        The lines; none if an image has everything, or a requirements file of the user says it.

    Raises:
        UsageError: If workers would have no fitfeed, or another one than this machine.
    """
    if options["sdk_container_image"] is not None:
        return []
    here = _version_here()
    given = [each for each in map(_version_of, options["extra_packages"] or []) if each is not None]
    other = next((each for each in given if each != here), None)
    if other is not None:
        msg = f"--extra_package has {PACKAGE} {other}, and this is {PACKAGE} {here}: they may write other bytes. Give the package of this version, {OR_AN_IMAGE}."
        raise UsageError(msg)
    if options["requirements_file"] is not None:
        if not given and not _names_us(Path(options["requirements_file"])):
            msg = f"workers would not have {PACKAGE}: --requirements_file={options['requirements_file']} does not name it. Add the line {PACKAGE}=={here}, or leave the option out: then the versions of this machine are installed."
            raise UsageError(msg)
        return []
    if given:
        return _pins()
    if not _comes_from_an_index():
        msg = f"workers cannot install this {PACKAGE} by its name, because it comes from a folder or a file. Make a package (python -m build --wheel) and give it, as -- --extra_package=dist/{PACKAGE}-{here}-py3-none-any.whl, {OR_AN_IMAGE}."
        raise UsageError(msg)
    return [f"{PACKAGE}=={here}", *_pins()]


def _version_here() -> str:
    """The version of fitfeed on this machine.

    Raises:
        UsageError: If it is not installed, so that nobody knows.
    """
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        msg = f"{PACKAGE} runs from a folder here and is not installed, so workers cannot be given the same. Install it: pip install FOLDER"
        raise UsageError(msg) from None


def _version_of(package: str) -> str | None:
    """The version in the name of a package file; None if it is another package than ours."""
    name = PurePosixPath(package).name
    if not name.startswith(f"{PACKAGE}-"):
        return None
    for ending in (".whl", ".tar.gz", ".tar", ".zip"):
        name = name.removesuffix(ending)
    return name.split("-")[1]


def _names_us(file: Path) -> bool:
    """Whether a requirements file has a line for fitfeed.

    Raises:
        UsageError: If it cannot be read.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        msg = f"--requirements_file={file} cannot be read: {reason}."
        raise UsageError(msg) from error
    return any(PACKAGE in line.partition("#")[0].lower() for line in lines)


def _comes_from_an_index() -> bool:
    """Whether the fitfeed that runs is what an index has under its name and version."""
    found = distribution(PACKAGE)
    # Installers write this file for what comes from a folder, a file or an address (PEP 610).
    if found.read_text("direct_url.json") is not None:
        return False
    return Path(str(found.locate_file(""))) in Path(__file__).parents


def _pins() -> list[str]:
    """What fitfeed needs, each in the version of this machine. Beam is left out: the image of workers has it."""
    from packaging.requirements import Requirement
    from packaging.version import Version

    needed = [Requirement(text) for text in distribution(PACKAGE).requires or []]
    names = {each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})}
    optional = {each.name for each in needed if each.marker and each.marker.evaluate({"extra": OPTIONAL})}
    names |= {name for name in optional if _is_installed(name)}
    return sorted(f"{name}=={Version(version(name)).public}" for name in names if name != "apache-beam")


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
