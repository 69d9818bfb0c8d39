"""How much a run tries: little in `make test`, all in `.ci/run`, which sets FITFEED_TEST_PROFILE=ci."""

import os

PROFILE = os.environ.get("FITFEED_TEST_PROFILE", "quick")
"""Name of the Hypothesis profile, `quick` or `ci`; `tests/conftest.py` registers both."""

QUICK_EXAMPLES, ALL_EXAMPLES = 15, 100


def tries(count: int) -> int:
    """`count` in the profile `ci`; else a fifth of it, but no less than 12 (or `count`)."""
    return count if PROFILE == "ci" else max(count // 5, min(count, 12))
