"""What `--json` prints where a command fails: one document, as where it succeeds."""

from fitfeed.output.terminal import print_json
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.strict_json import JsonObject


def print_failure(error: Exception) -> None:
    """Prints the document to standard output. The message itself goes to standard error, as without `--json`."""
    print_json(failure_document(error))


def failure_document(error: Exception) -> JsonObject:
    """Describes a failure.

    Args:
        error: Why the command failed. If it is not one of ours, it is a bug.

    Returns:
        `error`, with `status` (the exit status), `kind` (name of the error), `message` (its lines) and `details`, which
        depend on the kind.
    """
    ours = error if isinstance(error, FitfeedError) else FitfeedError(*str(error).split("\n"))
    return {
        "error": {
            "status": ours.exit_status,
            "kind": type(error).__name__,
            "message": list(ours.args),
            "details": ours.details,
        }
    }
