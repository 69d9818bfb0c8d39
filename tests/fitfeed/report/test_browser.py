"""A browser that says nothing ends its test."""

import os

import pytest

from tests.fitfeed.report import browser
from tests.fitfeed.report.browser import Browser


def test_a_browser_that_says_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "MAX_ANSWER_S", 0.05)
    (to_read, commands), (answers, to_write) = os.pipe(), os.pipe()
    try:
        with pytest.raises(AssertionError, match="says nothing any more"):
            Browser(commands, answers)
        assert b"Target.createTarget" in os.read(to_read, 1000)
    finally:
        for descriptor in (to_read, commands, answers, to_write):
            os.close(descriptor)
