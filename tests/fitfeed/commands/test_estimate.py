"""`fitfeed estimate`: what is refused, and what is printed."""

import json
import tempfile
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import pytest

from fitfeed.cli import main
from fitfeed.pipelines import needed_package
from tests.fitfeed.estimate.estimates import made_estimate


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--need", "0"], "--need expects a number from 1 to 1000000000. Received: 0"),
        (["--samples", "3"], "--samples expects a number from 16 to 100000. Received: 3"),
        (["--quality", "101"], "--quality expects a number from 1 to 100. Received: 101"),
        (["--seconds", "nan"], "--seconds expects a number from 0.1 to 3600. Received: nan"),
        (["--augment", "RandomFlop()"], "Did you mean RandomFlip?"),
    ],
)
def test_what_means_nothing_is_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", str(tmp_path), *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("written", ["256,0", "256,256", "big", ""])
def test_sizes_are_numbers(written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["estimate", str(tmp_path), "--sizes", written])
    assert end.value.code == 2
    message = f"expected positive numbers of pixels such as 192,256, each once. Received: {written!r}"
    assert message in capsys.readouterr().err


def test_a_source_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", str(tmp_path / "nowhere"), "--quiet"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_without_tensorflow_a_line_says_how_to_get_it(
    few_photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        needed_package, "find_spec", lambda name: None if name == "tensorflow" else find_spec(name)
    )
    with mock.patch("fitfeed.estimate.run.run_estimate") as run:
        assert main(["estimate", str(few_photos)]) == 2
    assert capsys.readouterr().err == (
        "fitfeed estimate: this command needs TensorFlow, which is not installed. Run: pip install 'fitfeed[tensorflow]'.\n"
    )
    run.assert_not_called()


def test_options_are_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch("fitfeed.estimate.run.run_estimate", return_value=made_estimate()) as run:
        arguments = ["--need", "2000", "--sizes", "256,128", "--image-size", "96", "--samples", "40"]
        assert main(["estimate", "photos", *arguments, "--augment", "RandomFlip()"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("fitfeed convert photos DATASET --size 256\n")
    assert err == ""
    given = run.call_args.kwargs
    assert (given["sides"], given["image_size"], given["samples"]) == ([128, 256], (96, 96), 40)
    assert len(given["augment"]) == 1


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch("fitfeed.estimate.run.run_estimate", return_value=made_estimate()):
        assert main(["estimate", "photos", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["images"] == 40_000
    assert err == ""


def test_an_interrupted_estimate_leaves_nothing(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with mock.patch("fitfeed.estimate.run.convert_sample", side_effect=KeyboardInterrupt):
        assert main(["estimate", str(few_photos), "--quiet"]) == 130
    assert capsys.readouterr().err == "fitfeed estimate: interrupted\n"
    assert list(tmp_path.iterdir()) == []
