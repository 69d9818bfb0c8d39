"""TensorFlow is loaded in silence, unless it does not load or somebody wants to see all."""

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from fitfeed.bench import load_tensorflow as loading
from fitfeed.bench.load_tensorflow import LEVEL, load_tensorflow


@pytest.fixture
def not_loaded(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(
        loading, "sys", SimpleNamespace(modules={}, stderr=sys.stderr, executable=sys.executable)
    )
    monkeypatch.delenv(LEVEL, raising=False)
    return monkeypatch


def test_what_its_native_code_says_is_not_printed(
    not_loaded: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> Any:
        os.write(2, b"I0000 port.cc: oneDNN\n")
        return SimpleNamespace(
            config=SimpleNamespace(list_logical_devices=lambda: os.write(2, b"E0000 cuInit\n"))
        )

    not_loaded.setattr("importlib.import_module", load)
    load_tensorflow()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_why_it_does_not_load_is_printed(
    not_loaded: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str) -> Any:
        os.write(2, b"undefined symbol\n")
        raise ImportError(name)

    not_loaded.setattr("importlib.import_module", fail)
    with pytest.raises(ImportError, match="tensorflow"):
        load_tensorflow()
    assert capfd.readouterr().err == "undefined symbol\n"


@pytest.mark.parametrize("end", ["os.abort()", "os.kill(os.getpid(), 11)"])
def test_why_loading_it_ended_the_process_is_printed(end: str) -> None:
    program = f"""import importlib, os, sys
from fitfeed.bench.load_tensorflow import load_tensorflow
def load(name):
    os.write(2, b"compiled to use AVX instructions\\n")
    {end}
importlib.import_module = load
load_tensorflow()"""
    environment = {name: value for name, value in os.environ.items() if name != LEVEL}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode < 0
    assert ended.stderr == "compiled to use AVX instructions\n"


def test_without_a_standard_error_it_is_loaded_too(not_loaded: pytest.MonkeyPatch) -> None:
    not_loaded.setattr(loading, "sys", SimpleNamespace(modules={}, stderr=None))
    devices = SimpleNamespace(list_logical_devices=list)
    not_loaded.setattr("importlib.import_module", lambda name: SimpleNamespace(config=devices))
    load_tensorflow()


def test_who_wants_to_see_all_does(not_loaded: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    not_loaded.setattr("importlib.import_module", loaded.append)
    not_loaded.setenv(LEVEL, "0")
    load_tensorflow()
    assert loaded == []


@pytest.mark.slow
def test_the_real_one_is_silent() -> None:
    program = "from fitfeed.bench.load_tensorflow import load_tensorflow; load_tensorflow(); import tensorflow as tf; tf.constant(1) + 1"
    environment = {name: value for name, value in os.environ.items() if name != LEVEL}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert (ended.stdout, ended.stderr) == ("", "")
