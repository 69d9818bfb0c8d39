"""What a conversion leaves in the staging area where it was refused: for whoever looks at the dataset that was to be."""

from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.strict_json import parse_json

OUTCOME_NAME = "outcome.json"
"""In the folder of a job: what publication decided."""

LEAKS_NAME = "leaks.txt"
"""In the staging area: the images of groups that are in two splits, which planning refuses."""

MAX_OUTCOME_BYTES = 1 << 20
"""An outcome names 20 pairs of duplicates at most. What is larger is not read."""

REASONS = {
    "leaks": "the same image is in two splits",
    "duplicates": "the same image is twice in a split",
    "too_many_rejects": "too many files were rejected",
    "nothing_left": "no image was left",
}
"""Why a conversion was not published, by the status of its outcome."""


def why_refused(work: Place) -> str | None:
    """Why the conversion in a staging area was not published; None if it may go on, or nothing can be read there.

    Args:
        work: The staging area, which anybody may have made.
    """
    try:
        if work.area().has_file(LEAKS_NAME):
            return "the same group is in two splits"
        for name in work.folders():
            content, found = work.below(name).read(OUTCOME_NAME, at_most=MAX_OUTCOME_BYTES)
            if found.bytes <= MAX_OUTCOME_BYTES and (reason := REASONS.get(parse_json(content)["status"])):
                return reason
    except (OSError, ValueError, TypeError, KeyError):  # it is not there, or is not what is written there
        return None
    return None
