"""`fitfeed bench`: what is refused, and what is printed and written."""

import errno
import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from fitfeed.cli import main
from tests.fitfeed.bench.results import made_result


@pytest.fixture
def measured() -> Any:
    """Measures nothing: what is printed is looked at."""
    with mock.patch("fitfeed.bench.run.run_bench", return_value=made_result()) as run:
        yield run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch-size", "0"], "--batch-size expects a number from 1. Received: 0"),
        (["--processes", "-1"], "--processes expects a number from 0. Received: -1"),
        (["--need", "0"], "--need expects a number from 1. Received: 0"),
        (["--seconds", "0"], "--seconds expects a number from 0.1 to 3600. Received: 0"),
        (["--seconds", "nan"], "--seconds expects a number from 0.1 to 3600. Received: nan"),
        (["--model", "nothing"], "--model expects a .keras file or one of"),
        (["-o", "bench.png"], "-o expects a name that ends in .html, .htm"),
        (["--batch-size", "13"], "a batch is larger than split 'train', which has 12 examples"),
        (["--split", "nowhere"], "nowhere"),
        (["--augment", "RandomFlop()"], "Did you mean RandomFlip?"),
    ],
)
def test_what_means_nothing_is_refused(
    gray: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(gray), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_help_names_the_default_of_a_batch(
    capsys: pytest.CaptureFixture[str], gray: Path, measured: mock.Mock
) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    assert "uint8; default: float32" in capsys.readouterr().out
    assert main(["bench", str(gray), "--quiet"]) == 0
    assert measured.call_args.args[1].dtype == "float32"


def test_another_backend_is_refused_before_anything_is_measured(
    gray: Path, measured: mock.Mock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert main(["bench", str(gray), "--model", "resnet50"]) == 2
    assert "backend 'jax'" in capsys.readouterr().err
    measured.assert_not_called()


def test_the_answer_goes_to_standard_output(
    gray: Path, tmp_path: Path, measured: mock.Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "bench.html"
    assert main(["bench", str(gray), "--need", "100", "-o", str(page)]) == 0
    out, err = capsys.readouterr()
    assert "Decoding limits at 2,600 images/s" in out
    assert err == f"{page}: open it in a browser.\n"
    assert page.read_text().startswith("<!doctype html>")
    assert measured.call_args.kwargs["need"] == 100


@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.usefixtures("measured")
def test_a_page_that_cannot_be_written_takes_nothing_of_the_answer(
    gray: Path,
    tmp_path: Path,
    more: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "fsync", mock.Mock(side_effect=full))
    page = tmp_path / "bench.html"
    assert main(["bench", str(gray), "-o", str(page), *more]) == 2
    out, err = capsys.readouterr()
    assert "2600" in out.replace(",", "")
    assert err == (
        f"fitfeed bench: {page} cannot be written: No space left on device. Make room there, or name another file with -o.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_json_is_one_document(gray: Path, measured: mock.Mock, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(gray), "--json", "--augment", "RandomFlip()", "--dtype", "uint8"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["limit"] == "decode"
    assert err == ""
    plan = measured.call_args.args[1]
    assert (plan.dtype, len(plan.augment)) == ("uint8", 1)


def test_an_interrupted_measurement_ends_quietly(gray: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch("fitfeed.bench.run.run_bench", side_effect=KeyboardInterrupt):
        assert main(["bench", str(gray)]) == 130
    assert capsys.readouterr().err == "fitfeed bench: interrupted\n"
