"""Where the files are that were rejected: `--source` names the sources of the dataset, on this machine or in a store."""

from collections.abc import Mapping, Sequence

from fitfeed.converters.rejects import Reject, path_of_text
from fitfeed.converters.sources.given_source import folder_name, parse_source
from fitfeed.converters.sources.table import is_table
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.manifest_parts import NamedSource
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import short_repr

MAX_FILE_BYTES = 64 << 20
"""64 MiB: photographs have less."""


class CannotBeShownError(Exception):
    """A file has no picture for the page. Its text says why."""


class RejectSources:
    """The sources of a dataset, as far as they are given."""

    def __init__(self, manifest: Manifest, places: Mapping[str, Place]) -> None:
        """Takes the sources.

        Args:
            manifest: Of the dataset.
            places: Name of a source to the folder of its files.
        """
        self._sources, self._places = manifest.sources, places

    def read(self, reject: Reject) -> bytes:
        """Reads a rejected file. Links that lead out of its source are not followed, for the list comes with the dataset.

        Raises:
            CannotBeShownError: If it is not there, is too large, or cannot be read.
        """
        source, path = self._place_of(reject.path)
        place = self._places.get(source.name)
        if source.kind == "dataset":
            raise CannotBeShownError(
                "it is an example of a dataset, of which fitfeed report makes a page, too"
            )
        if place is None:
            msg = f"its source {source.name} was not given"
            raise CannotBeShownError(msg)
        failure: Exception = FileNotFoundError()
        for name in path_of_text(path):
            try:
                content, _ = place.read(name, at_most=MAX_FILE_BYTES + 1)
            except (OSError, ValueError) as error:
                failure = error
                continue
            if len(content) > MAX_FILE_BYTES:
                msg = f"it has more than {MAX_FILE_BYTES >> 20} MiB"
                raise CannotBeShownError(msg)
            return content
        raise CannotBeShownError(_why_not_read(failure)) from failure

    def _place_of(self, path: str) -> tuple[NamedSource, str]:
        """The source of a path, and the path there. Paths of further sources begin with their names."""
        for source in self._sources[1:]:
            if path.startswith(f"{source.name}/"):
                return source, path[len(source.name) + 1 :]
        return self._sources[0], path


def find_sources(given: Sequence[str], manifest: Manifest) -> RejectSources:
    """Finds the sources of a dataset.

    Args:
        given: `SOURCE` or `NAME=SOURCE`, as for `fitfeed convert`: folders, or tables in the folder of their images.
        manifest: Of the dataset.

    Raises:
        NotFoundError: If one is not there.
        UsageError: If it is not known which source of the dataset one is, or if one is given twice.
    """
    places: dict[str, Place] = {}
    for text in given:
        source = parse_source(text)
        folder = _folder(source.path)
        name = source.name if source.name is not None else _name(folder, manifest)
        _require_known(name, manifest, text)
        if name in places:
            msg = f"source {short_repr(name)} of the dataset was given twice. Received: --source {' --source '.join(given)}. Give one folder or table for each source."
            raise UsageError(msg)
        places[name] = folder
    return RejectSources(manifest, places)


def _folder(path: Place) -> Place:
    """The folder of the files: a table is in it.

    Raises:
        NotFoundError: If nothing is there.
        UsageError: If its store does not say whether it is.
    """
    folder = path.split()[0] if is_table(path) else path
    try:
        there = folder.exists()
    except OSError as error:
        msg = f"--source {path} cannot be read: {error.strerror or error}."
        raise UsageError(msg) from error
    if not there:
        msg = f"--source {path} does not exist. Give the folder from which the dataset was converted."
        raise NotFoundError(msg)
    return folder.absolute()


def _name(folder: Place, manifest: Manifest) -> str:
    """What the dataset calls a source that was given no name. One that may be elsewhere now is the only one there is."""
    if len(manifest.sources) == 1:
        return manifest.sources[0].name
    return folder_name(folder.choose(local=lambda path: str(path.resolve()), far=str))


def _require_known(name: str, manifest: Manifest, text: str) -> None:
    names = [source.name for source in manifest.sources]
    if name not in names:
        listed = ", ".join(map(short_repr, names))
        msg = f"the dataset has no source {short_repr(name)}, but {listed}. Received: --source {text}. Write --source NAME={text.rpartition('=')[2]} with one of these names."
        raise UsageError(msg)


def _why_not_read(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "it is not in the source any more"
    if isinstance(error, OSError):
        return f"it cannot be read: {error.strerror or error}"
    return "its path does not lead into the source"
