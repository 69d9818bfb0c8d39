"""JSON that is ambiguous or endless is refused; all other JSON is as `json.loads` has it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas import strict_json
from fitfeed.schemas.strict_json import parse_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_values_are_those_of_json(value: object) -> None:
    text = json.dumps(value).encode()
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"\xff", "can't decode"),
        (b'{"a": 1, "b": 2, "a": 1}', "the key 'a' twice"),
        (b'[{"\\n": {}, "\\n": {}}]', "twice"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"-Infinity", "-Infinity is not a JSON number"),
        (b"1e400", "1e400 is too large"),
        (b"9" * 5000, "limit"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" + b"1," * 500_000 + b"1]", "more than 500,000"),
    ],
    ids=range(12),
)
def test_what_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_json(text)


def test_the_limit_is_of_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_VALUES", 3)
    assert parse_json(b"[1,2,3]") == [1, 2, 3]
    with pytest.raises(ValueError, match="up to 4 values"):
        parse_json(b"[1,2,3,4]")
