"""Inputs that do not become examples. Each has a reason code and one sentence."""

import dataclasses
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

Reason = Literal[
    "empty_file",
    "not_an_image",
    "truncated",
    "corrupt",
    "unsupported_format",
    "bomb",
    "zero_dimension",
    "unreadable",
    "vanished",
    "label_invalid",
    "decoder_crash",
    "timeout",
    "duplicate",
    "label_conflict",
    "left_out",
    "mask_missing",
    "mask_mismatch",
]


NO_EXTENSION = "without extension"

MAX_DETAIL = 300
"""Most characters of a decoder's message. Some quote half a file."""


@dataclasses.dataclass(frozen=True)
class Reject:
    """One line of `rejects.jsonl`.

    Attributes:
        path: Path relative to the source, as text (see `text_path`).
        reason: Why it is not an example.
        detail: One sentence for a person.
        handling: `rejected` counts against `--max-bad`; `ignored` (hidden files, text beside images, dropped
            duplicates) does not.
    """

    path: str
    reason: Reason
    detail: str
    handling: Literal["rejected", "ignored"] = "rejected"


def text_path(path: str) -> str:
    """A path as text that any UTF-8 file can hold.

    Names that are not valid UTF-8 reach Python with surrogate escapes. They are written with backslash escapes, and
    their own backslashes are doubled. All other names stay as they are.
    """
    if path.isascii():  # nearly all are, and this is asked millions of times
        return path
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path).replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    return path


def path_of_text(text: str) -> list[str]:
    """The paths that `text_path` may have written so, the likelier one first: names may have a backslash, too."""
    if "\\" not in text:
        return [text]
    data = re.sub(
        rb"\\\\|\\x([0-9a-f]{2})",
        lambda found: bytes.fromhex(found[1].decode()) if found[1] else b"\\",
        text.encode("utf-8", "surrogatepass"),  # a list that comes with a dataset may have any text
    )
    return [text, os.fsdecode(data)]


def count_reasons(rejects: Iterable[Reject]) -> dict[str, int]:
    """Number of rejects by reason, in the order of the reasons' names."""
    return dict(sorted(Counter(reject.reason for reject in rejects).items()))


def count_extensions(ignored: Iterable[Reject]) -> dict[str, int]:
    """Number of files that are not images by extension, the most frequent first.

    Pictures that were left out, and copies, have another reason.
    """
    names = (reject.path.rpartition("/")[2] for reject in ignored if reject.reason == "not_an_image")
    kinds = Counter(os.path.splitext(name)[1].lower() or NO_EXTENSION for name in names)  # noqa: PTH122 - millions
    return dict(sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0])))


def to_json_lines(rejects: Iterable[Reject]) -> str:
    """The text of `rejects.jsonl`, sorted by path. It is ASCII, so it can be looked at on any terminal."""
    ordered = sorted(rejects, key=lambda reject: (reject.path, reject.reason))
    return "".join(json.dumps(dataclasses.asdict(reject)) + "\n" for reject in ordered)


class ImageError(Exception):
    """The bytes of a file do not decode to a whole image.

    Attributes:
        reason: Code for `rejects.jsonl`.
        detail: One sentence.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        """Takes the reason as a code and as a sentence, which becomes one line and the same in every run."""
        line = " ".join(re.sub(r"<[^<>]* at 0x[0-9a-f]+>", "", detail).split())
        self.detail = line if len(line) <= MAX_DETAIL else f"{line[:MAX_DETAIL]}..."
        super().__init__(self.detail)
        self.reason = reason
