"""What the benchmark says where tensorflow-io is missing, or does not fit. Where it loads, tests/end_to_end runs the benchmark."""

import sys
from argparse import ArgumentParser
from types import SimpleNamespace
from typing import Any

import pytest
import tensorflow as tf

from benchmarks import by_tensorflow_io


def said(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        by_tensorflow_io.loaded(ArgumentParser())
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].partition("error: ")[2]


def module(decode: Any) -> Any:
    return SimpleNamespace(image=SimpleNamespace(decode_webp=decode), __spec__=SimpleNamespace())


def test_it_is_not_installed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(by_tensorflow_io, "find_spec", lambda _: None)
    assert said(capsys) == "tensorflow-io is not installed. Run: pip install 'fitfeed[tensorflow,io]'"


def test_it_is_imported_and_does_not_load(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def decode(_: bytes) -> None:
        msg = "unable to open file: libtensorflow_io.so, from paths: [...]\ncaused by: [...]"
        raise NotImplementedError(msg)

    monkeypatch.setitem(sys.modules, "tensorflow_io", module(decode))
    assert said(capsys).startswith(
        f"tensorflow-io does not load with TensorFlow {tf.__version__} (unable to open file: libtensorflow_io.so, from"
    )


def test_it_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bytes] = []
    fits = module(called.append)
    monkeypatch.setitem(sys.modules, "tensorflow_io", fits)
    assert by_tensorflow_io.loaded(ArgumentParser()) is fits
    assert called[0][8:12] == b"WEBP"
