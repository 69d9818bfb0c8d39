"""Digests of values of any size are those of their whole canonical JSON."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.staging import job
from fitfeed.converters.staging.job import digest_of

LEAVES = st.none() | st.integers() | st.text(max_size=3) | st.dictionaries(st.text(max_size=2), st.integers())
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=9), max_leaves=40)


@given(content=VALUES, at_once=st.integers(1, 4))
def test_parts_are_those_of_the_whole(content: Any, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "ITEMS_AT_ONCE", at_once)
        whole = json.dumps(content, sort_keys=True, separators=(",", ":"))
        assert digest_of(content) == hashlib.sha256(whole.encode()).hexdigest()
