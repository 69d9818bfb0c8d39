"""Checks the list of rejects against the manifest."""

import dataclasses
from collections import Counter
from collections.abc import Iterator

from fitfeed.converters.rejects import Reject
from fitfeed.converters.verify.reading import Reading
from fitfeed.converters.verify.report import Finding
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.strict_json import parse_json
from fitfeed.schemas.text import shortened

MAX_LINE_BYTES = 1 << 20
COLUMNS = {field.name for field in dataclasses.fields(Reject)}


def check_rejects(reading: Reading, manifest: Manifest) -> Iterator[Finding]:
    """Counts the lines by reason.

    Args:
        reading: The file, at its beginning. If a line is wrong, it stays there.
        manifest: Manifest of the dataset.
    """
    file, reasons, ignored = manifest.rejects_file.file, Counter[str](), 0
    while reading.left:
        start = reading.position
        line = reading.read_line(MAX_LINE_BYTES)
        try:
            reject = read_reject(line)
        except ValueError as error:
            yield Finding(file=file, kind="rejects", detail=f"a line is not a reject: {error}", offset=start)
            return
        if reject.handling == "ignored":
            ignored += 1
        else:
            reasons[str(reject.reason)] += 1
    if reasons != manifest.rejects or ignored != manifest.ignored:
        found = shortened(dict(sorted(reasons.items())), limit=200)
        detail = f"it has {found} and {ignored} ignored files, the manifest says {manifest.rejects} and {manifest.ignored}"
        yield Finding(file=file, kind="rejects", detail=shortened(detail, limit=400))


def read_reject(line: bytes) -> Reject:
    """Reads a line of the list.

    Raises:
        ValueError: If it is not a reject.
    """
    content = parse_json(line)
    if not isinstance(content, dict) or content.keys() != COLUMNS:
        msg = f"expected an object of {', '.join(sorted(COLUMNS))}"
        raise ValueError(msg)
    return Reject(**content)
